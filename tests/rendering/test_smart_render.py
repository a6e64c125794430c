"""Frames that nothing changes are copied as they are stored, and the rest fits between them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import OutputSettings, VideoReader, media_plan
from dpe_toolkit.media.copy.h264 import free_parameter_id, length_prefixed, parameter_ids
from dpe_toolkit.media.copy.ranges import CopiedRange, CopySource, _boundaries, copy_source, range_packets
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.rendering import RenderReport, render_plan
from dpe_toolkit.rendering.checks import output_problems
from tests.analysis.fakes import Registry
from tests.media.conftest import sound_packets, tone, write_sound_clip
from tests.rendering.scenes import acting_face, edit, frames_of, plan, shot, write_clip
from tests.rendering.test_output import FixedDetector

SIZE = (96, 64)
NUM_FRAMES = 60
CODECS = {
    "a.mp4": ("libx264", "yuv420p", "h264", {"g": "12", "bf": "2", "preset": "fast", "crf": "12"}),
    "a.mkv": ("libx264", "yuv420p", "h264", {"g": "9", "bf": "3", "preset": "medium", "crf": "12"}),
    "a.mov": ("prores_ks", "yuv422p10le", "prores", {"profile": "3"}),
}


def encode(path: Path, encoder: str, pixel_format: str, options: dict[str, str], seed: int = 2) -> MediaPlan:
    """A noisy clip with a bright bar that moves, so that no two frames are alike."""
    generator = np.random.default_rng(seed)
    deep = "10" in pixel_format
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = (*SIZE, pixel_format)
        context = stream.codec_context
        context.colorspace = context.color_trc = context.color_primaries = context.color_range = 1
        for number in range(NUM_FRAMES):
            frame = av.VideoFrame(*SIZE, pixel_format)
            for plane in frame.planes:
                values = np.frombuffer(memoryview(plane), np.uint16 if deep else np.uint8)
                values[:] = generator.integers(100, 130, values.size) * (4 if deep else 1)
            rows = np.frombuffer(memoryview(frame.planes[0]), np.uint16 if deep else np.uint8).reshape(64, -1)
            rows[:, number : number + 8] = 200 * (4 if deep else 1)
            frame.colorspace = frame.color_trc = frame.color_primaries = frame.color_range = 1
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return media_plan(path)


@pytest.fixture(scope="module", params=sorted(CODECS))
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MediaPlan:
    encoder, pixel_format, _, options = CODECS[request.param]
    return encode(tmp_path_factory.mktemp("smart") / request.param, encoder, pixel_format, options)


def render(what: RenderPlan, output: Path, *, smart: bool = True, **settings: object) -> RenderReport:
    return render_plan(
        what,
        output,
        registry=Registry(detector=FixedDetector()),
        device="cpu",
        settings=OutputSettings.model_validate({"pass_through": smart, "crf": 6, **settings}),
        cache_dir=output.parent / "cache",
    )


def packets(path: Path) -> dict[int, bytes]:
    """The stored bytes of each frame."""
    with VideoReader(path) as reader:
        index = reader._index
    with av.open(str(path)) as container:
        return {index.at(packet.pts): bytes(packet) for packet in container.demux(video=0) if packet.size}  # type: ignore[arg-type] # has a time


def edited_middle(source: MediaPlan, folder: Path) -> RenderPlan:
    driver = write_clip(folder / "driver.mkv", acting_face)
    return plan(
        shot(source, 26, source_start=3),
        shot(source, 8, source_start=29, edit=edit(driver, fade_frames=0), name="edited"),
        shot(source, 20, source_start=37, name="behind"),
    )


def close(first: FrameBatch, second: FrameBatch, rows: slice) -> bool:
    steps = 1 << (first.layout.depth - 8)
    return all(
        np.abs(one[rows].astype(int) - two[rows].astype(int)).mean() < 4 * steps
        for one, two in zip(first.planes, second.planes, strict=True)
    )


def copied(media: MediaPlan, span: Span) -> Span:
    """What of a span of an H.264 file can be copied."""
    found = copy_source(media.path, "h264")
    assert found is not None
    run = found.inside(span)
    assert run is not None
    return run


def test_copied_runs_are_the_sources_packets_and_all_frames_are_right(source: MediaPlan, tmp_path: Path) -> None:
    codec = CODECS[source.path.name][2]
    what = edited_middle(source, tmp_path)
    output = tmp_path / source.path.name
    report = render(what, output, codec=codec)
    before, after = frames_of(source.path), frames_of(output)
    assert len(after) == what.num_frames == 54
    shown = [*range(3, 29), *range(29, 37), *range(37, 57)]
    found = copy_source(source.path, codec)  # type: ignore[arg-type] # parametrised
    assert found is not None
    runs = [run for span in (Span(3, 29), Span(37, 57)) if (run := found.inside(span)) is not None]
    assert report.num_passed == sum(len(run) for run in runs) > 20
    stored, written = packets(source.path), packets(output)
    for row, frame in enumerate(shown):
        if any(frame in run for run in runs):
            assert written[row] == stored[frame]
            for old, new in zip(before.planes, after.planes, strict=True):
                np.testing.assert_array_equal(old[frame], new[row])
    assert close(before.take(np.array(shown)), after, slice(0, 26))
    assert close(before.take(np.array(shown)), after, slice(34, 54))
    with VideoReader(output) as reader:
        assert (reader.info.variable_rate, reader.info.rate, reader.info.color) == (False, 25, before.color)


def test_any_frame_of_a_partly_copied_output_can_be_sought(source: MediaPlan, tmp_path: Path) -> None:
    output = tmp_path / source.path.name
    render(edited_middle(source, tmp_path), output, codec=CODECS[source.path.name][2])
    whole = frames_of(output)
    for frame in (53, 30, 27, 12, 40, 33):
        with VideoReader(output) as reader:
            found = reader.read(Span(frame, frame + 1))
        np.testing.assert_array_equal(found.planes[0][0], whole.planes[0][frame])


def test_sound_beside_copied_frames_is_that_beside_encoded_ones(tmp_path: Path) -> None:
    clip = media_plan(write_sound_clip(tmp_path / "a.mp4", [tone(96000, 2)], codec="aac"))
    what = plan(shot(clip, 20, source_start=5), shot(clip, 25, source_start=20), width=32, height=32)
    render(what, tmp_path / "copied.mp4")
    render(what, tmp_path / "encoded.mp4", smart=False)
    assert list(sound_packets(tmp_path / "copied.mp4")) == list(sound_packets(tmp_path / "encoded.mp4"))


def test_a_source_of_other_pixels_is_encoded_and_named(tmp_path: Path) -> None:
    flat = encode(tmp_path / "flat.mp4", "libx264", "yuv420p", {"g": "12"})
    fine = encode(tmp_path / "fine.mp4", "libx264", "yuv444p", {"g": "12"})
    what = plan(shot(flat, 30), shot(fine, 30, name="fine"))
    problems = output_problems(what, tmp_path / "out.mp4", OutputSettings(pass_through=True))
    (problem,) = (one for one in problems if "passed through" in one.wrong)
    assert problem.where == "shot 'shot'"
    assert problem.wrong == "'flat.mp4' cannot be passed through, and is encoded: its pixels are yuv420p"
    assert render(what, tmp_path / "out.mp4").num_passed == len(copied(fine, Span(0, 30)))
    assert len(frames_of(tmp_path / "out.mp4")) == 60


def test_files_whose_decoders_differ_are_not_mixed(tmp_path: Path) -> None:
    one = encode(tmp_path / "one.mp4", "libx264", "yuv420p", {"g": "12"})
    two = encode(tmp_path / "two.mp4", "libx264", "yuv420p", {"g": "12", "refs": "5", "profile": "main"}, seed=3)
    report = render(plan(shot(one, 20), shot(two, 40)), tmp_path / "out.mp4")
    run = copied(two, Span(0, 40))
    assert report.num_passed == len(run) > 20
    after = frames_of(tmp_path / "out.mp4")
    assert close(frames_of(one.path), after, slice(0, 20))
    np.testing.assert_array_equal(after.planes[0][20 : 20 + run.stop], frames_of(two.path).planes[0][: run.stop])


@pytest.mark.parametrize("changes", [{"codec": "h265"}, {"codec": "prores"}])
def test_another_codec_copies_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    one = encode(tmp_path / "one.mp4", "libx264", "yuv420p", {"g": "12"})
    assert render(plan(shot(one, 20)), tmp_path / "out.mov", **changes).num_passed == 0


def test_nothing_is_copied_unless_asked(tmp_path: Path) -> None:
    one = encode(tmp_path / "one.mp4", "libx264", "yuv420p", {"g": "12"})
    assert render(plan(shot(one, 20)), tmp_path / "out.mp4", smart=False).num_passed == 0


def test_a_film_that_refers_across_its_key_frames_is_copied_nowhere_inside(tmp_path: Path) -> None:
    options = {"g": "12", "bf": "2", "x264-params": "open-gop=1:scenecut=0"}
    media = encode(tmp_path / "open.mp4", "libx264", "yuv420p", options)
    found = copy_source(media.path, "h264")
    assert found is not None
    assert found.inside(Span(5, 50)) is None
    assert found.inside(Span(0, NUM_FRAMES)) == Span(0, NUM_FRAMES)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.data())
def test_boundaries_are_where_nothing_crosses(lengths: list[int], data: st.DataObject) -> None:
    frames: list[int] = []
    starts: list[bool] = []
    for length in lengths:
        first = len(frames)
        rest = data.draw(st.permutations(range(first + 1, first + length)))
        frames += [first, *rest]
        starts += [True] + [False] * (length - 1)
    found = _boundaries(np.array(frames), np.array(starts))
    assert found.tolist() == [0, *np.cumsum(lengths).tolist()]


@given(st.lists(st.integers(0, 60), max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_what_is_copied_lies_between_boundaries(boundaries: list[int], first: int, second: int) -> None:
    marks = np.array(sorted(set(boundaries)), np.int64)
    span = Span(*sorted((first, second)))
    found = CopySource(Path("a"), b"", marks, 0).inside(span)
    if found is None:
        assert sum(span.start <= mark <= span.stop for mark in marks) < 2
    else:
        assert {found.start, found.stop} <= set(marks.tolist())
        assert span.start <= found.start < found.stop <= span.stop


@given(st.sets(st.integers(0, 60), min_size=2), st.integers(1, 70))
def test_parts_of_a_range_are_the_range(boundaries: set[int], size: int) -> None:
    marks = sorted(boundaries)
    parts = CopySource(Path("a"), b"", np.array(marks, np.int64), 0).split(Span(marks[0], marks[-1]), size)
    assert [frame for part in parts for frame in part] == list(range(marks[0], marks[-1]))
    assert all(len(part) >= size for part in parts[:-1])
    assert {part.stop for part in parts} <= boundaries


def test_a_range_copied_in_parts_is_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dpe_toolkit.rendering.smart_render._RANGE_FRAMES", 10)
    media = encode(tmp_path / "one.mp4", "libx264", "yuv420p", {"g": "6", "bf": "2"})
    render(plan(shot(media, 50, source_start=3)), tmp_path / "out.mp4")
    stored, written = packets(media.path), packets(tmp_path / "out.mp4")
    run = copied(media, Span(3, 53))
    assert len(run) > 30
    assert all(written[frame - 3] == stored[frame] for frame in run)
    assert len(frames_of(tmp_path / "out.mp4")) == 50


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5))
def test_start_codes_become_lengths(units: list[bytes]) -> None:
    clean = [bytes([65]) + unit.replace(b"\x00", b"\x01") for unit in units]
    found = length_prefixed(b"".join(b"\x00\x00\x00\x01" + unit for unit in clean))
    assert found == b"".join(len(unit).to_bytes(4, "big") + unit for unit in clean)


def test_parameter_sets_are_numbered(tmp_path: Path) -> None:
    media = encode(tmp_path / "one.mp4", "libx264", "yuv420p", {"x264-params": "sps-id=3"})
    with av.open(str(media.path)) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
    assert (parameter_ids(extradata), free_parameter_id(extradata)) == ([3], 1)


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    from dpe_toolkit.core.errors import MediaError

    media = encode(tmp_path / "one.mp4", "libx264", "yuv420p", {"g": "12"})
    with pytest.raises(MediaError, match=r"40 of the frames 50:100 are not stored.*without pass-through"):
        list(range_packets(CopiedRange(media.path, Span(50, 100))))
