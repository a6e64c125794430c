"""Pose stabilisation: the head's apparent pose stays the source's while the expression changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from dpe_face_mesh.bundle import Network
from dpe_face_mesh.codes import MESH_SPACE, poses_of, shapes_of
from dpe_face_mesh.detector import mesh_in_image
from dpe_toolkit.api import FaceBatch, MotionCode, ShotMaterial
from dpe_toolkit.api.face import RIGID_VERTICES, fit_pose, rotation_matrix, rotation_vector

__all__ = ["stabilisation_rows", "stabilise_pose"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Draw = Callable[[MotionCode], torch.Tensor]
_SAMPLES = 20
"""Frames of a shot that are drawn and analysed again, at most."""
_ROUNDS = 2
"""Of drawing and correcting."""
_GAIN = 1.4
"""Above 1, since the network reads a rotation drawn by a warp as about two thirds of it."""
_COMPONENTS = 6
"""Principal components of the change of shape that explain a rotation."""
_RIDGE = 1.0
"""Of their coefficients; the constant has a hundredth."""


def stabilisation_rows(material: ShotMaterial) -> IntArray:
    """Rows of the shot on which `stabilise_pose` measures; empty where there is too little to measure."""
    usable = np.flatnonzero(material.source.present & (_amounts(material) > 0.5))
    if len(usable) < 2:
        return np.zeros(0, np.int64)
    return np.asarray(usable[np.unique(np.linspace(0, len(usable) - 1, _SAMPLES).astype(np.int64))], np.int64)


def stabilise_pose(
    material: ShotMaterial, windows: FaceBatch, draw: Draw, network: Network, max_rotation_deg: float
) -> MotionCode:
    """The target codes with heads rotated against the rotation that the edit itself brings about.

    A raised brow or a dropped jaw reads as a tilt of the head, to a face analyser and in small measure to
    people: a few degrees with the head held still. A few frames are drawn and analysed again, the
    rotation against the source is explained by what the expression does (its mean and six principal
    components, ridge regression), and every frame is rotated back by what that predicts.

    Source: our choice; docs/performance.md has the figures.

    Args:
        material: the shot; its ``target`` is the start.
        windows: source windows of `stabilisation_rows`.
        draw: the edited pixels of those windows for given codes.
        network: the mesh network.
        max_rotation_deg: bound of the correction.
    """
    rows = np.asarray(windows.index - material.source.start, np.int64)
    amount = _amounts(material).clip(0, 1)
    features = _features(material, amount)
    before = _rotations(windows.pixels, windows, network)
    rotation = np.zeros((len(amount), 3))
    codes = material.target
    basis = features[rows]
    ridge = np.diag([0.01] + [_RIDGE] * (features.shape[1] - 1))
    for _ in range(_ROUNDS):
        after = _rotations(draw(codes.take(rows)), windows, network)
        apparent = rotation_vector(after @ before.transpose(0, 2, 1))
        rotation += _GAIN * features @ np.linalg.solve(basis.T @ basis + ridge, basis.T @ apparent)
        length = np.linalg.norm(rotation, axis=1, keepdims=True)
        bounded = rotation * np.minimum(1, np.radians(max_rotation_deg) / np.maximum(length, 1e-9)) * amount[:, None]
        codes = _rotated_back(material.target, bounded)
    return codes


def _amounts(material: ShotMaterial) -> FloatArray:
    """(T,) shares of the driver's expression."""
    return np.asarray(material.request.expression.cpu().numpy(), np.float32)


def _features(material: ShotMaterial, amount: FloatArray) -> npt.NDArray[np.float64]:
    """(T, 1 + C) a constant and the principal components of the change of shape, of unit variance."""
    change = (shapes_of(material.target) - shapes_of(material.source.codes)).reshape(len(amount), -1)
    centred = (change - change.mean(axis=0)).astype(np.float64)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    count = min(_COMPONENTS, len(amount) - 1)
    components = vectors[:, ::-1][:, :count] * np.sqrt(len(amount))
    return np.concatenate([np.ones((len(amount), 1)), components * (values[::-1][:count] > 1e-6)], axis=1)


def _rotations(pixels: torch.Tensor, windows: FaceBatch, network: Network) -> npt.NDArray[np.float64]:
    """(N, 3, 3) rotations of the heads that the network sees in N images placed as the windows."""
    landmarks = windows.landmarks_px.cpu().numpy()
    meshes = [mesh_in_image(p, points, network) for p, points in zip(pixels, landmarks, strict=True)]
    return rotation_matrix(fit_pose(np.stack(meshes))[:, 1:4]).astype(np.float64)


def _rotated_back(codes: MotionCode, rotation: npt.NDArray[np.float64]) -> MotionCode:
    """The codes with heads rotated by the inverse of (T, 3) rotation vectors about their rigid vertices."""
    pose = poses_of(codes)
    centre = shapes_of(codes)[:, RIGID_VERTICES].mean(axis=1)
    before = rotation_matrix(pose[:, 1:4])
    after = rotation_matrix((-rotation).astype(np.float32)) @ before
    shift = np.einsum("nij,nj->ni", before - after, centre) * np.exp(pose[:, :1])
    moved = (np.abs(rotation) > 0).any(axis=1)
    pose[moved, 1:4] = rotation_vector(after[moved].astype(np.float64))
    pose[moved, 4:7] += shift[moved]
    return MotionCode(MESH_SPACE, codes.expression, torch.from_numpy(pose).to(codes.pose.device))
