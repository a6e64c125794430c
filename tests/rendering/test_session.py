from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from dpe_toolkit.core.errors import (
    AnalysisError,
    DpeError,
    MediaError,
    OptionsError,
    PlanError,
    PluginError,
    RenderError,
)
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.protocols import Composited, Generated, GenerateRequest, ShotMaterial
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.hookspecs import hookimpl
from dpe_toolkit.media import VideoReader
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.rendering import RenderReport, render_frame, render_plan
from tests.analysis.fakes import PatchCompositor, Registry, Square, SquareGenerator
from tests.rendering.scenes import SOURCE_MOOD, acting_face, edit, frames_of, plan, shot, still_face, write_clip


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_clip(tmp_path / "source.mkv", still_face)
    write_clip(tmp_path / "driver.mkv", acting_face)
    return tmp_path


def simple(work: Path, num_frames: int = 40, **changes: object) -> RenderPlan:
    from dpe_toolkit.media import media_plan

    source, driver = media_plan(work / "source.mkv"), media_plan(work / "driver.mkv")
    return plan(shot(source, num_frames, edit=edit(driver, **changes)))


def render(what: RenderPlan, work: Path, registry: Registry | None = None, name: str = "out.mkv") -> RenderReport:
    return render_plan(what, work / name, registry=registry or Registry(), device="cpu", cache_dir=work / "cache")


def moods(frames: FrameBatch, x: int = 38, y: int = 28) -> list[int]:
    return frames.planes[0][:, y, x].tolist()


def edits(work: Path, name: str = "out.mkv") -> dict[str, object]:
    loaded: dict[str, object] = json.loads((work / f"{name}.edits.json").read_text())
    return loaded


def test_the_face_does_what_the_driver_does_and_all_else_stays_bit_for_bit(work: Path) -> None:
    report = render(simple(work), work)
    before, after = frames_of(work / "source.mkv"), frames_of(work / "out.mkv")
    assert moods(after) == [20 + 3 * frame for frame in range(40)]
    for plane, other in zip(before.planes, after.planes, strict=True):
        changed = plane != other
        changed[:, 26:30, 36:40] = False
        assert plane.shape[1] < 64 or not changed.any()
    np.testing.assert_array_equal(before.planes[1], after.planes[1])
    assert (report.num_frames, report.output) == (40, work / "out.mkv")
    assert report.frames_per_s > 0


def test_half_the_expression_is_half_way(work: Path) -> None:
    render(simple(work, expression=0.5), work)
    for mood, frame in zip(moods(frames_of(work / "out.mkv")), range(40), strict=True):
        assert abs(mood - (SOURCE_MOOD + 20 + 3 * frame) / 2) <= 1


@pytest.mark.parametrize("changes", [{"expression": 0}, {"regions": {"mouth": 0}}])
def test_an_edit_that_changes_nothing_analyses_nothing_and_is_no_edit(work: Path, changes: dict[str, object]) -> None:
    registry = Registry()
    report = render(simple(work, **changes), work, registry)
    before, after = frames_of(work / "source.mkv"), frames_of(work / "out.mkv")
    for plane, other in zip(before.planes, after.planes, strict=True):
        np.testing.assert_array_equal(plane, other)
    assert registry.made == []
    assert report.shots == ()
    assert edits(work)["shots"] == []
    with av.open(str(work / "out.mkv")) as container:
        assert "dpe_toolkit" not in str(container.metadata)


def test_another_strength_analyses_nothing_again(work: Path) -> None:
    render(simple(work), work)
    registry = Registry()
    render(simple(work, expression=0.3), work, registry)
    assert "detector" not in registry.made


def test_the_record_says_what_was_done(work: Path) -> None:
    what = simple(work)
    render(what, work)
    record = edits(work)
    (entry,) = record["shots"]  # type: ignore[misc] # a list of shots
    assert record["plan_digest"] == what.digest
    assert record["toolkit"] == "dpe_toolkit"
    assert entry["take"] == what.takes[0].id
    assert entry["output_frames"] == entry["media_frames"] == [0, 40]
    assert entry["edited_output_frames"] == [[0, 40]]
    assert entry["consent"] == "given"
    assert entry["driver"]["digest"].startswith("sha256:")
    assert {
        one["kind"]: (one["plugin"], one["version"], one["fingerprint"]) for one in entry["components"]
    } == dict.fromkeys(("detector", "encoder", "motion", "generator", "compositor"), ("dpe-squares", "1.2", "abc"))
    with av.open(str(work / "out.mkv")) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert "edited with dpe_toolkit" in tags["comment"]
    assert "shot" in tags["comment"]


