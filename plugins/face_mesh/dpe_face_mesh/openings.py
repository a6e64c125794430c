"""The openings of a face: mouth and eyes, how open they are, the triangles that carry them, and lips that shut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.api.face import EYES, INNER_LIP_PAIRS, INNER_LIPS, LIP_RINGS, MOUTH_CORNERS, canonical_face

__all__ = ["Opening", "face_openings", "opening_sizes", "seam_points", "tuck_lips"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_TUCK_UPPER, _TUCK_LOWER = 0.6, 0.4
"""Shares of each lip's height by which its inner border is drawn outward."""
_SEAM = 0.4
"""Where on the upper lip the line between shut lips is read: share of the way from the outer to the inner border."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of the face and the triangles of the mesh that carry it."""

    name: str
    """``mouth``, ``eye_0`` (the image's left) or ``eye_1``."""
    pairs: IntArray
    """(K, 2) upper and lower vertices that touch when it is shut."""
    corners: tuple[int, int]
    """Vertices at its two ends."""
    interior: IntArray
    """(M, 3) triangles that span the opening."""
    near: IntArray
    """(M', 3) the interior and the triangles that touch its border."""
    around: IntArray
    """(M'', 3) one ring of triangles further, so that the matte's soft edge lies within them."""
    border: IntArray
    """Vertices of the border."""
    hard_edge: bool
    """True where the matte follows the border (lips); False where it runs out over the skin around (lids)."""

    @property
    def stretches(self) -> bool:
        """True where closing needs other pixels too: skin that was folded away (lids)."""
        return not self.hard_edge


@lru_cache(maxsize=1)
def face_openings() -> tuple[Opening, ...]:
    """The mouth, then the eyes from the image's left."""
    mouth = _opening("mouth", INNER_LIPS, INNER_LIP_PAIRS, MOUTH_CORNERS, hard_edge=True)
    eyes = (_opening(f"eye_{i}", eye.ring, eye.lid_pairs, eye.corners, hard_edge=False) for i, eye in enumerate(EYES))
    return (mouth, *eyes)


def _opening(name: str, border: IntArray, pairs: IntArray, corners: tuple[int, int], *, hard_edge: bool) -> Opening:
    triangles = canonical_face().triangles
    touching = np.isin(triangles, border)
    interior, near = triangles[touching.all(axis=1)], triangles[touching.any(axis=1)]
    around = triangles[np.isin(triangles, np.unique(near)).any(axis=1)]
    return Opening(name, pairs, corners, interior, near, around, border, hard_edge)


def opening_sizes(shapes: FloatArray, opening: Opening) -> FloatArray:
    """(T, 2) mean gap and width of the opening in canonical units."""
    upper, lower = opening.pairs.T
    gap = np.linalg.norm(shapes[:, lower] - shapes[:, upper], axis=2).mean(axis=1)
    left, right = opening.corners
    width = np.linalg.norm(shapes[:, right] - shapes[:, left], axis=1)
    return np.stack([gap, width], axis=1).astype(np.float32)


def tuck_lips(source: torch.Tensor, closing: torch.Tensor) -> torch.Tensor:
    """(N, 478, 3) the mesh with the inner part of the lips drawn outward on the lips, for a mouth that is to shut.

    The mesh's inner border of the lips lies a little on the teeth. Where the lips close, that rim of teeth would stay
    between them, so lips are read from further out, and the line between them (`seam_points`) from the upper lip.

    Args:
        source: (N, 478, 3) mesh in window pixels.
        closing: (N,) 0 where the mouth does not close, 1 where it shuts altogether.
    """
    tucked = source.clone()
    rings = torch.from_numpy(LIP_RINGS).to(source.device)
    outer, inner = source[:, rings[0]], source[:, rings[-1]]
    kept = torch.full((rings.shape[1],), 1 - _TUCK_LOWER, device=source.device)
    kept[:11] = 1 - _TUCK_UPPER
    for number in range(1, len(rings)):
        share = kept[:, None] * (number / (len(rings) - 1))
        tucked[:, rings[number]] = source[:, rings[number]].lerp(outer.lerp(inner, share), closing[:, None, None])
    return tucked


def seam_points(source: torch.Tensor) -> torch.Tensor:
    """(N, 20, 3) points on the upper lip for the whole inner border, so that no tooth lies between them."""
    rings = torch.from_numpy(LIP_RINGS).to(source.device)
    upper = source[:, rings[0, :11]].lerp(source[:, rings[-1, :11]], _SEAM)
    # the lower border runs back, so that each of its vertices reads where the upper one above it does
    return torch.cat([upper, upper.flip(1)[:, 1:10]], dim=1)
