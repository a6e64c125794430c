"""Timelines with the structure of the adapters' own samples, written in each format, are planned or refused by name.

The packages of OpenTimelineIO and of its adapters carry no samples, so these are rebuilt through the adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.core.errors import DpeError, TimelineError
from dpe_toolkit.planning import build_plan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plugins import Registry, load_registry
from dpe_toolkit.timeline.formats import FORMATS, TimelineFormat, write_format
from tests.planning.conftest import Scene, stretch, time

schema = otio.schema
Make = Callable[[], Any]
RATE = 24


def clip(name: str, start: int = 0, length: int = 24, *, url: str | None = None, available: bool = True) -> Any:
    held = stretch(0, 100, RATE) if available else None
    return schema.Clip(
        name, schema.ExternalReference(url or f"file:///show/{name}.mov", held), stretch(start, length, RATE)
    )


def timeline(*tracks: Any, start: int | None = None) -> Any:
    made = schema.Timeline("sample", global_start_time=None if start is None else time(start, RATE))
    made.tracks.extend(tracks)
    return made


def video(*items: Any, name: str = "V1") -> Any:
    return schema.Track(name, list(items), kind="Video")


def cuts() -> Any:
    return timeline(video(clip("zz100_501"), clip("zz100_502", 5), clip("zz100_503", 9, 40)), start=86400)


def gaps() -> Any:
    return timeline(
        video(
            schema.Gap(source_range=stretch(0, 12, RATE)),
            clip("a"),
            schema.Gap(source_range=stretch(0, 8, RATE)),
            clip("b"),
        )
    )


def dissolves() -> Any:
    cross = schema.Transition("cross", "SMPTE_Dissolve", time(4, RATE), time(6, RATE))
    into = schema.Transition("into", "SMPTE_Dissolve", time(0, RATE), time(6, RATE))
    return timeline(video(into, clip("a", 20), cross, clip("b", 20), clip("c")))


def wipes() -> Any:
    wipe = schema.Transition("wipe", "SMPTE_Wipe", time(4, RATE), time(4, RATE))
    return timeline(video(clip("a", 20), wipe, clip("b", 20)))


def speeds() -> Any:
    clips = [clip(f"s{number}", 10) for number in range(4)]
    for one, scalar in zip(clips, (2.0, -1.0, 0.5, 1.0), strict=True):
        one.effects.append(schema.LinearTimeWarp(time_scalar=scalar))
    clips[3].effects[:] = [schema.FreezeFrame()]
    return timeline(video(*clips))


def nested() -> Any:
    deep = schema.Stack(
        "deep", [video(clip("x")), video(schema.Gap(source_range=stretch(0, 8, RATE)), clip("y", 0, 8))]
    )
    deep.source_range = stretch(2, 20, RATE)
    inner = schema.Track("nested track", [clip("m", 5, 10), deep], kind="Video")
    return timeline(video(clip("n", 0, 9), schema.Stack("middle", [inner])))


def markers() -> Any:
    one, two = clip("a"), clip("b")
    one.markers.append(schema.Marker("note", stretch(3, 1, RATE), schema.MarkerColor.GREEN))
    two.markers.append(schema.Marker("dpe:12345678", stretch(0, 0, RATE)))
    made = timeline(video(one, two))
    made.tracks.markers.append(schema.Marker("chapter", stretch(9, 1, RATE)))
    return made


def many_tracks() -> Any:
    sound = schema.Track("A1", [clip("voice", 0, 60)], kind="Audio")
    upper = video(schema.Gap(source_range=stretch(0, 12, RATE)), clip("title"), name="V2")
    return timeline(video(clip("plate", 0, 60)), upper, video(name="V3"), sound)


def missing() -> Any:
    lost = schema.Clip("lost", schema.MissingReference(), stretch(3, 24, RATE))
    bare = schema.Clip("bare", schema.MissingReference(available_range=stretch(0, 50, RATE)), stretch(3, 24, RATE))
    return timeline(video(lost, bare, clip("rangeless", available=False)))


def generators() -> Any:
    bars = schema.GeneratorReference("bars", "SMPTEBars", stretch(0, 100, RATE))
    return timeline(video(clip("a"), schema.Clip("bars", bars, stretch(0, 24, RATE)), clip("b")))


def sequences() -> Any:
    made = schema.ImageSequenceReference(
        "file:///show/seq/", "sh.", ".exr", 1001, 1, RATE, 4, available_range=stretch(1001, 100, RATE)
    )
    return timeline(video(schema.Clip("frames", made, stretch(1010, 50, RATE))))


def effects() -> Any:
    one, two = clip("a"), clip("off")
    one.effects.append(schema.Effect("Blur", "Gaussian", {"radius": 3}))
    two.enabled = False
    return timeline(video(one, two, clip("ü/<&> \"'"), clip("")))


def rates() -> Any:
    other = schema.Clip(
        "pal", schema.ExternalReference("file:///show/pal.mov", stretch(0, 100, 25)), stretch(0, 25, 25)
    )
    drop = schema.Clip(
        "ntsc", schema.ExternalReference("file:///show/n.mov", stretch(0, 100, 29.97)), stretch(0, 30, 29.97)
    )
    return timeline(video(clip("a"), other, drop))


def empty() -> Any:
    return timeline()


MAKERS: tuple[Make, ...] = (
    cuts, gaps, dissolves, wipes, speeds, nested, markers, many_tracks, missing, generators, sequences, effects, rates,
    empty,
)  # fmt: skip

REFUSED = {
    "fcp7": {missing, generators, sequences},
    "edl": {dissolves, speeds, many_tracks, effects, rates, empty},
    "fcpx": {missing, generators, sequences, effects},
    "aaf": {wipes, nested, generators, rates},
    # OpenTimelineIO's own bundles take nothing but files
    "otioz": {missing, generators, sequences},
    "otiod": {missing, generators, sequences},
}
"""What is not written, or not read again, by which format. In particular: an EDL holds one track and no name with
blanks at its ends, and no dissolve out of nothing."""
LENGTHS = {cuts: 88, gaps: 68, many_tracks: 60, markers: 48}
KINDS = [*FORMATS.values(), *(TimelineFormat(name, f".{name}", name, name) for name in ("otioz", "otiod"))]


def written(make: Make, kind: TimelineFormat, folder: Path) -> Path:
    path = folder / f"sample{kind.suffix}"
    if kind.name not in FORMATS:
        try:
            otio.adapters.write_to_file(make(), str(path), media_policy="AllMissing")
        except AttributeError as error:
            raise TimelineError(str(error), path=path) from error
        return path
    return write_format(make(), path, kind)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_timelines_like_the_samples_are_planned_or_refused_by_name(
    kind: TimelineFormat, make: Make, registry: Registry, tmp_path: Path
) -> None:
    if kind.adapter and kind.adapter not in otio.adapters.available_adapter_names():
        pytest.skip(f"{kind.package} is not installed")
    if make in REFUSED.get(kind.name, ()):
        with pytest.raises(DpeError, match=f"sample{kind.suffix}"):
            build_plan(written(make, kind, tmp_path), registry=registry)
        return
    plan = build_plan(written(make, kind, tmp_path), registry=registry)
    expect_whole(plan)
    assert plan.errors, "no media are there"
    assert all(problem.where and problem.wrong for problem in plan.problems)
    # the EDL's adapter leaves out a gap at the head
    if make in LENGTHS and (kind.name, make) != ("edl", gaps):
        assert plan.num_frames == LENGTHS[make]


def expect_whole(plan: RenderPlan) -> None:
    position = 0
    for shot in plan.shots:
        assert shot.record_start == position
        position = shot.record.stop


def test_an_aaf_of_nested_stacks_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("aaf2")
    wanted = r"sample\.aaf.*a stack 'middle' lies inside a track.*dissolve it into its clips"
    with pytest.raises(TimelineError, match=wanted):
        write_format(nested(), tmp_path / "sample.aaf", FORMATS["aaf"])


EDL = """TITLE: sample
FCM: NON-DROP FRAME

