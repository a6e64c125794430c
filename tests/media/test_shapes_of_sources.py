"""Footage that is turned, of wide pixels, or of frames that last differently long."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import OutputSettings, VideoReader, VideoWriter, probe
from dpe_toolkit.media.index import FrameIndex, at_constant_rate
from dpe_toolkit.media.pixels import layout_of
from dpe_toolkit.media.rotation import rotate_planes, rotated_color, rotated_layout
from tests.media.conftest import Recipe, make_batch
from tests.media.test_probe import rewrap

TURNS = (90, 180, 270)


def write_ffv1(path: Path, layout: str, size_px: tuple[int, int]) -> Path:
    batch = make_batch(layout, size_px, color=ColorInfo(1, 1, 1, 1, 1))
    with VideoWriter(
        path,
        OutputSettings(codec="ffv1"),
        width=size_px[0],
        height=size_px[1],
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
    ) as writer:
        writer.write(batch)
    return path


def read_all(path: Path) -> object:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames))


@pytest.mark.parametrize("clockwise", TURNS)
@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp10le"])
def test_a_turned_picture_is_read_upright_value_by_value(tmp_path: Path, clockwise: int, layout: str) -> None:
    lying = write_ffv1(tmp_path / "lying.mp4", layout, (48, 32))
    path = rewrap(lying, tmp_path / "a.mp4", lambda stream: stream.set_display_rotation(-clockwise))
    info = probe(path)
    assert info.rotation_deg == clockwise
    assert (info.width, info.height) == ((32, 48) if clockwise != 180 else (48, 32))
    before, after = read_all(lying), read_all(path)
    assert after.size_px == (info.width, info.height)  # type: ignore[attr-defined] # a batch
    for old, new in zip(before.planes, after.planes, strict=True):  # type: ignore[attr-defined] # batches
        np.testing.assert_array_equal(np.rot90(old, -clockwise // 90, axes=(1, 2)), new)
    sideways = layout == "yuv422p10le" and clockwise != 180
    assert info.layout.name == ("yuv440p10le" if sideways else layout)


def test_a_quarter_turn_turns_the_shape_of_pixels_too(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    lying = number_clip(Recipe("anamorphic.mp4", options={"preset": "ultrafast", "x264-params": "sar=4/3"}), 12)
    path = rewrap(lying, tmp_path / "a.mp4", lambda stream: stream.set_display_rotation(90))
    assert (probe(lying).sample_aspect, probe(path).sample_aspect) == (Fraction(4, 3), Fraction(3, 4))


@given(st.sampled_from(TURNS), st.sampled_from([1, 2, 3, 4, 6]))
def test_four_quarters_bring_chroma_home(degrees: int, location: int) -> None:
    layout, color = layout_of("yuv420p"), ColorInfo(1, 1, 1, 1, location)
    for _ in range(4):
        color = rotated_color(color, degrees, layout)
        if not color.chroma_location:  # right of its cell: there is no name for that
            return
    assert color.chroma_location == location


def test_chroma_on_the_left_comes_to_lie_on_top() -> None:
    layout = layout_of("yuv420p")
    assert rotated_color(ColorInfo(chroma_location=1), 90, layout).chroma_location == 4
    assert rotated_color(ColorInfo(), 270, layout).chroma_location == 6
    assert rotated_color(ColorInfo(chroma_location=1), 180, layout).chroma_location == 0
    assert rotated_color(ColorInfo(), 90, layout_of("gbrp")).chroma_location == 0


@given(st.sampled_from(TURNS), st.integers(1, 9), st.integers(1, 9))
def test_turning_on_to_a_full_circle_changes_nothing(degrees: int, width: int, height: int) -> None:
    planes = make_batch("gray", (width, height)).planes
    np.testing.assert_array_equal(rotate_planes(rotate_planes(planes, degrees), 360 - degrees)[0], planes[0])


@pytest.mark.parametrize(
    ("layout", "size_px", "degrees", "message"),
    [
        ("yuv420p", (48, 33), 90, r"rotated by 90 degrees and has 48x33 pixels with subsampled colour.*upright first"),
        ("yuv420p", (47, 32), 180, "47x32 pixels"),
        ("yuv422p16le", (48, 32), 270, "pixels of format yuv422p16le"),
    ],
)
def test_what_cannot_be_turned_is_refused(layout: str, size_px: tuple[int, int], degrees: int, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        rotated_layout(layout_of(layout), degrees, size_px, Path("a.mov"))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30], "to be mirrored.*upright first"),
        ([56756, 32768, 0, -32768, 56756, 0, 0, 0, 1 << 30], "rotated by 30 degrees"),
    ],
)
def test_mirrors_and_odd_angles_are_refused(
    number_clip: Callable[..., Path], tmp_path: Path, matrix: list[int], message: str
) -> None:
    plain = number_clip(Recipe("upright.mp4", options={"preset": "ultrafast"}), 12)
    path = rewrap(plain, tmp_path / "a.mp4", lambda stream: stream.set_display_matrix(matrix))
    with pytest.raises(MediaError, match=message):
        probe(path)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.mkv", "h265"), ("a.mov", "prores"), ("a.mp4", "ffv1")]
)
def test_the_shape_of_pixels_is_written_and_read(tmp_path: Path, name: str, codec: str) -> None:
    batch = make_batch("yuv422p10le", (64, 48))
    with VideoWriter(
        tmp_path / name,
        OutputSettings.model_validate({"codec": codec}),
        width=64,
        height=48,
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
        sample_aspect=Fraction(64, 45),
    ) as writer:
        writer.write(batch)
    assert probe(tmp_path / name).sample_aspect == Fraction(64, 45)
    assert read_all(tmp_path / name).size_px == (91, 48)  # type: ignore[attr-defined] # a batch


def write_uneven(path: Path, times_ms: list[int]) -> Path:
    """A clip whose n-th frame shows a bar at cell n."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000, options={"bf": "2", "preset": "fast"})
        stream.width, stream.height = 160, 32
        for number, at in enumerate(times_ms):
            frame = av.VideoFrame(160, 32, "yuv420p")
            for plane in frame.planes:
                np.frombuffer(memoryview(plane), np.uint8)[:] = 0
            rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(32, -1)
            rows[:16, :] = 30
            rows[:16, 16 * number : 16 * number + 16] = 220
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_uneven_frames_are_shown_for_as_long_as_they_last(tmp_path: Path, name: str) -> None:
    path = write_uneven(tmp_path / name, [0, 40, 80, 200, 240, 250, 280, 400])
    with VideoReader(path) as reader:
        assert (reader.info.variable_rate, reader.info.rate, reader.info.num_frames) == (True, 25, 11)
        shown = [0, 1, 2, 2, 2, 3, 4, 6, 6, 6, 7]

        def cell(index: int) -> int:
            return int(reader.read(Span(index, index + 1)).planes[0][0, 4].argmax()) // 16

        assert [cell(index) for index in range(11)] == shown
        assert [cell(index) for index in (10, 3, 7, 0)] == [7, 2, 6, 0]
        batch = reader.read(Span(1, 5))
        assert (batch.pts.tolist(), batch.time_base) == ([1, 2, 3, 4], Fraction(1, 25))


@given(
    st.lists(st.integers(1, 6), min_size=8, max_size=60),
    st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]),
)
def test_a_frame_is_on_screen_at_its_time_within_half_a_tick(gaps: list[int], rate: Fraction) -> None:
    time_base = Fraction(1, 90000)
    # Most frames last one frame, as of a camera that drops some.
    steps = [1] * (len(gaps) + 1) + gaps
    positions = np.cumsum([0, *steps])
    pts = np.array([round(int(at) / rate / time_base) for at in positions], np.int64) + 777
    index, found = at_constant_rate(FrameIndex(pts, np.zeros(1, np.int64), timed=True), time_base)
    assert found == rate
    assert index.num_shown == positions[-1] + 1
    expected = np.searchsorted(positions, np.arange(positions[-1] + 1), side="right") - 1
    np.testing.assert_array_equal(index.shown, expected)
    assert index.stored(range(2, 5)) == expected[2:5].tolist()
