"""Colour of windows: code values to RGB, and pictures through a change of colours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.core.colorimetry import CodeScale, code_scale, rgb_from_yuv_matrix, yuv_from_rgb_matrix

__all__ = ["CodeScale", "code_scale", "rgb_from_yuv_matrix", "through", "yuv_from_rgb_matrix"]


def through(change: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]], pixels: torch.Tensor) -> torch.Tensor:
    """(N, 3, h, w) pixels through a change of (..., 3) colours, on the CPU, where alone it can be made."""
    last = np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy(), np.float32)
    return torch.from_numpy(change(last)).permute(0, 3, 1, 2).to(pixels.dtype).contiguous()
