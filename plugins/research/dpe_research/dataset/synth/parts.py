"""Pieces of geometry that the head is put together from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Part", "grid_triangles", "outward", "own", "ring_triangles"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Vertices of one piece of the neutral canonical head. Triangles may use the face's vertices too.

    Vertices of the face are numbered from 0; those of the part itself are -1 for the first, -2 for the next and
    so on, until the head is assembled.
    """

    name: str
    points: FloatArray
    """(V, 3) canonical centimetres."""
    triangles: IntArray
    """(T, 3)."""
    uv: FloatArray
    """(V, 2) texture pixels."""
    anchor: IntArray
    """(V,) vertex of the face that this one goes with."""
    pull: FloatArray
    """(V,) how much of that vertex's move it takes."""
    jaw: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(V,) how much of the lower jaw's turn it takes; empty for none."""
    turn: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(V,) how much of the head's turn it takes, 1 where empty."""
    two_sided: bool = False
    """True where its back is seen too."""
    open_to_light: FloatArray = field(default_factory=lambda: np.zeros(0))
    """(V,) share of the light that reaches it, 1 where empty."""


def own(indices: IntArray) -> IntArray:
    """Indices of a part's own vertices, 0 the first, as `Part` numbers them."""
    return -1 - indices


def grid_triangles(rows: int, columns: int) -> IntArray:
    """(T, 3) triangles of a grid of points in row order, as own vertices."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    first = np.stack([corner, corner + 1, corner + columns], axis=1)
    second = np.stack([corner + 1, corner + columns + 1, corner + columns], axis=1)
    return own(np.concatenate([first, second]))


def ring_triangles(inner: IntArray, outer: IntArray) -> IntArray:
    """(2 n, 3) triangles between two closed rings of n vertices each."""
    inner_next, outer_next = np.roll(inner, -1), np.roll(outer, -1)
    first = np.stack([inner, inner_next, outer], axis=1)
    second = np.stack([inner_next, outer_next, outer], axis=1)
    return np.concatenate([first, second])


def outward(points: FloatArray, triangles: IntArray) -> IntArray:
    """The triangles wound as in the face, so that their normals lead away from the middle of the points."""
    first, second, third = (points[triangles[:, i]] for i in range(3))
    normals = np.cross(second - first, third - first)
    away = (first + second + third) / 3 - points.mean(0)
    return triangles if (normals * away).sum() >= 0 else triangles[:, ::-1]
