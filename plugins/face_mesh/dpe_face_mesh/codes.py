"""The codes of the mesh components: their space, and what is stored in them.

``expression`` holds the 478 vertices (x, y, z) in canonical units, about centimetres, before the head is placed;
``pose`` is log scale, rotation vector and translation in frame pixels, as `fit_pose` gives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import CodePart, CodeSpace, MotionCode
from dpe_toolkit.api.face import NUM_MESH_VERTICES, place_shapes

if TYPE_CHECKING:
    import torch

__all__ = ["MESH_SPACE", "mesh_codes", "mesh_points", "poses_of", "shapes_of"]

FloatArray = npt.NDArray[np.float32]

MESH_SPACE = CodeSpace.of_parts(
    "face_mesh/1",
    CodePart("vertices", "expression", (NUM_MESH_VERTICES, 3), "canonical units"),
    CodePart("log_scale", "pose", (1,)),
    CodePart("rotation", "pose", (3,), "radians"),
    CodePart("translation", "pose", (3,), "px"),
)


def shapes_of(codes: MotionCode) -> FloatArray:
    """(N, 478, 3) a copy of the canonical shapes that codes hold, on whatever device."""
    return codes.expression.cpu().numpy().reshape(-1, NUM_MESH_VERTICES, 3).astype(np.float32)


def poses_of(codes: MotionCode) -> FloatArray:
    """(N, 7) a copy of the poses that codes hold, on whatever device."""
    return codes.pose.cpu().numpy().astype(np.float32)


def mesh_points(codes: MotionCode) -> FloatArray:
    """(N, 478, 3) the meshes in frame pixels that codes stand for."""
    return place_shapes(shapes_of(codes), poses_of(codes))


def mesh_codes(shapes: FloatArray, pose: FloatArray, device: torch.device) -> MotionCode:
    """Codes on a device of (N, 478, 3) canonical shapes and their (N, 7) poses."""
    import torch  # here, since whoever lists the plugin's components needs the space alone

    flat = np.ascontiguousarray(shapes.reshape(len(shapes), NUM_MESH_VERTICES * 3), np.float32)
    rows = np.ascontiguousarray(pose, np.float32)
    return MotionCode(MESH_SPACE, torch.from_numpy(flat).to(device), torch.from_numpy(rows).to(device))
