from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.bundle import canonical_face
from dpe_face_mesh.pose import fit_pose, rotation_matrix
from dpe_research.dataset.pose import head_pose, rotation_angles_deg

DEGREES = st.floats(-50, 50)


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3): nods, then turns to the picture's right, then rolls clockwise."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in np.radians([yaw, pitch, roll]))
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    roll_ = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return roll_ @ turn @ nod


def placed(rotation: np.ndarray, *, scale: float = 10, at: tuple[float, float] = (120, 140)) -> np.ndarray:
    face = canonical_face().vertices @ rotation.T * scale
    return (face + np.array([*at, 0.0])).astype(np.float32)[None]


@settings(deadline=None)
@given(yaw=DEGREES, pitch=DEGREES, roll=DEGREES)
def test_the_pose_of_a_placed_face_is_found_again(yaw: float, pitch: float, roll: float) -> None:
    pose, place = head_pose(placed(turned(yaw, pitch, roll)), 256)
    assert np.abs(pose[0] - [yaw, pitch, roll]).max() < 0.05
    width = float(np.ptp(canonical_face().vertices[:, 0])) * 10
    assert np.abs(place[0] - np.array([120, 140, width]) / 256).max() < 1e-3


def test_signs_are_right_up_and_clockwise() -> None:
    ahead = -turned(20, 0, 0)[:, 2]
    up = -turned(0, 20, 0)[:, 2]
    ear = turned(0, 0, 20) @ np.array([1.0, 0, 0])
    assert ahead[0] > 0
    assert up[1] < 0
    assert ear[1] > 0


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_an_expression_and_noise_are_read_as_the_detectors_plugin_reads_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = random.uniform(-30, 30, 3)
    mesh = placed(turned(*angles)) + random.normal(0, 3, (1, 468, 3)).astype(np.float32)
    pose, _ = head_pose(mesh, 256)
    fitted = rotation_angles_deg(rotation_matrix(fit_pose(mesh)[:, 1:4]).astype(np.float64))
    assert pose == pytest.approx(fitted, abs=0.05)


def test_another_model_s_mesh_has_no_pose() -> None:
    pose, place = head_pose(np.ones((4, 5, 3), np.float32), 256)
    assert not pose.any()
    assert not place.any()
    assert pose.shape == place.shape == (4, 3)
