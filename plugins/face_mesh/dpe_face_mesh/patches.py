"""The openings of a face: mouth and eyes, how open they are, and the triangles that carry them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import EYES, INNER_LIP_PAIRS, INNER_LIPS, MOUTH_CORNERS, canonical_face

__all__ = ["Patch", "openings", "patches"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Patch:
    """One opening."""

    name: str
    pairs: IntArray
    """(K, 2) upper and lower vertices that touch when it is shut."""
    corners: tuple[int, int]
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
def patches() -> tuple[Patch, ...]:
    """Mouth, then the eyes."""
    mouth = _patch("mouth", INNER_LIPS, INNER_LIP_PAIRS, MOUTH_CORNERS, hard_edge=True)
    eyes = (_patch(f"eye_{i}", eye.ring, eye.lid_pairs, eye.corners, hard_edge=False) for i, eye in enumerate(EYES))
    return (mouth, *eyes)


def _patch(name: str, border: IntArray, pairs: IntArray, corners: tuple[int, int], *, hard_edge: bool) -> Patch:
    triangles = canonical_face().triangles
    touching = np.isin(triangles, border)
    interior, near = triangles[touching.all(axis=1)], triangles[touching.any(axis=1)]
    around = triangles[np.isin(triangles, np.unique(near)).any(axis=1)]
    return Patch(name, pairs, corners, interior, near, around, border, hard_edge)


def openings(shapes: FloatArray, patch: Patch) -> FloatArray:
    """(T, 2) mean gap and width of the opening in canonical units."""
    upper, lower = patch.pairs.T
    gap = np.linalg.norm(shapes[:, lower] - shapes[:, upper], axis=2).mean(axis=1)
    left, right = patch.corners
    width = np.linalg.norm(shapes[:, right] - shapes[:, left], axis=1)
    return np.stack([gap, width], axis=1).astype(np.float32)
