"""Head pose of a mesh, in degrees, and where the head is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import FloatArray

__all__ = ["NUM_POSE_VERTICES", "head_pose", "rotation_angles_deg"]

NUM_POSE_VERTICES = 390
"""A mesh with fewer vertices is not of the face model whose vertices are named here."""
_FACE_WIDTH = 15.486
"""Of the face model, in its units (about centimetres)."""

# Forehead, temples and bridge of the nose: what expression hardly moves. Facts of the 478-vertex face model: vertex,
# then its place in the model's canonical face, x to the picture's right, y down, z away from the camera.
_MIDDLE = (
    *((10, -8.262, -4.482), (151, -6.545, -5.027), (9, -4.886, -5.385), (8, -4.019, -5.285)),
    *((168, -3.271, -5.236), (6, -2.473, -5.789), (197, -1.728, -6.317), (195, -1.059, -6.775)),
)
_PAIRS = (
    *((127, 356, 7.743, -2.365, 2.005), (109, 338, 1.891, -8.236, -4.275), (67, 297, 3.524, -8.006, -3.729)),
    *((103, 332, 5.133, -7.486, -2.66), (54, 284, 6.279, -6.615, -1.426), (21, 251, 7.088, -5.435, -0.1)),
    (162, 389, 7.556, -4.107, 0.992),
)
_VERTICES = np.array([one[0] for one in _MIDDLE] + [v for pair in _PAIRS for v in pair[:2]])
_MODEL = np.array(
    [(0.0, *one[1:]) for one in _MIDDLE] + [(side * p[2], p[3], p[4]) for p in _PAIRS for side in (-1.0, 1.0)]
)


def head_pose(mesh_px: FloatArray, width_px: float) -> tuple[FloatArray, FloatArray]:
    """Pose and place of T heads, as `dpe_toolkit.editing.measures.FaceReading` has them.

    A similarity is fitted to forehead, temples and bridge of the nose. The place is where the model's origin lies,
    behind the nose; the size is the width that the face would have seen from the front.

    Args:
        mesh_px: (T, V, 3) vertices in picture pixels, of the 478-vertex face model.
        width_px: width of the picture.

    Returns:
        (T, 3) yaw, pitch, roll in degrees and (T, 3) place; zeros where the mesh is of another model.

    Source: S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, 1991.
    """
    if mesh_px.shape[1] < NUM_POSE_VERTICES:
        return np.zeros((len(mesh_px), 3), np.float32), np.zeros((len(mesh_px), 3), np.float32)
    seen = mesh_px[:, _VERTICES].astype(np.float64)
    mean, model_mean = seen.mean(axis=1), _MODEL.mean(axis=0)
    model = _MODEL - model_mean
    u, singular, vt = np.linalg.svd(np.einsum("nvi,vj->nij", seen - mean[:, None], model))
    signs = np.ones_like(singular)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt
    scale = (singular * signs).sum(axis=1) / (model**2).sum()
    origin = mean - scale[:, None] * (rotation @ model_mean)
    place = np.column_stack([origin[:, :2], scale * _FACE_WIDTH]) / width_px
    return rotation_angles_deg(rotation), place.astype(np.float32)


def rotation_angles_deg(rotation: npt.NDArray[np.float64]) -> FloatArray:
    """(N, 3) yaw, pitch, roll in degrees of (N, 3, 3) rotations of a head that faces the camera (-z) at rest.

    The head nods first, then turns, then rolls, so that turning the picture itself changes the roll alone.
    """
    level = np.hypot(rotation[:, 0, 0], rotation[:, 1, 0])
    yaw = np.arctan2(rotation[:, 2, 0], level)
    pitch = np.arctan2(-rotation[:, 2, 1], rotation[:, 2, 2])
    roll = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)), np.float32)
