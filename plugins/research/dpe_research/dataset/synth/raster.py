"""Triangles to pixels with a depth buffer, in numpy: no loop over triangles or pixels.

Triangles are cut into rows and rows into pixels by their edges alone. An edge that two triangles share is
computed from the same two numbers in the same order, so that no pixel is left between them or hit twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Cover", "cover_pixels", "spread_values"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_DEPTH_STEPS = 2.0**14
"""Steps of depth per pixel."""
_TRIANGLE_BITS = 16


class Cover(NamedTuple):
    """The pixels that triangles cover, nearest triangle each."""

    pixels: IntArray
    """(Q,) flat indices into the square picture, rising."""
    triangles: IntArray
    """(Q,) the triangle seen there."""


def cover_pixels(points: FloatArray, triangles: IntArray, size_px: int) -> Cover:
    """Which triangle is seen where; a pixel belongs to the triangle that holds its centre.

    Args:
        points: (V, 3) x, y in pixels (pixel i covers [i, i+1)) and depth in the same unit, away from the viewer.
        triangles: (T, 3) vertex indices, T below 65 536; both windings are seen.
        size_px: side of the picture.
    """
    owner, left, right, row = _rows(points[:, :2], triangles, size_px)
    counts = right - left
    ends = counts.cumsum()
    begins = ends - counts
    slopes, depths = _depth_planes(points, triangles)
    at_left = depths[owner] + slopes[owner, 0] * (left + 0.5) + slopes[owner, 1] * (row + 0.5)
    run = np.arange(ends[-1] if len(ends) else 0)
    pixels = np.repeat(row * size_px + left - begins, counts) + run
    depth = np.repeat((at_left - slopes[owner, 0] * begins) * _DEPTH_STEPS, counts)
    depth += np.repeat(slopes[owner, 0] * _DEPTH_STEPS, counts) * run
    keys = depth.astype(np.int64)
    keys <<= _TRIANGLE_BITS
    keys |= np.repeat(owner, counts)
    nearest = np.full(size_px * size_px, np.iinfo(np.int64).max)
    np.minimum.at(nearest, pixels, keys)
    seen = np.flatnonzero(nearest != np.iinfo(np.int64).max)
    return Cover(seen, nearest[seen] & ((1 << _TRIANGLE_BITS) - 1))


def spread_values(
    cover: Cover, points: FloatArray, triangles: IntArray, values: FloatArray, size_px: int
) -> list[npt.NDArray[np.float32]]:
    """Vertex values at the covered pixels, linear in each triangle: one (Q,) array for each of the K values.

    Args:
        cover: result of `cover_pixels` for the same points and triangles.
        points: (V, 3).
        triangles: (T, 3).
        values: (V, K).
        size_px: side of the picture.
    """
    first, second, third = (points[triangles[:, i], :2] for i in range(3))
    a, b = second - first, third - first
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    area[area == 0] = 1.0
    along = values[triangles[:, 1]] - values[triangles[:, 0]]
    across = values[triangles[:, 2]] - values[triangles[:, 0]]
    by_x = (along * b[:, 1:2] - across * a[:, 1:2]) / area[:, None]
    by_y = (across * a[:, 0:1] - along * b[:, 0:1]) / area[:, None]
    start = np.column_stack([first, values[triangles[:, 0]], by_x, by_y]).astype(np.float32).T.copy()
    seen = cover.triangles
    y, x = np.divmod(cover.pixels.astype(np.int32), np.int32(size_px))
    right = x.astype(np.float32) + np.float32(0.5) - start[0][seen]
    down = y.astype(np.float32) + np.float32(0.5) - start[1][seen]
    num = values.shape[1]
    return [
        start[2 + k][seen] + start[2 + num + k][seen] * right + start[2 + 2 * num + k][seen] * down for k in range(num)
    ]


def _rows(xy: FloatArray, triangles: IntArray, size_px: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Triangle, first column, end column and row of every row of pixels in every triangle."""
    corners = xy[triangles]
    order = corners[..., 1].argsort(axis=1, kind="stable")
    top, middle, low = (
        np.take_along_axis(corners, order[:, i : i + 1, None], axis=1)[:, 0].astype(np.float64) for i in range(3)
    )
    first = np.clip(np.ceil(top[:, 1] - 0.5), 0, size_px).astype(np.int64)
    counts = np.clip(np.ceil(low[:, 1] - 0.5), 0, size_px).astype(np.int64) - first
    owner = np.repeat(np.arange(len(triangles)), counts)
    row = np.arange(len(owner)) - np.repeat(counts.cumsum() - counts - first, counts)
    centre = (row + 0.5).astype(np.float64, copy=False)
    top, middle, low = top[owner], middle[owner], low[owner]
    upper = (centre < middle[:, 1])[:, None]
    long = _crossing(top, low, centre)
    short = _crossing(np.where(upper, top, middle), np.where(upper, middle, low), centre)
    left = np.clip(np.ceil(np.minimum(long, short) - 0.5), 0, size_px).astype(np.int64)
    right = np.clip(np.ceil(np.maximum(long, short) - 0.5), 0, size_px).astype(np.int64)
    some = right > left
    return owner[some], left[some], right[some], row[some]


def _crossing(start: FloatArray, end: FloatArray, y: FloatArray) -> FloatArray:
    """X of the edges at the given heights."""
    return np.asarray(start[:, 0] + (end[:, 0] - start[:, 0]) * ((y - start[:, 1]) / (end[:, 1] - start[:, 1])))


def _depth_planes(points: FloatArray, triangles: IntArray) -> tuple[FloatArray, FloatArray]:
    """(T, 2) slopes and (T,) depth at the picture's corner; slopes of slivers are held back."""
    first, second, third = (points[triangles[:, i]] for i in range(3))
    a, b = second - first, third - first
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    flat = np.abs(area) < 1e-9
    area = np.where(flat, 1.0, area)
    slopes = np.stack(
        [(a[:, 2] * b[:, 1] - b[:, 2] * a[:, 1]) / area, (b[:, 2] * a[:, 0] - a[:, 2] * b[:, 0]) / area], axis=1
    )
    slopes = np.clip(np.where(flat[:, None], 0.0, slopes), -50, 50)
    return slopes, first[:, 2] - (slopes * first[:, :2]).sum(1)