def test_a_lost_face_fades_out_passes_through_and_fades_in_again(work: Path) -> None:
    write_clip(work / "source.mkv", lambda frame: [] if 15 <= frame < 25 else still_face(frame))
    write_clip(work / "driver.mkv", lambda frame: [Square(40, 24, mood=20)])
    report = render(simple(work), work)
    before, after = frames_of(work / "source.mkv"), frames_of(work / "out.mkv")
    shown = np.array(moods(after), float)
    assert (np.abs(np.diff(shown[:15])) <= 80 * 1.5 / 4 + 1).all()
    assert (shown[:12] == 20).all()
    assert SOURCE_MOOD > shown[14] > shown[13] > shown[12] > 20
    np.testing.assert_array_equal(before.planes[0][15:25], after.planes[0][15:25])
    (entry,) = report.shots
    assert entry.edited_output_frames == ((0, 15), (25, 40))
    assert [(gap.media_frames, gap.treatment) for gap in entry.missing] == [((15, 25), "passed through")]


def test_an_edit_of_part_of_a_take_grows_and_ceases_inside_it(work: Path) -> None:
    write_clip(work / "driver.mkv", lambda frame: [Square(40, 24, mood=20)])
    (whole,) = simple(work).takes
    assert whole.edit is not None
    part = whole.edit.model_copy(update={"starts_inside": True, "ends_inside": True})
    shots = [
        shot(whole.source, 10),
        shot(whole.source, 20, source_start=10, edit=part),
        shot(whole.source, 10, source_start=30),
    ]
    render(plan(*shots), work)
    shown = np.array(moods(frames_of(work / "out.mkv")), float)
    assert (shown[:10] == SOURCE_MOOD).all()
    assert SOURCE_MOOD > shown[10] > shown[11] > shown[12] > shown[13] == 20
    np.testing.assert_array_equal(shown, shown[::-1])


def test_a_driver_that_ends_passes_the_rest_through(work: Path) -> None:
    write_clip(work / "driver.mkv", acting_face, num_frames=20)
    report = render(simple(work, when_short="passthrough"), work)
    after = frames_of(work / "out.mkv")
    assert moods(after)[20:] == [SOURCE_MOOD] * 20
    assert report.shots[0].edited_output_frames == ((0, 20),)


def test_shots_gaps_and_edits_come_in_order(work: Path) -> None:
    source, driver = simple(work).shots[0].source, edit(simple(work).shots[0].edit.driver)  # type: ignore[union-attr] # is there
    what = plan(
        shot(source, 11, name="one"),
        shot(None, 5, name="gap"),
        shot(source, 13, name="two", source_start=9, edit=driver),
    )
    report = render(what, work)
    after, before = frames_of(work / "out.mkv"), frames_of(work / "source.mkv")
    np.testing.assert_array_equal(after.planes[0][:11], before.planes[0][:11])
    assert (after.planes[0][11:16] == 0).all()
    assert moods(after)[16:] == [20 + 3 * frame for frame in range(13)]
    assert report.shots[0].output_frames == (16, 29)
    assert report.shots[0].media_frames == (9, 22)


def test_a_trimmed_plan_renders_the_frames_of_the_whole_and_analyses_nothing_again(work: Path) -> None:
    write_clip(work / "source.mkv", lambda frame: [] if 15 <= frame < 25 else [Square(10 + frame, 20)])
    whole = simple(work, num_frames=38)
    render(whole, work)
    registry = Registry()
    report = render(whole.trim(Span(11, 29)), work, registry, "part.mkv")
    assert "detector" not in registry.made
    full, part = frames_of(work / "out.mkv"), frames_of(work / "part.mkv")
    for plane, other in zip(full.planes, part.planes, strict=True):
        np.testing.assert_array_equal(plane[11:29], other)
    assert report.shots[0].output_frames == (0, 18)
    assert report.shots[0].edited_output_frames == ((0, 4), (14, 18))
    assert report.shots[0].missing[0].output_frames == (4, 14)


@pytest.mark.parametrize("frame", [0, 5, 13, 20, 37])
def test_any_frame_alone_is_as_in_the_whole(work: Path, frame: int) -> None:
    write_clip(work / "source.mkv", lambda frame: [] if 15 <= frame < 25 else [Square(10 + frame, 20)])
    what = simple(work, num_frames=38)
    render(what, work)
    still = render_frame(what, frame, registry=Registry(), device="cpu", cache_dir=work / "cache")
    whole = frames_of(work / "out.mkv")
    np.testing.assert_array_equal(still.result.planes[0][0], whole.planes[0][frame])
    assert still.source.index.tolist() == [frame]
    if frame == 20:
        assert still.result is still.source
        assert still.source_landmarks_px is None
    else:
        assert still.source_landmarks_px is not None
        assert still.result_landmarks_px is not None
        np.testing.assert_allclose(still.result_landmarks_px, still.source_landmarks_px + 1)