001  ZZ100_50 V     C        01:00:04:05 01:00:05:12 00:00:00:00 00:00:01:07
* FROM CLIP NAME:  take_1
* FROM FILE: S:\\show\\take_1.mov
* LOC: 01:00:01:14 RED     ANIM FIX NEEDED
002  ZZ100_50 V     C        01:00:06:13 01:00:06:13 00:00:01:07 00:00:01:07
002  ZZ100_51 V     D    012 01:00:08:08 01:00:10:08 00:00:01:07 00:00:03:07
* FROM CLIP NAME:  take_1
* TO CLIP NAME:  take_2
003  BL       V     C        00:00:00:00 00:00:01:00 00:00:03:07 00:00:04:07
004  ZZ100_52 V     C        01:00:00:00 01:00:02:00 00:00:04:07 00:00:05:07
M2   ZZ100_52       048.0                01:00:00:00
005  ZZ100_53 V     W001 010 01:00:00:00 01:00:01:00 00:00:05:07 00:00:06:07
006  ZZ100_54 AA/V  C        01:00:00:00 01:00:01:00 00:00:06:07 00:00:07:07
"""


@pytest.mark.parametrize(("num_lines", "num_frames"), [(3, 0), (4, 31), (11, 79), (12, 103), (14, 127), (16, 175)])
def test_edls_as_programs_write_them_are_planned(
    num_lines: int, num_frames: int, registry: Registry, tmp_path: Path
) -> None:
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-cmx3600-adapter is not installed")
    path = tmp_path / "sample.edl"
    path.write_text("\n".join(EDL.splitlines()[:num_lines]) + "\n")
    plan = build_plan(path, registry=registry)
    assert plan.num_frames == num_frames
    expect_whole(plan)
    assert all(problem.where for problem in plan.problems)
    assert any("EDL does not say its rate" in problem.wrong for problem in plan.problems)


def test_an_edl_whose_speed_is_not_said_is_refused_by_name(registry: Registry, tmp_path: Path) -> None:
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-cmx3600-adapter is not installed")
    path = tmp_path / "sample.edl"
    path.write_text("\n".join(line for line in EDL.splitlines() if not line.startswith("M2")) + "\n")
    with pytest.raises(TimelineError, match=r"sample\.edl.*Source and record duration don't match"):
        build_plan(path, registry=registry)


def test_an_otiod_is_read_with_its_media(scene: Scene) -> None:
    folder = scene.folder / "cut.otiod"
    (folder / "media").mkdir(parents=True)
    scene.media("a.mov")
    (scene.folder / "a.mov").rename(folder / "media" / "a.mov")
    made = timeline(video(schema.Clip("a", schema.ExternalReference("media/a.mov"), stretch(0, 20))))
    made.to_json_file(str(folder / "content.otio"))
    plan = scene.plan(path=folder)
    assert not plan.errors
    assert plan.shots[0].source is not None
    assert plan.shots[0].source.path == folder / "media" / "a.mov"
    (folder / "content.otio").unlink()
    with pytest.raises(TimelineError, match=r"content\.otio|cut\.otiod.*cannot be opened"):
        scene.plan(path=folder)
