from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.core.errors import OptionsError, TimelineError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.settings import EditSettings
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.timeline import (
    Performance,
    Track,
    find_media,
    link_clip,
    parse_effect,
    read_sidecar,
    read_timeline,
    walk_clips,
    write_edit_timeline,
)
from dpe_toolkit.timeline.link import rebase_clip, rebase_effect


def media(folder: Path, name: str, **facts: Any) -> MediaPlan:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(name.encode())
    values = {"width": 64, "height": 48, "num_frames": 100, "rate": Fraction(30000, 1001), **facts}
    return MediaPlan(path=folder / name, digest=f"sha256:{name}", **values)


def performance(folder: Path, **fields: Any) -> Performance:
    return Performance(driver=media(folder, "driver.mov", start_frame=1000), **fields)


def test_an_edit_timeline_has_effect_marker_sound_and_sidecar(tmp_path: Path) -> None:
    source = media(tmp_path, "a b.mov", has_audio=True, start_frame=90000)
    played = performance(tmp_path, start=50, settings=EditSettings(expression=0.8, consent="signed", when_short="loop"))
    path = write_edit_timeline(tmp_path / "out.mp4.otio", source=source, performance=played, span=Span(10, 30))
    doc = read_timeline(path)
    assert doc.problems == ()
    assert [track.kind for track in doc.stack.children if isinstance(track, Track)] == ["Video", "Audio"]
    picture, sound = walk_clips(doc.stack)
    assert sound.effects == ()
    assert picture.media.url == "a%20b.mov"
    assert picture.range is not None
    assert picture.range.start_s * source.rate == 90010
    spec, problems = parse_effect(picture.effects[0].metadata, where="")
    assert problems == ()
    assert spec is not None
    assert spec.driving is not None
    assert (spec.expression, spec.consent, spec.driving.when_short) == (0.8, "signed", "loop")
    assert spec.driving.start is not None
    assert spec.driving.start.seconds == 1050 / source.rate
    assert picture.markers == (f"dpe:{spec.id}",)
    (shot,) = read_sidecar(path)[0].shots
    assert (shot.id, shot.clip, shot.media) == (spec.id, "a b", "a%20b.mov")
    assert parse_effect(shot.effect, where="")[0] == spec
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "a b.mov", "driver.mov", "out.mp4.dpe.json", "out.mp4.otio",
    ]  # fmt: skip


def test_media_elsewhere_are_referred_to_by_url(tmp_path: Path) -> None:
    source = media(tmp_path / "in", "a.mov")
    (tmp_path / "out").mkdir()
    path = write_edit_timeline(tmp_path / "out" / "x.otio", source=source, performance=performance(tmp_path))
    (clip,) = walk_clips(read_timeline(path).stack)
    assert clip.media.url == source.path.as_uri()
    timeline = otio.adapters.read_from_file(str(path))
    held = timeline.find_clips()[0].effects[0].metadata["dpe"]["driving"]
    assert isinstance(held["media"], otio.schema.ExternalReference)
    assert isinstance(held["start"], otio.opentime.RationalTime)


def test_the_same_edit_gets_the_same_id(tmp_path: Path) -> None:
    source, played = media(tmp_path, "a.mov"), performance(tmp_path)
    paths = [write_edit_timeline(tmp_path / f"{n}.otio", source=source, performance=played, name="x") for n in "ab"]
    assert paths[0].read_text() == paths[1].read_text()


@pytest.mark.parametrize("span", [Span(90, 101), Span(5, 5)])
def test_a_range_outside_the_source_is_refused(tmp_path: Path, span: Span) -> None:
    with pytest.raises(
        OptionsError, match=rf"frames {span.start}:{span.stop} are not in 'a\.mov'. a range inside 0:100"
    ):
        write_edit_timeline(
            tmp_path / "x.otio", source=media(tmp_path, "a.mov"), performance=performance(tmp_path), span=span
        )


