"""Aligned crops: a square part of a native window at a network's own size, and back.

A square is axis-aligned and keeps its aspect; where it lies is a float, so that a smooth track gives a
smooth crop. Both ways are one linear map of the pixels (a cubic kernel, widened where it shrinks), so
that nothing in comes out as nothing: pasting an all-zero difference changes no pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dpe_toolkit.core.shapes import expect_shape

__all__ = ["aligned_mask", "cut_aligned", "paste_aligned"]

_REACH = 2.0
"""Half the support of the kernel, in samples of the coarser grid."""


def cut_aligned(windows: Tensor, square_px: Tensor, size_px: int) -> Tensor:
    """The squares of N windows, resampled to ``size_px`` x ``size_px``.

    Args:
        windows: (N, C, h, w), floating.
        square_px: (N, 3) left, top and side of each square in window pixels (continuous, pixel i covers
            [i, i+1)); it may reach over the window, whose border is repeated there.
        size_px: side of the result.

    Returns:
        (N, C, size_px, size_px) in the dtype of ``windows``; may overshoot its range a little at edges.

    Raises:
        ValueError: a shape does not fit, or a side is not above 0.
    """
    _check(windows, square_px, size_px)
    height, width = windows.shape[2:]
    left, top, side = square_px.to(windows.device, torch.float32).unbind(1)
    steps = (torch.arange(size_px, device=windows.device) + 0.5) / size_px
    step = side / size_px
    across = _weights(left[:, None] + steps * side[:, None], step, width)
    down = _weights(top[:, None] + steps * side[:, None], step, height)
    return _apply(windows, down, across)


def paste_aligned(crops: Tensor, square_px: Tensor, size_px: tuple[int, int]) -> Tensor:
    """The crops at the resolution and place of their windows.

    Args:
        crops: (N, C, S, S), floating: a picture, or the difference of two.
        square_px: (N, 3) as for `cut_aligned`.
        size_px: (width, height) of the windows.

    Returns:
        (N, C, h, w); beyond the square its border is repeated, which `aligned_mask` tells from the rest.

    Raises:
        ValueError: a shape does not fit, or a side is not above 0.
    """
    expect_shape("crops", crops, ("N", "C", "S", "S"))
    _check(crops, square_px, crops.shape[-1])
    width, height = size_px
    left, top, side = square_px.to(crops.device, torch.float32).unbind(1)
    size = crops.shape[-1]
    step = size / side
    across = _weights((_centres(width, crops) - left[:, None]) * step[:, None], step, size)
    down = _weights((_centres(height, crops) - top[:, None]) * step[:, None], step, size)
    return _apply(crops, down, across)


def aligned_mask(square_px: Tensor, size_px: tuple[int, int], feather_px: float | Tensor = 0.0) -> Tensor:
    """(N, 1, h, w) 1 inside the squares, 0 outside, rising over ``feather_px`` from the edge inward.

    Args:
        square_px: (N, 3) as for `cut_aligned`.
        size_px: (width, height) of the windows.
        feather_px: width of the rise in window pixels, one for all or (N,); 0 is a hard edge.
    """
    expect_shape("square_px", square_px, ("N", 3))
    width, height = size_px
    left, top, side = square_px.float().unbind(1)
    feather = torch.as_tensor(feather_px, dtype=torch.float32, device=square_px.device).expand(len(side))[:, None]

    def ramp(centres: Tensor, start: Tensor) -> Tensor:
        inward = torch.minimum(centres - start[:, None], (start + side)[:, None] - centres)
        share = (inward / feather.clamp_min(1e-6)).clamp(0.0, 1.0)
        return share * share * (3.0 - 2.0 * share)

    across, down = ramp(_centres(width, square_px), left), ramp(_centres(height, square_px), top)
    return (down[:, :, None] * across[:, None, :]).unsqueeze(1)


def _check(pixels: Tensor, square_px: Tensor, size_px: int) -> None:
    known = expect_shape("pixels", pixels, ("N", "C", "h", "w"))
    expect_shape("square_px", square_px, ("N", 3), known)
    if size_px < 1 or not bool((square_px[:, 2] > 0).all()):
        raise ValueError(f"sides {square_px[:, 2].tolist()} and size {size_px} are given; all must be above 0")


def _centres(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device, dtype=torch.float32) + 0.5


def _apply(pixels: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Rows mixed by ``down`` (N, H', h) and columns by ``across`` (N, W', w)."""
    mixed = down[:, None] @ (pixels.float() @ across.transpose(1, 2)[:, None])
    return mixed.to(pixels.dtype)


def _weights(positions: Tensor, step: Tensor, count: int) -> Tensor:
    """(N, M, count) weights that sample ``count`` pixels at ``positions`` (N, M), ``step`` (N,) pixels apart.

    Source: R. Keys, Cubic convolution interpolation for digital image processing, 1981; widened for
    shrinking, which is our choice against aliasing.
    """
    if not len(positions):
        return positions.new_zeros(*positions.shape, count)
    wide = step.clamp_min(1.0)[:, None, None]
    reach = _REACH * float(wide.max()) + 1.0
    first = min(0, int(float(positions.min()) - reach) - 1)
    last = max(count, int(float(positions.max()) + reach) + 2)
    taps = torch.arange(first, last, device=positions.device)
    weights = _cubic((positions[:, :, None] - (taps + 0.5)) / wide)
    weights = weights / weights.sum(dim=2, keepdim=True)
    folded = weights.new_zeros(*weights.shape[:2], count)
    return folded.index_add_(2, taps.clamp(0, count - 1), weights)


def _cubic(distance: Tensor) -> Tensor:
    x = distance.abs()
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return torch.where(x <= 1.0, near, torch.where(x < _REACH, far, torch.zeros_like(x)))
