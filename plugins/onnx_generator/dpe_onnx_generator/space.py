"""The codes of the plugin: blendshapes, which mean the same to every network."""

from __future__ import annotations

from dpe_toolkit.api import CodeSpace
from dpe_toolkit.api.face import BLENDSHAPE_NAMES

__all__ = ["NUM_ACTIVITIES", "SPACE"]

NUM_ACTIVITIES = len(BLENDSHAPE_NAMES)
"""Blendshapes that the toolkit's default detector gives."""

SPACE = CodeSpace("onnx blendshapes/1", expression_size=NUM_ACTIVITIES, pose_size=2)
"""Expression: blendshapes. Pose: x and y of the middle of the face, in frame pixels."""
