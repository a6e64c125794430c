from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import OutputSettings, VideoReader, VideoWriter, probe
from dpe_toolkit.media.pixels import layout_of
from dpe_toolkit.media.rotation import rotate_planes, rotated_color, rotated_layout
from tests.media.conftest import Recipe, make_batch
from tests.media.test_probe import rewrap

ROTATIONS = (90, 180, 270)


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


@pytest.mark.parametrize("clockwise", ROTATIONS)
@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp10le"])
def test_a_rotated_film_is_read_upright_value_by_value(tmp_path: Path, clockwise: int, layout: str) -> None:
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


def test_a_quarter_rotation_rotates_the_shape_of_pixels_too(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    lying = number_clip(Recipe("anamorphic.mp4", options={"preset": "ultrafast", "x264-params": "sar=4/3"}), 12)
    path = rewrap(lying, tmp_path / "a.mp4", lambda stream: stream.set_display_rotation(90))
    assert (probe(lying).sample_aspect, probe(path).sample_aspect) == (Fraction(4, 3), Fraction(3, 4))


@given(st.sampled_from(ROTATIONS), st.sampled_from([1, 2, 3, 4, 6]))
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


@given(st.sampled_from(ROTATIONS), st.integers(1, 9), st.integers(1, 9))
def test_rotating_on_to_a_full_circle_changes_nothing(degrees: int, width: int, height: int) -> None:
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
def test_what_cannot_be_rotated_is_refused(layout: str, size_px: tuple[int, int], degrees: int, message: str) -> None:
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