def test_other_formats_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match=r"timelines of kind '\.xml' are not written"):
        write_edit_timeline(tmp_path / "x.xml", source=media(tmp_path, "a.mov"), performance=performance(tmp_path))


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="it cannot be written: No such file or directory"):
        write_edit_timeline(
            tmp_path / "no" / "x.otio", source=media(tmp_path, "a.mov"), performance=performance(tmp_path)
        )


def test_a_place_that_is_no_file_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.otio").mkdir()
    with pytest.raises(TimelineError, match="it cannot be written: Is a directory"):
        write_edit_timeline(tmp_path / "x.otio", source=media(tmp_path, "a.mov"), performance=performance(tmp_path))
    assert not [entry for entry in tmp_path.iterdir() if entry.suffix == ".part"]


def timeline(folder: Path, *names: str, name: str = "cut.otio") -> Path:
    rate = 30000 / 1001
    made = otio.schema.Timeline("cut")
    track = otio.schema.Track("V1")
    for held in names:
        media(folder, "a.mov")
        stretch = otio.opentime.TimeRange(otio.opentime.RationalTime(10, rate), otio.opentime.RationalTime(50, rate))
        track.append(otio.schema.Clip(held, otio.schema.ExternalReference("a.mov"), stretch))
    made.tracks.append(track)
    made.tracks.append(otio.schema.Track("DPE", children=[otio.schema.Clip("one")]))
    (folder / name).write_text(made.to_json_string())
    return folder / name


def test_linking_writes_the_effect_on_the_named_clip_alone(tmp_path: Path) -> None:
    path = timeline(tmp_path, "one", "two")
    identity = link_clip(path, tmp_path / "new.otio", clip="two", performance=performance(tmp_path, start=5))
    one, two, _ = walk_clips(read_timeline(tmp_path / "new.otio").stack)
    assert one.effects == ()
    assert two.effects[0].metadata["id"] == identity
    assert two.markers == (f"dpe:{identity}",)
    assert [shot.id for shot in read_sidecar(tmp_path / "new.otio")[0].shots] == [identity]


def test_linking_in_place_twice_replaces_the_edit_of_a_clip(tmp_path: Path) -> None:
    path = timeline(tmp_path, "one")
    link_clip(path, path, clip="one", performance=performance(tmp_path))
    again = link_clip(path, path, clip="one", performance=performance(tmp_path))
    (one, _) = walk_clips(read_timeline(path).stack)
    assert [effect.metadata["id"] for effect in one.effects] == [again]
    assert one.markers == (f"dpe:{again}",)
    assert [shot.id for shot in read_sidecar(path)[0].shots] == [again]


def test_linking_a_range_splits_the_clip(tmp_path: Path) -> None:
    path = timeline(tmp_path, "one")
    link_clip(path, path, clip="one", performance=performance(tmp_path), span=Span(20, 30))
    *parts, _ = walk_clips(read_timeline(path).stack)
    rate = Fraction(30000, 1001)
    assert [(part.range.start_s * rate, part.range.duration_s * rate) for part in parts if part.range] == [
        (10, 20), (30, 10), (40, 20),
    ]  # fmt: skip
    assert [len(part.effects) for part in parts] == [0, 1, 0]
    with pytest.raises(TimelineError, match="it has effects in time or an edit, so it cannot be split"):
        link_clip(path, path, clip="one#2", performance=performance(tmp_path), span=Span(0, 5))
    with pytest.raises(OptionsError, match=r"frames 15:21 are not in clip 'one'. a range inside 0:20"):
        link_clip(path, path, clip="one#1", performance=performance(tmp_path), span=Span(15, 21))


