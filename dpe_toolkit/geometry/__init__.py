"""Pixels and places: colour conversion, native windows, alignment."""

from __future__ import annotations

from dpe_toolkit.geometry.color import CodeScale, code_scale, rgb_from_yuv_matrix, yuv_from_rgb_matrix
from dpe_toolkit.geometry.windows import full_rgb, sample_rgb, window_rgb, write_window

__all__ = [
    "CodeScale",
    "code_scale",
    "full_rgb",
    "rgb_from_yuv_matrix",
    "sample_rgb",
    "window_rgb",
    "write_window",
    "yuv_from_rgb_matrix",
]
