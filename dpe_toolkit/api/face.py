"""The face mesh: which vertices are which part, the canonical face, blendshapes, regions and head pose.

The mesh has 478 vertices, as MediaPipe's face model numbers them. Arrays are shared: nobody writes to them.
Importing it loads no torch; `HeadPoses` and `fit_head_poses`, which pass gradients, load it at their first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpe_toolkit.face.blendshapes import BLENDSHAPE_NAMES, BLENDSHAPE_VERTICES
from dpe_toolkit.face.canonical import FACE_WIDTH_CM, CanonicalFace, canonical_face, canonical_mesh
from dpe_toolkit.face.pose import (
    POSE_SIZE,
    Similarities,
    canonical_shapes,
    fit_pose,
    fit_similarities,
    head_angles_deg,
    head_pose,
    place_shapes,
    rotation_matrix,
    rotation_vector,
)
from dpe_toolkit.face.regions import REGIONS, region_blendshapes, region_weights, vertex_weights
from dpe_toolkit.face.topology import (
    BEARD_OUTLINE,
    BROWS,
    EYE_RINGS,
    EYES,
    FACE_OVAL,
    INNER_LIP_PAIRS,
    INNER_LIPS,
    JAW_LINE,
    LID_PAIRS,
    LIP_RINGS,
    LIP_SURROUND,
    MOUSTACHE_OUTLINE,
    MOUTH_CORNERS,
    NOSE_BASE,
    NOSE_BRIDGE,
    NUM_FACE_VERTICES,
    NUM_MESH_VERTICES,
    OUTER_LIPS,
    RIGID_VERTICES,
    Eye,
)

if TYPE_CHECKING:
    from dpe_toolkit.face.differentiable import HeadPoses, fit_head_poses

__all__ = [
    "BEARD_OUTLINE",
    "BLENDSHAPE_NAMES",
    "BLENDSHAPE_VERTICES",
    "BROWS",
    "EYES",
    "EYE_RINGS",
    "FACE_OVAL",
    "FACE_WIDTH_CM",
    "INNER_LIPS",
    "INNER_LIP_PAIRS",
    "JAW_LINE",
    "LID_PAIRS",
    "LIP_RINGS",
    "LIP_SURROUND",
    "MOUSTACHE_OUTLINE",
    "MOUTH_CORNERS",
    "NOSE_BASE",
    "NOSE_BRIDGE",
    "NUM_FACE_VERTICES",
    "NUM_MESH_VERTICES",
    "OUTER_LIPS",
    "POSE_SIZE",
    "REGIONS",
    "RIGID_VERTICES",
    "CanonicalFace",
    "Eye",
    "HeadPoses",
    "Similarities",
    "canonical_face",
    "canonical_mesh",
    "canonical_shapes",
    "fit_head_poses",
    "fit_pose",
    "fit_similarities",
    "head_angles_deg",
    "head_pose",
    "place_shapes",
    "region_blendshapes",
    "region_weights",
    "rotation_matrix",
    "rotation_vector",
    "vertex_weights",
]


def __getattr__(name: str) -> object:
    """Loads what needs torch at its first use."""
    if name in ("HeadPoses", "fit_head_poses"):
        from dpe_toolkit.face import differentiable

        return getattr(differentiable, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
