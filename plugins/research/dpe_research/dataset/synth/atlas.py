"""Where on the texture each part of the head lies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "ATLAS_SIZE_PX",
    "CLOTH_PX",
    "EYE_PX",
    "HAIR_PX",
    "MOUTH_PX",
    "SKIN_PX",
    "TEETH_PX",
    "Patch",
    "patch_uv",
    "skin_uv",
]

FloatArray = npt.NDArray[np.float64]
Patch = tuple[int, int, int, int]
"""Left, top, width and height in texture pixels."""

ATLAS_SIZE_PX = (1024, 512)
SKIN_PX: Patch = (0, 0, 768, 512)
HAIR_PX: Patch = (776, 8, 240, 184)
EYE_PX: Patch = (776, 200, 120, 120)
CLOTH_PX: Patch = (904, 200, 112, 120)
TEETH_PX: Patch = (776, 328, 120, 80)
MOUTH_PX: Patch = (904, 328, 112, 80)

_SKIN_AXIS_Z = 3.0
_SKIN_TURN_RAD = 2.1
_SKIN_TOP_CM, _SKIN_HEIGHT_CM = -15.0, 33.0


def skin_uv(points: FloatArray) -> FloatArray:
    """(V, 2) texture pixels of (V, 3) points of the canonical head: its skin unrolled about a vertical axis."""
    left, top, width, height = SKIN_PX
    azimuth = np.arctan2(points[:, 0], _SKIN_AXIS_Z - points[:, 2])
    across = np.clip(0.5 + 0.5 * azimuth / _SKIN_TURN_RAD, 0.005, 0.995)
    down = np.clip((points[:, 1] - _SKIN_TOP_CM) / _SKIN_HEIGHT_CM, 0.005, 0.995)
    return np.stack([left + across * width, top + down * height], axis=1)


def patch_uv(patch: Patch, across: FloatArray, down: FloatArray) -> FloatArray:
    """(V, 2) texture pixels of places in a patch, given in [0, 1]."""
    left, top, width, height = patch
    return np.stack([left + 2 + across * (width - 4), top + 2 + down * (height - 4)], axis=1)