def test_linking_from_another_folder_keeps_media_and_drivers_reachable(tmp_path: Path) -> None:
    inner = tmp_path / "in"
    inner.mkdir()
    path = timeline(inner, "one", "two")
    link_clip(path, path, clip="one", performance=performance(inner))
    (tmp_path / "out").mkdir()
    link_clip(path, tmp_path / "out" / "new.otio", clip="two", performance=performance(inner, start=3))
    shutil.copy(tmp_path / "out" / "new.dpe.json", tmp_path / "copy.dpe.json")
    doc = read_timeline(tmp_path / "out" / "new.otio")
    for clip in walk_clips(doc.stack):
        if clip.media.kind != "missing":
            assert find_media(clip.media.url, doc.folders) == inner / "a.mov"
            driving: Any = clip.effects[0].metadata["driving"]
            assert find_media(driving["media"]["url"], doc.folders) == inner / "driver.mov"
    for shot in read_sidecar(tmp_path / "out" / "new.otio")[0].shots:
        driving = shot.effect["driving"]
        assert find_media(driving["media"]["url"], doc.folders) == inner / "driver.mov"


@pytest.mark.parametrize("stored", [lambda url: url, lambda url: {"url": url}, otio.schema.ExternalReference])
def test_matte_films_and_pictures_of_faces_hold_from_another_folder(
    tmp_path: Path, stored: Callable[[str], object]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("matte.mov", "her.png", "him.png"):
        (tmp_path / "in" / name).write_bytes(b"0")
    clip = otio.schema.Clip("one")
    clip.effects.append(otio.schema.Effect(effect_name="dpe.expression"))
    clip.effects[0].metadata["dpe"] = {
        "id": "one",
        "mattes": [{"polygon": [[0, 0], [1, 0], [1, 1]]}, {"media": stored("matte.mov")}],
        "face": {"source": "reference:her.png", "driver": {"by": "reference", "reference": "him.png"}},
    }
    rebase_clip(clip, (tmp_path / "in", tmp_path), tmp_path / "out")
    held = clip.effects[0].metadata["dpe"]
    media = held["mattes"][1]["media"]
    url = media if isinstance(media, str) else getattr(media, "target_url", None) or media["url"]
    found = [url, held["face"]["source"].removeprefix("reference:"), held["face"]["driver"]["reference"]]
    names = [find_media(one, (tmp_path / "out",)).relative_to(tmp_path).as_posix() for one in found]
    assert names == ["in/matte.mov", "in/her.png", "in/him.png"]


def test_metadata_of_other_shapes_is_left_to_who_reads_it(tmp_path: Path) -> None:
    effect = {"driving": "soon", "mattes": [3, {"media": 4}], "face": {"source": 2, "driver": {"reference": ""}}}
    before = copy.deepcopy(effect)
    rebase_effect(effect, (tmp_path,), tmp_path / "out")
    assert effect == before


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("on", "there is no picture clip 'on'. did you mean 'one'"),
        ("one", "2 clips are called 'one'. one of them. say which, one#1 to one#2"),
        ("one#3", "there is no picture clip 'one#3'"),
        ("one#0", "there is no picture clip 'one#0'"),
    ],
)
def test_a_clip_that_is_not_clear_is_refused(tmp_path: Path, wanted: str, message: str) -> None:
    path = timeline(tmp_path, "one", "one")
    with pytest.raises(TimelineError, match=message):
        link_clip(path, path, clip=wanted, performance=performance(tmp_path))


def test_a_clip_without_range_cannot_be_linked(tmp_path: Path) -> None:
    made = otio.schema.Timeline("cut")
    made.tracks.append(otio.schema.Track("V1", children=[otio.schema.Clip("one")]))
    (tmp_path / "cut.otio").write_text(made.to_json_string())
    with pytest.raises(TimelineError, match=r"clip 'one'.*it has no range"):
        link_clip(tmp_path / "cut.otio", tmp_path / "x.otio", clip="one", performance=performance(tmp_path))


def test_a_damaged_sidecar_stops_linking(tmp_path: Path) -> None:
    path = timeline(tmp_path, "one")
    (tmp_path / "cut.dpe.json").write_text("{")
    with pytest.raises(TimelineError, match=r"sidecar 'cut\.dpe\.json': it cannot be read"):
        link_clip(path, path, clip="one", performance=performance(tmp_path))
