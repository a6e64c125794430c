"""The canonical face that every synthetic face is a variation of, and smooth deformations of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api.face import BROWS, EYE_RINGS, FACE_OVAL, LID_PAIRS, LIP_RINGS, canonical_face

__all__ = ["FaceMesh", "face_mesh", "mirror_field", "smooth_field"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """The face with its holes cut and its mouth closed."""

    canonical: FloatArray
    """(468, 3) about centimetres as the face model has them; x right, y down, z away from the viewer."""
    neutral: FloatArray
    """(468, 3) the same with the lips touching and the eyes a little wider: the rest position of every expression."""
    triangles: IntArray
    """(852, 3) without those over the eyes and the mouth opening."""
    mirrored: IntArray
    """(468,) the vertex on the other side of the face."""
    smoothness: FloatArray
    """(468, 468) quadratic form of how unevenly a displacement is spread over the mesh."""


@lru_cache(maxsize=1)
def face_mesh() -> FaceMesh:
    """The canonical face made ready to be acted."""
    canonical, triangles = canonical_face().vertices.astype(np.float64), canonical_face().triangles
    holes = [set(LIP_RINGS[3].tolist()), *(set(ring.tolist()) for ring in EYE_RINGS)]
    kept = [not any(hole.issuperset(triangle) for hole in holes) for triangle in triangles.tolist()]
    triangles = triangles[kept]
    distance = np.linalg.norm((canonical * (-1, 1, 1))[:, None] - canonical[None], axis=2)
    smoothness = _smoothness(canonical, triangles)
    neutral = canonical + _solve(smoothness, _closing(canonical)) + _solve(smoothness, _waking(canonical))
    return FaceMesh(canonical, neutral, triangles, distance.argmin(1), smoothness)


def smooth_field(target: FloatArray) -> FloatArray:
    """(468, 3) displacement that takes the given values where they are finite and is smooth elsewhere.

    The squared Laplacian is least, on the mesh with its holes cut, so that nothing leaks from one lip or lid to
    the other. Rounded to a hundred-thousandth, which is coarser than what differs between linear algebra libraries.

    Args:
        target: (468, 3), NaN in vertices that are free.
    """
    return _solve(face_mesh().smoothness, target)


def mirror_field(field: FloatArray) -> FloatArray:
    """The (468, 3) displacement of the other side of the face."""
    return np.asarray(field[face_mesh().mirrored] * (-1, 1, 1))


def _solve(smoothness: FloatArray, target: FloatArray) -> FloatArray:
    free = np.isnan(target[:, 0])
    field = np.where(free[:, None], 0.0, target)
    if free.any():
        pull = smoothness[np.ix_(free, ~free)] @ field[~free]
        field[free] = np.linalg.solve(smoothness[np.ix_(free, free)], -pull)
    return np.asarray(field.round(5) + 0.0)


def _smoothness(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """Squared Laplacian with weights that fall with the length of an edge."""
    weights = np.zeros((len(vertices), len(vertices)))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        i, j = triangles[:, a], triangles[:, b]
        length = np.linalg.norm(vertices[i] - vertices[j], axis=1)
        weights[i, j] = weights[j, i] = 1 / length
    degree = weights.sum(1)
    laplacian = np.eye(len(vertices)) - weights / degree[:, None]
    return np.asarray(laplacian.T @ laplacian)


def _closing(canonical: FloatArray) -> FloatArray:
    """Moves of the lip rings that close the canonical face's mouth, which is open by half a centimetre."""
    target = np.full_like(canonical, np.nan)
    target[FACE_OVAL] = 0
    target[canonical[:, 1] < 2.2] = 0
    target[canonical[:, 1] > 6.3] = 0
    target[np.abs(canonical[:, 0]) > 3.2] = 0
    for share, ring in zip((0.35, 0.6, 0.85, 1.0), LIP_RINGS, strict=True):
        for column in range(1, 10):
            upper, lower = LIP_RINGS[3, column], LIP_RINGS[3, -column]
            gap = canonical[lower] - canonical[upper]
            target[ring[column]] = share * gap * (0.5, 0.5, 0.5)
            target[ring[-column]] = -share * gap * (0.5, 0.5, 0.5)
        target[ring[[0, 10]]] = 0
    return target


def _waking(canonical: FloatArray) -> FloatArray:
    """Moves of the lids that open the canonical face's eyes to where people's are at rest."""
    target = np.zeros_like(canonical)
    for ring, pairs, side in zip(EYE_RINGS, LID_PAIRS, (-1, 1), strict=True):
        apart = (canonical[:, :2] - (side * 3.16, -2.62)) / (2.0, 1.15)
        target[(apart**2).sum(1) < 1] = np.nan
        target[ring] = 0
        for (upper, lower), share in zip(pairs, (0.4, 0.75, 0.95, 1.0, 1.0, 0.85, 0.55), strict=True):
            target[upper] = (0, -0.13 * share, 0)
            target[lower] = (0, 0.04 * share, 0)
    target[BROWS[:, :, 1]] = 0
    return target
