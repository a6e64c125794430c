"""Rendered faces of which pose, expression and mesh are known exactly.

Nothing in the wild shows one person in one pose with two expressions, frame by frame. This set does: a
parametric textured head is rendered for each identity at every combination of poses and expressions. It claims
no realism; it claims that its truth is exact.
"""

from dpe_research.dataset.synth.expression import ACTED_NAMES, NEUTRAL, Expression
from dpe_research.dataset.synth.identity import Backdrop, Identity, Light, sample_identity
from dpe_research.dataset.synth.pose import FRONTAL, Pose
from dpe_research.dataset.synth.rendering import SyntheticFace, render_face
from dpe_research.dataset.synth.sampling import sample_expressions, sample_poses

__all__ = [
    "ACTED_NAMES",
    "FRONTAL",
    "NEUTRAL",
    "Backdrop",
    "Expression",
    "Identity",
    "Light",
    "Pose",
    "SyntheticFace",
    "render_face",
    "sample_expressions",
    "sample_identity",
    "sample_poses",
]
