"""Head pose: the similarity that takes the canonical face to a mesh.

`dpe_toolkit.face.differentiable` has the same in torch, with gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dpe_toolkit.face.canonical import FACE_WIDTH_CM, canonical_face
from dpe_toolkit.face.topology import RIGID_VERTICES

__all__ = [
    "POSE_SIZE",
    "Similarities",
    "canonical_shapes",
    "fit_pose",
    "fit_similarities",
    "head_angles_deg",
    "head_pose",
    "place_shapes",
    "rotation_matrix",
    "rotation_vector",
]

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

POSE_SIZE = 7
"""Numbers of a pose: log scale, rotation vector (3, radians), translation (3, pixels)."""


@dataclass(frozen=True, slots=True)
class Similarities:
    """N maps of points: scale times rotation, then translation."""

    scale: DoubleArray
    """(N,) float64."""
    rotation: DoubleArray
    """(N, 3, 3) float64, without mirroring."""
    translation: DoubleArray
    """(N, 3) float64."""


def fit_similarities(model: npt.NDArray[np.floating], points: npt.NDArray[np.floating]) -> Similarities:
    """The similarities that take one model nearest to each of N sets of points, by least squares, in double precision.

    Args:
        model: (V, 3) float32 or float64.
        points: (N, V, 3) float32 or float64.

    Source: K. Arun et al., Least-squares fitting of two 3-D point sets, 1987; S. Umeyama, 1991.
    """
    model, points = model.astype(np.float64), points.astype(np.float64)
    model_mean = model.mean(0)
    model = model - model_mean
    mean = points.mean(1)
    u, singular, vt = np.linalg.svd(np.einsum("nvi,vj->nij", points - mean[:, None], model))
    signs = np.ones_like(singular)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt
    scale = (singular * signs).sum(1) / (model**2).sum()
    return Similarities(scale, rotation, mean - scale[:, None] * (rotation @ model_mean))


def fit_pose(points: npt.NDArray[np.floating]) -> FloatArray:
    """(N, 7) float32 poses, as `POSE_SIZE` lists them, of (N, 468 or 478, 3) meshes in frame pixels.

    The canonical face is fitted on forehead, temples and nose bridge. # DPE differs: the face model's own weights
    lean on mouth corners, cheeks and jaw (two thirds of their sum); with them an opened jaw reads as a turn of the
    head of up to 2 degrees (pitch), with these of 0.3.
    """
    fit = fit_similarities(canonical_face().vertices[RIGID_VERTICES], points[:, RIGID_VERTICES])
    parts = [np.log(fit.scale)[:, None], rotation_vector(fit.rotation), fit.translation]
    return np.concatenate(parts, axis=1).astype(np.float32)


def head_pose(mesh_px: FloatArray, width_px: float) -> tuple[FloatArray, FloatArray]:
    """Angles and place of N heads, with the signs and units of `FaceReading`.

    The place is where the canonical origin lies, behind the nose; the size is the width that the face would have seen
    from the front.

    Args:
        mesh_px: (N, V, 3) vertices in image pixels, of the face mesh.
        width_px: width of the image.

    Returns:
        (N, 3) float32 yaw, pitch, roll in degrees and (N, 3) float32 x, y and size in shares of the width; zeros
        where the mesh has too few vertices to be the face mesh.
    """
    if mesh_px.shape[1] <= RIGID_VERTICES.max():
        return np.zeros((len(mesh_px), 3), np.float32), np.zeros((len(mesh_px), 3), np.float32)
    fit = fit_similarities(canonical_face().vertices[RIGID_VERTICES], mesh_px[:, RIGID_VERTICES])
    place = np.column_stack([fit.translation[:, :2], fit.scale * FACE_WIDTH_CM]) / width_px
    return head_angles_deg(fit.rotation), place.astype(np.float32)


def head_angles_deg(rotation: DoubleArray) -> FloatArray:
    """(N, 3) float32 yaw, pitch and roll in degrees of (N, 3, 3) rotations of a head that looks along -z at rest.

    The head nods first, then turns, then rolls, so that turning the image itself changes the roll alone.
    """
    level = np.hypot(rotation[:, 0, 0], rotation[:, 1, 0])
    yaw = np.arctan2(rotation[:, 2, 0], level)
    pitch = np.arctan2(-rotation[:, 2, 1], rotation[:, 2, 2])
    roll = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)), np.float32)


def place_shapes(shape: FloatArray, pose: FloatArray) -> FloatArray:
    """(N, V, 3) float32 points in frame pixels: canonical shapes placed by (N, 7) poses."""
    scaled = np.exp(pose[:, 0])[:, None, None] * rotation_matrix(pose[:, 1:4])
    return np.asarray(shape @ scaled.transpose(0, 2, 1) + pose[:, None, 4:7], np.float32)


def canonical_shapes(points: FloatArray, pose: FloatArray) -> FloatArray:
    """(N, V, 3) float32 canonical shapes of meshes in frame pixels: the inverse of `place_shapes`."""
    scaled = np.exp(-pose[:, 0])[:, None, None] * rotation_matrix(pose[:, 1:4])
    return np.asarray((points - pose[:, None, 4:7]) @ scaled, np.float32)


def rotation_matrix(vector: FloatArray) -> FloatArray:
    """(N, 3, 3) float32 rotations of (N, 3) rotation vectors in radians (Rodrigues)."""
    angle = np.linalg.norm(vector, axis=1)[:, None, None]
    axis = vector / np.maximum(angle[:, :, 0], 1e-12)
    cross = np.zeros((len(vector), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross), np.float32)


def rotation_vector(matrix: DoubleArray) -> DoubleArray:
    """(N, 3) float64 rotation vectors in radians of (N, 3, 3) rotations by less than half a turn."""
    skew = np.stack([matrix[:, i, j] - matrix[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=1) / 2
    sine = np.linalg.norm(skew, axis=1)
    cosine = (np.trace(matrix, axis1=1, axis2=2) - 1) / 2
    angle = np.arctan2(sine, cosine)
    return np.asarray(skew * (angle / np.maximum(sine, 1e-12))[:, None])