def test_a_frame_that_the_timeline_does_not_have_is_refused(work: Path) -> None:
    with pytest.raises(OptionsError, match=r"the timeline has no frame 40.*from 0 to 39"):
        render_frame(simple(work), 40, registry=Registry(), cache_dir=work / "cache")


def test_a_generator_that_wants_the_drivers_pixels_gets_those_nearest_in_time(work: Path) -> None:
    write_clip(work / "driver.mkv", acting_face, rate=50)
    generator = SquareGenerator(wants_driver_pixels=True)
    render(simple(work, num_frames=10, driver_start_s="1/100"), work, Registry(generator=generator))
    asked = [faces.index.tolist() for one in generator.requests if (faces := one.driver_faces) is not None]
    assert list(chain.from_iterable(asked)) == [round(0.5 + 2 * row) for row in range(10)]


def test_a_generator_may_fetch_windows_of_source_and_driver(work: Path) -> None:
    generator = SquareGenerator()
    seen: list[FaceBatch] = []

    def begin(material: ShotMaterial) -> SquareGenerator:
        seen.append(material.fetch_source(np.array([30, 2])))
        seen.append(material.fetch_driver(np.array([7])))
        return generator

    generator.begin_shot = begin  # type: ignore[method-assign] # the point of the test
    render(simple(work), work, Registry(generator=generator))
    assert [faces.index.tolist() for faces in seen] == [[30, 2], [7]]
    x, y = (int(v) for v in seen[1].landmarks_px[0, 4, :2])
    assert round(float(seen[1].pixels[0, 0, y, x]) * 255) == 41


class Listener:
    def __init__(self, *, broken: bool = False) -> None:
        self.heard: list[tuple[str, object]] = []
        self.broken = broken

    @hookimpl
    def dpe_shot_started(self, shot: ShotPlan) -> None:
        self.heard.append((shot.name, None))
        if self.broken:
            raise RuntimeError("not my day")

    @hookimpl
    def dpe_shot_finished(self, shot: ShotPlan, report: dict[str, object]) -> None:
        self.heard.append((shot.name, report.get("id")))


def test_plugins_are_told_of_shots(work: Path) -> None:
    registry, listener = Registry(), Listener()
    registry.listeners["calm"] = listener
    render(simple(work), work, registry)
    assert listener.heard == [("shot", None), ("shot", "e1")]


def test_a_plugin_that_raises_when_told_stops_nothing(work: Path, caplog: pytest.LogCaptureFixture) -> None:
    registry, before, behind = Registry(), Listener(), Listener()
    registry.listeners |= {"a": before, "loud": Listener(broken=True), "z": behind}
    render(simple(work), work, registry)
    assert before.heard == behind.heard == [("shot", None), ("shot", "e1")]
    assert "plugin loud 0 failed in dpe_shot_started" in caplog.text
    assert (work / "out.mkv").exists()


class Wrong(SquareGenerator):
    def __init__(self, error: BaseException | None, at: int = 16) -> None:
        super().__init__()
        self.error = error
        self.at = at

    def generate(self, request: GenerateRequest) -> Generated:
        result = super().generate(request)
        if self.at in request.rows:
            if self.error is not None:
                raise self.error
            return Generated(result.pixels / 0, result.landmarks_px)
        return result


class Cropping(PatchCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        return Composited(edited.pixels, torch.ones(len(source), 1, 4, 4))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"generator": Wrong(IndexError("far"))}, r"generator 'square' failed on frames 16 to 23: IndexError: far"),
        ({"generator": Wrong(None)}, r"frames 16 to 23: ValueError: generate\(\) pixels are not finite"),
        ({"compositor": Cropping()}, r"frames 0 to 7: ValueError: composite\(\) matte has shape \(8, 1, 4, 4\)"),
        ({"generator": "text"}, r"which is no Generator"),
    ],
)
def test_a_faulty_plugin_is_named_and_nothing_half_written_stays(
    work: Path, parts: dict[str, object], words: str
) -> None:
    (work / "out.mkv").write_bytes(b"an older render")
    with pytest.raises(PluginError, match=rf"clip 'shot', plugin 'dpe-squares 1.2'.*{words}") as caught:
        render(simple(work), work, Registry(**parts))
    assert caught.value.__cause__ is not None
    assert (work / "out.mkv").read_bytes() == b"an older render"
    assert sorted(path.name for path in work.iterdir()) == ["cache", "driver.mkv", "out.mkv", "source.mkv"]


