"""What each activity does to the 468 vertices: handles that are moved, and smooth fields between them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.expression import ACTED_NAMES
from dpe_research.dataset.synth.face_mesh import face_mesh, mirror_field, smooth_field
from dpe_research.dataset.synth.lower_face import LOWER_FACE
from dpe_research.dataset.synth.upper_face import UPPER_FACE

__all__ = ["activity_fields"]

FloatArray = npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def activity_fields() -> FloatArray:
    """(A, 468, 3) displacement in centimetres of each of `ACTED_NAMES` at amount 1; 0 for gaze, which turns balls."""
    fields: dict[str, FloatArray] = {}
    for name, build in (LOWER_FACE | UPPER_FACE).items():
        field = smooth_field(build())
        if name.endswith("Left"):
            fields[name] = field
            fields[f"{name.removesuffix('Left')}Right"] = mirror_field(field)
        else:
            fields[name] = field
    still = np.zeros_like(face_mesh().neutral)
    return np.stack([fields.get(name, still) for name in ACTED_NAMES])
