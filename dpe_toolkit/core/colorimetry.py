"""From code values to RGB and back: matrix, range and depth.

RGB is always *encoded*: the transfer curve of the file (BT.709, PQ, HLG, log) is left on it, since that is what
networks were trained on and what a difference can be added to. A view (`dpe_toolkit.core.frames.RgbView`) may show
something else to analysis and networks; what it changes is changed back before the difference is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.frames import ColorInfo, PixelLayout

__all__ = ["CodeScale", "code_scale", "rgb_from_yuv_matrix", "yuv_from_rgb_matrix"]

_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470 BG
    6: (0.299, 0.114),  # SMPTE 170M
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020 non-constant luminance
    10: (0.2627, 0.0593),  # BT.2020 constant luminance, taken as non-constant: our choice, it is unused in practice
}
_FULL_RANGE = 2


@dataclass(frozen=True, slots=True)
class CodeScale:
    """How code values map to signal values: signal = (code - offset) / scale."""

    luma_offset: float
    luma_scale: float
    chroma_offset: float
    chroma_scale: float
    maximum: int


def _weights(color: ColorInfo, height: int) -> tuple[float, float]:
    """Kr and Kb; an unspecified matrix is BT.709 from 720 lines on and BT.601 below, as players take it."""
    known = _LUMA_WEIGHTS.get(color.matrix)
    return known if known else _LUMA_WEIGHTS[1 if height >= 720 else 6]


def code_scale(layout: PixelLayout, color: ColorInfo) -> CodeScale:
    """Offsets and scales of this layout and range (ITU-R BT.709 and BT.2100 quantisation)."""
    step = float(1 << (layout.depth - 8))
    maximum = (1 << layout.depth) - 1
    middle = float(1 << (layout.depth - 1))
    if color.range == _FULL_RANGE or (color.range == 0 and layout.family != "yuv"):
        return CodeScale(0.0, float(maximum), middle, float(maximum), maximum)
    return CodeScale(16 * step, 219 * step, middle, 224 * step, maximum)


def yuv_from_rgb_matrix(color: ColorInfo, height: int) -> npt.NDArray[np.float32]:
    """(3, 3) rows Y in [0, 1], Cb and Cr in [-0.5, 0.5] from RGB in [0, 1]."""
    kr, kb = _weights(color, height)
    kg = 1 - kr - kb
    luma = np.array([kr, kg, kb])
    blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - kb))
    red = (np.array([1, 0, 0]) - luma) / (2 * (1 - kr))
    return np.stack([luma, blue, red]).astype(np.float32)


def rgb_from_yuv_matrix(color: ColorInfo, height: int) -> npt.NDArray[np.float32]:
    """(3, 3) inverse of `yuv_from_rgb_matrix`."""
    return np.linalg.inv(yuv_from_rgb_matrix(color, height).astype(np.float64)).astype(np.float32)
