"""Regions of the face whose share of an edit a shot can weigh: their vertices and their blendshapes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dpe_toolkit.face.blendshapes import BLENDSHAPE_NAMES
from dpe_toolkit.face.canonical import canonical_mesh
from dpe_toolkit.face.topology import (
    BROWS,
    EYE_RINGS,
    EYES,
    INNER_LIPS,
    JAW_LINE,
    NUM_FACE_VERTICES,
    OUTER_LIPS,
    RIGID_VERTICES,
)

__all__ = ["REGIONS", "region_blendshapes", "region_weights", "vertex_weights"]

FloatArray = npt.NDArray[np.float32]

REGIONS = ("brows", "eyes", "gaze", "cheeks", "mouth", "jaw")
"""Names of the regions, as timelines and options write them."""

_IRISES = [*EYES[0].iris, *EYES[1].iris]
_SEEDS = {
    "brows": [*BROWS.ravel()],
    "eyes": [*EYE_RINGS.ravel(), 27, 28, 29, 30, 56, 257, 258, 259, 260, 286, 23, 24, 253, 254],
    "gaze": _IRISES,
    "cheeks": [50, 101, 118, 117, 123, 147, 187, 205, 280, 330, 347, 346, 352, 376, 411, 425, 213, 433],
    "mouth": [*INNER_LIPS, *OUTER_LIPS, 164, 18, 92, 322, 106, 335, 57, 287, 186, 410, 98, 327],
    "jaw": [*JAW_LINE[2:15], 199, 175, 171, 396, 200, 208, 428],
}
"""Vertices in the middle of each region."""
_STILL = [*RIGID_VERTICES, 1, 4, 5, 6, 122, 351, 234, 454, 93, 323]
"""Vertices that no region moves."""
_REACH = 0.9
"""Canonical units over which a region fades."""
_BLENDSHAPES = {
    "brows": ("brow",),
    "eyes": ("eyeBlink", "eyeSquint", "eyeWide"),
    "gaze": ("eyeLook",),
    "cheeks": ("cheek", "nose"),
    "mouth": ("mouth",),
    "jaw": ("jaw",),
}
"""What the names of a region's blendshapes begin with."""


def region_blendshapes(region: str) -> tuple[str, ...]:
    """Blendshapes of one of `REGIONS`, in the order of `BLENDSHAPE_NAMES`; each but ``_neutral`` is in one region."""
    return tuple(name for name in BLENDSHAPE_NAMES if name.startswith(_BLENDSHAPES[region]))


@lru_cache(maxsize=1)
def region_weights() -> FloatArray:
    """(6, 478) soft membership of each vertex in `REGIONS`; what is missing to 1 stays still.

    Source: our choice: normalised Gaussians of the distance to each region's seeds in the canonical face.
    """
    vertices = canonical_mesh()
    affinities = []
    for seeds in [*(_SEEDS[name] for name in REGIONS), _STILL]:
        distance = np.linalg.norm(vertices[:, None] - vertices[None, seeds], axis=2).min(axis=1)
        affinities.append(np.exp(-((distance / _REACH) ** 2) / 2) + 1e-6)
    weights = np.stack(affinities)
    # irises follow the gaze and nothing else does, near as they are to the lids
    gaze = REGIONS.index("gaze")
    weights[:, _IRISES] = 0
    weights[gaze, :NUM_FACE_VERTICES] = 0
    weights[gaze, NUM_FACE_VERTICES:] = 1
    return np.asarray((weights / weights.sum(axis=0))[: len(REGIONS)], np.float32)


def vertex_weights(regions: Mapping[str, float], changing: Mapping[str, FloatArray] | None = None) -> FloatArray:
    """(1 or N, 478) share of the edit that each vertex takes; a region that is not named takes all.

    Args:
        regions: weight by name.
        changing: (N,) weights of regions that change from row to row; they take precedence over ``regions``.
    """
    chosen = [(changing or {}).get(name, np.full(1, regions.get(name, 1.0), np.float32)) for name in REGIONS]
    return np.asarray(np.stack(np.broadcast_arrays(*chosen), axis=1).astype(np.float32) @ region_weights(), np.float32)