def test_an_interrupt_leaves_nothing(work: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        render(simple(work), work, Registry(generator=Wrong(KeyboardInterrupt())))
    assert sorted(path.name for path in work.iterdir()) == ["cache", "driver.mkv", "source.mkv"]


def test_readers_are_closed_when_their_shot_is_done(work: Path) -> None:
    opened: list[VideoReader] = []

    def open_reader(path: Path) -> VideoReader:
        opened.append(VideoReader(path))
        return opened[-1]

    render_plan(
        simple(work), work / "out.mkv", registry=Registry(), device="cpu", cache_dir=work / "c", open_reader=open_reader
    )
    assert opened
    assert all(reader._container is None for reader in opened)


@pytest.mark.parametrize(
    ("error", "prepare", "words"),
    [
        (
            PlanError,
            lambda what, work: (what.model_copy(update={"problems": (Problem(wrong="a is b"),)}), "out.mkv"),
            "1 error.*a is b",
        ),
        (PlanError, lambda what, work: (what.model_copy(update={"shots": ()}), "out.mkv"), "has no frames"),
        (RenderError, lambda what, work: (what, "none/out.mkv"), "none' does not exist"),
        (RenderError, lambda what, work: (what, "source.mkv"), "is a file that the timeline reads"),
        (RenderError, lambda what, work: (what, "driver.mkv"), "is a file that the timeline reads"),
        (MediaError, lambda what, work: (what, "out.xyz"), "xyz"),
        (RenderError, lambda what, work: ((work / "out.mkv").mkdir(), (what, "out.mkv"))[1], "is a folder"),
    ],
)
def test_what_cannot_be_rendered_is_refused_before_any_work(
    work: Path, error: type[DpeError], prepare: object, words: str
) -> None:
    what, name = prepare(simple(work), work)  # type: ignore[operator] # from the table
    registry = Registry()
    with pytest.raises(error, match=words):
        render(what, work, registry, name)
    assert registry.made == []


def test_a_folder_that_may_not_be_written_is_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(RenderError, match="cannot be written"):
        render(simple(work), work)


def test_a_disk_that_fills_up_is_a_render_error(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    what = simple(work)
    render(what, work)
    (work / "out.mkv").unlink()
    (work / "out.mkv.edits.json").unlink()
    monkeypatch.setattr(Path, "replace", full)
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DpeError, match="No space left"):
        render(what, work)


def fail_at(name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets no file take this name; gives back the names that were taken, in order."""
    real, taken = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        if target.name == name:
            raise OSError(28, "No space left on device")
        taken.append(target.name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    return taken


def test_the_record_takes_its_name_just_before_the_video(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = fail_at("nothing", monkeypatch)
    render(simple(work), work)
    assert taken[-2:] == ["out.mkv.edits.json", "out.mkv"]


def test_a_video_that_cannot_take_its_name_leaves_no_record(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = fail_at("out.mkv", monkeypatch)
    with pytest.raises(RenderError, match="writing stopped: No space left"):
        render(simple(work), work)
    assert taken[-1] == "out.mkv.edits.json"
    assert sorted(path.name for path in work.iterdir()) == ["cache", "driver.mkv", "source.mkv"]


def test_a_video_that_cannot_take_its_name_leaves_the_older_record(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render(simple(work), work)
    before = {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}
    fail_at("out.mkv", monkeypatch)
    with pytest.raises(RenderError, match="writing stopped"):
        render(simple(work, expression=0.2), work)
    assert {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()} == before


def test_a_record_that_cannot_take_its_name_leaves_no_video(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at("out.mkv.edits.json", monkeypatch)
    with pytest.raises(RenderError, match="writing stopped: No space left"):
        render(simple(work), work)
    assert sorted(path.name for path in work.iterdir()) == ["cache", "driver.mkv", "source.mkv"]


def test_no_face_in_the_driver_is_an_error_that_names_it(work: Path) -> None:
    write_clip(work / "driver.mkv", lambda frame: [])
    with pytest.raises(AnalysisError, match=r"clip 'shot', file .*driver.mkv.*no face was found in the driver"):
        render(simple(work), work)
    assert not (work / "out.mkv").exists()


def test_a_shot_in_which_the_face_is_never_edited_begins_no_generator(work: Path) -> None:
    write_clip(work / "source.mkv", lambda frame: still_face(frame) if frame < 20 else [])
    generator = SquareGenerator()
    render(simple(work).trim(Span(24, 40)), work, Registry(generator=generator))
    assert generator.shots == []


def test_compute_threads_are_given_back(work: Path) -> None:
    before = torch.get_num_threads()
    render(simple(work, num_frames=8), work)
    assert torch.get_num_threads() == before


@pytest.mark.gpu
def test_cuda_and_cpu_render_the_same_picture(work: Path) -> None:
    what = simple(work, expression=0.7)
    for device in ("cpu", "cuda"):
        render_plan(what, work / f"{device}.mkv", registry=Registry(), device=device, cache_dir=work / device)
    cpu, cuda = frames_of(work / "cpu.mkv"), frames_of(work / "cuda.mkv")
    for plane, other in zip(cpu.planes, cuda.planes, strict=True):
        assert np.abs(plane.astype(int) - other.astype(int)).max() <= 2
