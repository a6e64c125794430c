"""Aligned crops: a square part of a native window at a network's own size, and back.

A square keeps its aspect; where it lies is a float, so that a smooth track gives a smooth crop. Both ways are one
linear map of the pixels (a cubic kernel, widened where it shrinks), so that nothing in comes out as nothing: pasting an
all-zero difference changes no pixel.

A square may be turned about its middle, so that a tilted head stands upright in its crop. A positive rotation turns it
from x to y, which is clockwise on the screen: with the roll of the head as rotation, the crop's up is the head's. Rows
and columns are then resampled along the axes to the resolution of the crop and turned there by a second cubic kernel,
which costs a turned crop a little sharpness.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.editing.handover import beside

__all__ = ["aligned_mask", "cut_aligned", "paste_aligned"]

_REACH = 2.0
"""Half the support of the kernel, in samples of the coarser grid."""


def cut_aligned(windows: Tensor, square_px: Tensor, size_px: int, rotation_rad: Tensor | None = None) -> Tensor:
    """The squares of N windows, resampled to ``size_px`` x ``size_px``.

    Args:
        windows: (N, C, h, w), floating.
        square_px: (N, 3) left, top and side of each square in window pixels (continuous, pixel i covers
            [i, i+1)); it may reach over the window, whose border is repeated there.
        size_px: side of the result.
        rotation_rad: (N,) by how much each square is turned about its middle, clockwise on the screen; None not at all.

    Returns:
        (N, C, size_px, size_px) in the dtype of ``windows``; may overshoot its range a little at edges.

    Raises:
        ValueError: a shape does not fit, or a side is not above 0.
    """
    _check(windows, square_px, size_px, rotation_rad)
    if rotation_rad is not None:
        grown_px = _grown(size_px)
        upright = cut_aligned(windows, _around(square_px, grown_px / size_px), grown_px)
        return _turned(upright, rotation_rad, size_px)
    height, width = windows.shape[2:]
    left, top, side = beside(square_px, windows).float().unbind(1)
    steps = (torch.arange(size_px, device=windows.device) + 0.5) / size_px
    step = side / size_px
    across = _weights(left[:, None] + steps * side[:, None], step, width)
    down = _weights(top[:, None] + steps * side[:, None], step, height)
    return _apply(windows, down, across)


def paste_aligned(
    crops: Tensor, square_px: Tensor, size_px: tuple[int, int], rotation_rad: Tensor | None = None
) -> Tensor:
    """The crops at the resolution and place of their windows.

    Args:
        crops: (N, C, S, S), floating: a picture, or the difference of two.
        square_px: (N, 3) as for `cut_aligned`.
        size_px: (width, height) of the windows.
        rotation_rad: (N,) as for `cut_aligned`: what was cut with it is put back with the same.

    Returns:
        (N, C, h, w); beyond the square its border is repeated, which `aligned_mask` tells from the rest.

    Raises:
        ValueError: a shape does not fit, or a side is not above 0.
    """
    expect_shape("crops", crops, ("N", "C", "S", "S"))
    size = crops.shape[-1]
    _check(crops, square_px, size, rotation_rad)
    if rotation_rad is not None:
        grown_px = _grown(size)
        upright = _turned(crops, -rotation_rad, grown_px)
        return paste_aligned(upright, _around(square_px, grown_px / size), size_px)
    width, height = size_px
    left, top, side = beside(square_px, crops).float().unbind(1)
    step = size / side
    across = _weights((_centres(width, crops) - left[:, None]) * step[:, None], step, size)
    down = _weights((_centres(height, crops) - top[:, None]) * step[:, None], step, size)
    return _apply(crops, down, across)


def aligned_mask(
    square_px: Tensor,
    size_px: tuple[int, int],
    feather_px: float | Tensor = 0.0,
    rotation_rad: Tensor | None = None,
) -> Tensor:
    """(N, 1, h, w) 1 inside the squares, 0 outside, rising over ``feather_px`` from the edge inward.

    Args:
        square_px: (N, 3) as for `cut_aligned`.
        size_px: (width, height) of the windows.
        feather_px: width of the rise in window pixels, one for all or (N,); 0 is a hard edge.
        rotation_rad: (N,) as for `cut_aligned`.
    """
    known = expect_shape("square_px", square_px, ("N", 3))
    width, height = size_px
    left, top, side = square_px.float().unbind(1)
    feather = torch.as_tensor(feather_px, dtype=torch.float32, device=square_px.device).expand(len(side))[:, None]

    def ramp(inward: Tensor, width_px: Tensor) -> Tensor:
        share = (inward / width_px.clamp_min(1e-6)).clamp(0.0, 1.0)
        return share * share * (3.0 - 2.0 * share)

    def inward(centres: Tensor, start: Tensor) -> Tensor:
        return torch.minimum(centres - start[:, None], (start + side)[:, None] - centres)

    x, y = _centres(width, square_px), _centres(height, square_px)
    if rotation_rad is None:
        across, down = ramp(inward(x, left), feather), ramp(inward(y, top), feather)
        return (down[:, :, None] * across[:, None, :]).unsqueeze(1)
    expect_shape("rotation_rad", rotation_rad, ("N",), known)
    half = (side / 2)[:, None, None]
    offset_x = x[None, None, :] - left[:, None, None] - half
    offset_y = y[None, :, None] - top[:, None, None] - half
    own_x, own_y = _rotated(offset_x, offset_y, -beside(rotation_rad, square_px))
    sides = (ramp(half - own.abs(), feather[:, :, None]) for own in (own_x, own_y))
    return torch.stack(list(sides)).prod(dim=0).unsqueeze(1)


def _check(pixels: Tensor, square_px: Tensor, size_px: int, rotation_rad: Tensor | None) -> None:
    known = expect_shape("pixels", pixels, ("N", "C", "h", "w"))
    expect_shape("square_px", square_px, ("N", 3), known)
    if rotation_rad is not None:
        expect_shape("rotation_rad", rotation_rad, ("N",), known)
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


def _grown(size_px: int) -> int:
    """Side of a crop that holds one of this size however it is turned, with room for the kernel.

    It differs by an even number, so that a crop that is not turned is copied out of its middle.
    """
    grown = math.ceil(size_px * math.sqrt(2.0)) + 4
    return grown + (grown - size_px) % 2


def _around(square_px: Tensor, share: float) -> Tensor:
    """(N, 3) squares of the same middle, larger by a factor."""
    left, top, side = square_px.float().unbind(1)
    more = side * (share - 1.0) / 2
    return torch.stack((left - more, top - more, side * share), dim=1)


def _rotated(x: Tensor, y: Tensor, rotation_rad: Tensor) -> tuple[Tensor, Tensor]:
    """Offsets (N, ...) turned from x to y."""
    angle = rotation_rad.float()[:, None, None]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return x * cosine - y * sine, x * sine + y * cosine


def _turned(pixels: Tensor, rotation_rad: Tensor, size_px: int) -> Tensor:
    """(N, C, size, size) a square of the same pitch and middle as ``pixels`` (N, C, S, S), turned against it.

    Source: Keys's kernel, as for `_weights`, over the four by four pixels around each place; borders are repeated.
    """
    count, channels, side, _ = pixels.shape
    offset = _centres(size_px, pixels) - size_px / 2
    x, y = _rotated(offset[None, None, :], offset[None, :, None], beside(rotation_rad, pixels))
    places = [value + side / 2 - 0.5 for value in (x, y)]
    firsts = [torch.floor(value) for value in places]
    flat = pixels.float().flatten(2)
    total = flat.new_zeros(count, channels, size_px * size_px)
    for step_y in range(-1, 3):
        for step_x in range(-1, 3):
            taps = [first + step for first, step in zip(firsts, (step_x, step_y), strict=True)]
            weight = _cubic(places[0] - taps[0]) * _cubic(places[1] - taps[1])
            column, row = (tap.clamp(0, side - 1).long() for tap in taps)
            index = (row * side + column).flatten(1)[:, None].expand(-1, channels, -1)
            total = total + weight.flatten(1)[:, None] * flat.gather(2, index)
    return total.reshape(count, channels, size_px, size_px).to(pixels.dtype)


def _cubic(distance: Tensor) -> Tensor:
    x = distance.abs()
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return torch.where(x <= 1.0, near, torch.where(x < _REACH, far, torch.zeros_like(x)))
