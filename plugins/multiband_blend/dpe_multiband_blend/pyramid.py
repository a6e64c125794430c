"""Blending by Laplacian pyramids."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["blend_bands"]

_TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""Source: Burt and Adelson, a = 0.375."""


def blend_bands(first: Tensor, second: Tensor, weight: Tensor, bands: int) -> Tensor:
    """``first`` where ``weight`` is 1, ``second`` where it is 0, each band of detail blended over its own width.

    Source: Burt and Adelson, A multiresolution spline, section 3. The difference of both images is taken
    apart in place of each, which is the same, since a pyramid is linear.

    Args:
        first: (N, C, h, w).
        second: (N, C, h, w).
        weight: (N, 1, h, w) in [0, 1].
        bands: at least 1; fewer are used where a image is too small.
    """
    return second + _weighed(first - second, weight, bands)


def _weighed(difference: Tensor, weight: Tensor, bands: int) -> Tensor:
    if bands <= 1 or min(difference.shape[2:]) < 4:
        return difference * weight
    coarse = _reduced(difference)
    size = (difference.shape[2], difference.shape[3])
    fine = (difference - _expanded(coarse, size)) * weight
    return fine + _expanded(_weighed(coarse, _reduced(weight), bands - 1), size)


def _reduced(values: Tensor) -> Tensor:
    """Half the size, smoothed first."""
    return _blurred(values)[:, :, ::2, ::2]


def _expanded(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Twice the size: each sample in its place, and the places between filled smoothly."""
    spread = values.new_zeros(*values.shape[:2], *size)
    spread[:, :, ::2, ::2] = values
    filled = torch.zeros_like(spread[:, :1])
    filled[:, :, ::2, ::2] = 1
    return _blurred(spread) / _blurred(filled)


def _blurred(values: Tensor) -> Tensor:
    channels = values.shape[1]
    taps = values.new_tensor(_TAPS)
    across = taps.view(1, 1, 1, 5).expand(channels, 1, 1, 5)
    padded = F.pad(values, (2, 2, 2, 2), mode="replicate")
    return F.conv2d(F.conv2d(padded, across, groups=channels), across.transpose(2, 3), groups=channels)
