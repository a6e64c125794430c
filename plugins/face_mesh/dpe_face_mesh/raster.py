"""Values at mesh vertices spread over the pixels that the mesh covers, in torch, for whole batches."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["Spread", "spread"]


class Spread(NamedTuple):
    """Vertex values on a pixel grid."""

    values: torch.Tensor
    """(N, C, h, w), 0 where nothing covers."""
    covered: torch.Tensor
    """(N, 1, h, w) bool."""


def spread(points: torch.Tensor, values: torch.Tensor, triangles: torch.Tensor, size_px: tuple[int, int]) -> Spread:
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
    corners = points[:, triangles].reshape(-1, 3, 3)
    flat_values = values[:, triangles].reshape(-1, 3, channels)
    low = (corners[:, :, :2].amin(1) - 0.5).ceil().long().clamp_(min=0)
    high = (corners[:, :, :2].amax(1) - 0.5).floor().long()
    limit = torch.tensor([width - 1, height - 1], device=points.device)
    extent = (torch.minimum(high, limit) - low + 1).clamp_(min=0)
    counts = extent[:, 0] * extent[:, 1]
    owner = torch.repeat_interleave(torch.arange(len(counts), device=points.device), counts)
    local = torch.arange(len(owner), device=points.device) - (counts.cumsum(0) - counts)[owner]
    columns = low[owner, 0] + local % extent[owner, 0]
    rows = low[owner, 1] + torch.div(local, extent[owner, 0], rounding_mode="floor")
    shares = _barycentric(corners, owner, columns + 0.5, rows + 0.5)
    inside = (shares.amin(1) >= -1e-5).nonzero()[:, 0]
    owner, shares = owner[inside], shares[inside]
    frame = torch.div(owner, len(triangles), rounding_mode="floor")
    pixel = (frame * height + rows[inside]) * width + columns[inside]
    depth = (corners[owner, :, 2] * shares).sum(1)
    nearest = torch.full((num * height * width,), torch.inf, device=points.device)
    nearest.scatter_reduce_(0, pixel, depth, "amin")
    wins = (depth <= nearest[pixel]).nonzero()[:, 0]
    grid = torch.zeros(num * height * width, channels, device=points.device)
    grid[pixel[wins]] = (flat_values[owner[wins]] * shares[wins, :, None]).sum(1)
    covered = torch.isfinite(nearest).reshape(num, 1, height, width)
    return Spread(grid.reshape(num, height, width, channels).permute(0, 3, 1, 2), covered)


def _barycentric(corners: torch.Tensor, owner: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(K, 3) barycentric coordinates of K points in their triangles; a triangle without area has none."""
    first, second, third = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    a, b = second - first, third - first
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    inverse = torch.where(area.abs() > 1e-6, 1 / area, torch.nan)
    dx, dy = x - first[owner, 0], y - first[owner, 1]
    a, b, inverse = a[owner], b[owner], inverse[owner]
    share_second = (dx * b[:, 1] - dy * b[:, 0]) * inverse
    share_third = (dy * a[:, 0] - dx * a[:, 1]) * inverse
    shares = torch.stack([1 - share_second - share_third, share_second, share_third], dim=1)
    return shares.nan_to_num(nan=-1.0)
