"""Pixels and places: colour conversion, native windows, alignment."""

from __future__ import annotations

from dpe_toolkit.geometry.aligned import aligned_mask, cut_aligned, paste_aligned
from dpe_toolkit.geometry.color import CodeScale, code_scale, rgb_from_yuv_matrix, yuv_from_rgb_matrix
from dpe_toolkit.geometry.windows import full_rgb, sample_rgb, upload_window, window_rgb, write_window

__all__ = [
    "CodeScale",
    "aligned_mask",
    "code_scale",
    "cut_aligned",
    "full_rgb",
    "paste_aligned",
    "rgb_from_yuv_matrix",
    "sample_rgb",
    "upload_window",
    "window_rgb",
    "write_window",
    "yuv_from_rgb_matrix",
]
