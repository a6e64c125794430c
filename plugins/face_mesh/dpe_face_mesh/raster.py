"""Rasterisation in torch, for whole batches: vertex values over the pixels of triangles, and boxes of one size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch

__all__ = ["Raster", "box_in", "rasterise", "rows_by_size"]

_SLACK = 1e-4
"""Of a triangle's side, so that rounding leaves no pixel between two triangles."""
_LEAST_AREA = 1e-6


class Raster(NamedTuple):
    """Vertex values on a pixel grid, for N meshes."""

    values: torch.Tensor
    """(N, C, h, w), 0 where nothing covers."""
    covered: torch.Tensor
    """(N, 1, h, w) bool."""


def rasterise(points: torch.Tensor, values: torch.Tensor, triangles: torch.Tensor, size_px: tuple[int, int]) -> Raster:
    """Interpolates vertex values linearly in each triangle; the nearest triangle (least z) wins a pixel.

    All pixels of all triangles' boxes are listed in one flat run and tested together, so that there is
    neither a loop over pixels nor one over triangles.

    Args:
        points: (N, V, 3) x, y in pixels (pixel i covers [i, i+1)), z for order.
        values: (N, V, C).
        triangles: (M, 3) vertex indices.
        size_px: (width, height) of the grid.
    """
    width, height = size_px
    num, channels = points.shape[0], values.shape[2]
    corners = points[:, triangles].flatten(0, 1)
    owner, x, y = _candidates(corners[..., :2], width, height)
    second, third = _coordinates(corners[..., :2], owner, x + 0.5, y + 0.5)
    inside = ((second >= -_SLACK) & (third >= -_SLACK) & (second + third <= 1 + _SLACK)).nonzero()[:, 0]
    owner, second, third = owner[inside], second[inside, None], third[inside, None]
    carried = torch.cat([points[..., 2:3], values], dim=2)[:, triangles].flatten(0, 1)
    edges = torch.cat([carried[:, 0], carried[:, 1] - carried[:, 0], carried[:, 2] - carried[:, 0]], dim=1)[owner]
    first, along, across = edges.reshape(-1, 3, channels + 1).unbind(1)
    found = torch.addcmul(torch.addcmul(first, along, second), across, third)
    frame = torch.div(owner, len(triangles), rounding_mode="floor")
    pixel = (frame * height + y[inside]) * width + x[inside]
    depth = found[:, 0]
    nearest = torch.full((num * height * width,), torch.inf, device=points.device)
    nearest.scatter_reduce_(0, pixel, depth, "amin")
    wins = (depth <= nearest[pixel]).nonzero()[:, 0]
    grid = torch.zeros(channels, num * height * width, device=points.device)
    grid[:, pixel[wins]] = found[wins, 1:].T
    covered = torch.isfinite(nearest).reshape(num, 1, height, width)
    return Raster(grid.reshape(channels, num, height, width).transpose(0, 1).contiguous(), covered)


def _candidates(corners: torch.Tensor, width: int, height: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Triangle, column and row of every pixel in the box of every triangle, as three flat runs."""
    low = (corners.amin(1) - 0.5).ceil().long().clamp_(min=0)
    high = (corners.amax(1) - 0.5).floor().long()
    limit = torch.tensor([width - 1, height - 1], device=corners.device)
    extent = (torch.minimum(high, limit) - low + 1).clamp_(min=0)
    counts = extent[:, 0] * extent[:, 1]
    owner = torch.repeat_interleave(torch.arange(len(counts), device=corners.device), counts)
    local = torch.arange(len(owner), device=corners.device) - (counts.cumsum(0) - counts)[owner]
    columns = extent[owner, 0]
    row = torch.div(local, columns, rounding_mode="floor")
    return owner, low[owner, 0] + local - row * columns, low[owner, 1] + row


def _coordinates(
    corners: torch.Tensor, owner: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Barycentric shares of the second and third corner; -1 in triangles without area."""
    first = corners[:, 0]
    a, b = corners[:, 1] - first, corners[:, 2] - first
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    flat = area.abs() <= _LEAST_AREA
    inverse = torch.where(flat, 0.0, 1 / area)
    shares = []
    for by_x, by_y in ((b[:, 1], -b[:, 0]), (-a[:, 1], a[:, 0])):
        by_x, by_y = by_x * inverse, by_y * inverse
        start = torch.where(flat, -1.0, -(first[:, 0] * by_x + first[:, 1] * by_y))
        line = torch.stack([by_x, by_y, start], dim=1)[owner]
        shares.append(line[:, 0] * x + line[:, 1] * y + line[:, 2])
    return shares[0], shares[1]


def rows_by_size(sizes: torch.Tensor) -> Iterator[tuple[tuple[int, int], torch.Tensor]]:
    """Every size that occurs among ``sizes``, (N, 2) width and height in whole pixels, with the rows that have it.

    What such rows are drawn as is what each would be alone, in fewer batches.
    """
    for width, height in sorted({(width, height) for width, height in sizes.tolist()}):
        yield (width, height), ((sizes[:, 0] == width) & (sizes[:, 1] == height)).nonzero()[:, 0]


def box_in(window: torch.Tensor, at: torch.Tensor, size_px: tuple[int, int]) -> torch.Tensor:
    """The part (C, h, w) of a window (C, H, W) that begins at column and row ``at``; it shares the memory."""
    (x, y), (width, height) = at.tolist(), size_px
    return window[:, y : y + height, x : x + width]
