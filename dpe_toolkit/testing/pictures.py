"""RGB pictures as the native planes a decoder would give, and frame numbers that survive encoding."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout, Plane
from dpe_toolkit.core.shapes import expect_shape

__all__ = ["LAYOUTS", "REC709", "RgbPicture", "batch_from_rgb", "burn_frame_number", "read_frame_number"]

RgbPicture = npt.NDArray[np.uint8]
"""(H, W, 3) or (N, H, W, 3) RGB code values."""

LAYOUTS = {
    layout.name: layout
    for layout in (
        PixelLayout("yuv420p", "yuv", 8, (1, 1)),
        PixelLayout("yuv422p", "yuv", 8, (1, 0)),
        PixelLayout("yuv444p", "yuv", 8, (0, 0)),
        PixelLayout("yuv420p10le", "yuv", 10, (1, 1)),
        PixelLayout("yuv422p10le", "yuv", 10, (1, 0)),
        PixelLayout("yuv444p10le", "yuv", 10, (0, 0)),
    )
}
"""The layouts that pictures can be turned into, by FFmpeg's name."""

REC709 = ColorInfo(matrix=1, transfer=1, primaries=1, range=1, chroma_location=1)
"""BT.709 in limited range."""

_RGB_TO_YUV = np.array(
    [
        [0.2126, 0.7152, 0.0722],
        [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.5],
        [0.5, -0.7152 / 1.5748, -0.0722 / 1.5748],
    ],
    np.float32,
)
"""Source: ITU-R BT.709-6, item 3."""

_CODE_BITS = 16
_CODE_CELLS = _CODE_BITS + 2


def batch_from_rgb(
    rgb: RgbPicture,
    *,
    rate: Fraction = Fraction(25),
    layout: PixelLayout = LAYOUTS["yuv420p"],
    first_index: int = 0,
) -> FrameBatch:
    """The pictures as planar YUV in `REC709`.

    Args:
        rgb: (N, H, W, 3); H and W are multiples of the chroma subsampling.
        rate: frames a second.
        layout: one of `LAYOUTS`.
        first_index: frame index of the first picture.
    """
    expect_shape("rgb", rgb, ("N", "H", "W", 3))
    yuv = np.moveaxis(rgb.astype(np.float32) @ (_RGB_TO_YUV.T / 255), -1, 0)
    step = 2 ** (layout.depth - 8)
    luma = yuv[0] * (219 * step) + 16 * step
    chroma = (_subsample(plane, layout.chroma_shift) * (224 * step) + 128 * step for plane in yuv[1:])
    planes = tuple(_coded(plane, layout.depth) for plane in (luma, *chroma))
    index = np.arange(first_index, first_index + len(rgb), dtype=np.int64)
    return FrameBatch(planes, layout, REC709, index, index.copy(), 1 / rate, rate)


def _coded(plane: npt.NDArray[np.float32], depth: int) -> Plane:
    rounded = np.rint(plane)
    return rounded.astype(np.uint8) if depth == 8 else rounded.astype(np.uint16)


def _subsample(plane: npt.NDArray[np.float32], shift: tuple[int, int]) -> npt.NDArray[np.float32]:
    count, height, width = plane.shape
    across, down = 1 << shift[0], 1 << shift[1]
    if width % across or height % down:
        raise ValueError(f"a picture of {width}x{height} does not fit chroma subsampled by {across}x{down}")
    blocks = plane.reshape(count, height // down, down, width // across, across)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32)


def burn_frame_number(picture: RgbPicture, number: int) -> None:
    """Writes ``number`` into the bottom strip of ``picture`` (H, W, 3), in place.

    The strip has 18 cells: white, 16 bits of the number with the highest first, black. They are large
    enough to survive a lossy encoding.
    """
    if not 0 <= number < 1 << _CODE_BITS:
        raise ValueError(f"frame number {number} does not fit {_CODE_BITS} bits")
    bits = [1, *((number >> bit) & 1 for bit in reversed(range(_CODE_BITS))), 0]
    height, width = picture.shape[:2]
    edges = _cell_edges(width)
    for bit, (left, right) in zip(bits, pairwise(edges), strict=True):
        picture[height - _strip_rows(height) :, left:right] = 235 if bit else 16


def read_frame_number(luma: Plane) -> int:
    """The number that `burn_frame_number` wrote, from a luma plane (H, W) of any bit depth.

    Raises:
        ValueError: the strip is not there or not readable.
    """
    height, width = luma.shape
    rows = _strip_rows(height)
    strip = luma[height - rows + rows // 4 : height - rows // 4].astype(np.float64).mean(axis=0)
    edges = _cell_edges(width)
    margins = [(right - left) // 4 for left, right in pairwise(edges)]
    levels = np.array([strip[edges[i] + margins[i] : edges[i + 1] - margins[i]].mean() for i in range(_CODE_CELLS)])
    white, black = levels[0], levels[-1]
    if white < 1.5 * black + 1:
        raise ValueError(f"no frame number: the sync cells read {white:.0f} and {black:.0f}, expected white and black")
    share = (levels[1:-1] - black) / (white - black)
    if np.any(np.abs(share - 0.5) < 0.2):
        raise ValueError(f"the frame number is blurred: cells read {np.round(share, 2).tolist()}")
    return int("".join("1" if value > 0.5 else "0" for value in share), 2)


def _strip_rows(height: int) -> int:
    return max(8, height // 16 // 2 * 2)


def _cell_edges(width: int) -> list[int]:
    if width < 4 * _CODE_CELLS:
        raise ValueError(f"a frame number needs a width of at least {4 * _CODE_CELLS}, got {width}")
    return [width * cell // _CODE_CELLS for cell in range(_CODE_CELLS + 1)]
