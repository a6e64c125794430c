"""The code space of the mesh components."""

from __future__ import annotations

from dpe_toolkit.api import CodeSpace

__all__ = ["MESH_SPACE"]

MESH_SPACE = CodeSpace("face_mesh/1", expression_size=478 * 3, pose_size=7)
