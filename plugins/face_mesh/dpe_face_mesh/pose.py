"""Head pose: the similarity transform that takes the canonical face to a mesh."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dpe_face_mesh.bundle import canonical_face
from dpe_face_mesh.topology import RIGID

__all__ = ["POSE_SIZE", "fit_pose", "place", "rotation_matrix", "rotation_vector", "unplace"]

FloatArray = npt.NDArray[np.float32]
POSE_SIZE = 7
"""log scale, rotation vector (3, radians), translation (3, frame pixels)."""


def fit_pose(points: FloatArray) -> FloatArray:
    """(N, 7) poses of (N, 478, 3) meshes in frame pixels.

    Weighted Procrustes of the canonical face on forehead, temples and nose bridge. # DPE differs: the
    model bundle's own weights lean on mouth corners, cheeks and jaw (two thirds of their sum); with
    them an opened jaw reads as a turn of the head of up to 2 degrees (pitch), with these of 0.3.

    Source: K. Arun et al., Least-squares fitting of two 3-D point sets, 1987; S. Umeyama, 1991.
    """
    model = canonical_face().vertices[RIGID].astype(np.float64)
    model_mean = model.mean(0)
    model = model - model_mean
    seen = points[:, RIGID].astype(np.float64)
    seen_mean = seen.mean(1)
    covariance = np.einsum("nvi,vj->nij", seen - seen_mean[:, None], model)
    u, singular, vt = np.linalg.svd(covariance)
    signs = np.ones_like(singular)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt
    scale = (singular * signs).sum(1) / (model**2).sum()
    translation = seen_mean - scale[:, None] * (rotation @ model_mean)
    return np.concatenate([np.log(scale)[:, None], rotation_vector(rotation), translation], axis=1).astype(np.float32)


def place(shape: FloatArray, pose: FloatArray) -> FloatArray:
    """(N, V, 3) canonical shapes put into frame pixels by (N, 7) poses."""
    scaled = np.exp(pose[:, 0])[:, None, None] * rotation_matrix(pose[:, 1:4])
    return np.asarray(shape @ scaled.transpose(0, 2, 1) + pose[:, None, 4:7], np.float32)


def unplace(points: FloatArray, pose: FloatArray) -> FloatArray:
    """(N, V, 3) canonical shapes of meshes in frame pixels: the inverse of `place`."""
    scaled = np.exp(-pose[:, 0])[:, None, None] * rotation_matrix(pose[:, 1:4])
    return np.asarray((points - pose[:, None, 4:7]) @ scaled, np.float32)


def rotation_matrix(vector: FloatArray) -> FloatArray:
    """(N, 3, 3) rotations of (N, 3) rotation vectors (Rodrigues)."""
    angle = np.linalg.norm(vector, axis=1)[:, None, None]
    axis = vector / np.maximum(angle[:, :, 0], 1e-12)
    cross = np.zeros((len(vector), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross), np.float32)


def rotation_vector(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N, 3) rotation vectors of (N, 3, 3) rotations by less than half a turn."""
    skew = np.stack([matrix[:, i, j] - matrix[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=1) / 2
    sine = np.linalg.norm(skew, axis=1)
    cosine = (np.trace(matrix, axis1=1, axis2=2) - 1) / 2
    angle = np.arctan2(sine, cosine)
    return np.asarray(skew * (angle / np.maximum(sine, 1e-12))[:, None])
