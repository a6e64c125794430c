from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.face.canonical import canonical_face, canonical_mesh
from dpe_toolkit.face.pose import (
    POSE_SIZE,
    canonical_shapes,
    fit_pose,
    fit_similarities,
    head_angles_deg,
    head_pose,
    place_shapes,
    rotation_matrix,
    rotation_vector,
)
from dpe_toolkit.face.topology import NUM_MESH_VERTICES, RIGID_VERTICES

angles = st.tuples(*[st.floats(-1.7, 1.7)] * 3)
poses = st.tuples(
    st.floats(0, 5), *[st.floats(-1.7, 1.7)] * 3, st.floats(-500, 4000), st.floats(-500, 4000), st.floats(-300, 300)
).map(lambda values: np.array([values], np.float32))


@given(angles)
def test_a_rotation_vector_comes_back_from_its_matrix(vector: tuple[float, float, float]) -> None:
    given_vector = np.array([vector], np.float32)
    matrix = rotation_matrix(given_vector)
    np.testing.assert_allclose(matrix[0] @ matrix[0].T, np.eye(3), atol=1e-5)
    assert np.linalg.det(matrix[0]) > 0.999
    np.testing.assert_allclose(rotation_vector(matrix.astype(np.float64)), given_vector, atol=3e-4)


def test_a_quarter_turn_about_z_takes_x_to_y_and_none_is_the_identity() -> None:
    turned = rotation_matrix(np.array([[0, 0, np.pi / 2], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(turned[0] @ [1, 0, 0], [0, 1, 0], atol=1e-6)
    np.testing.assert_array_equal(turned[1], np.eye(3))
    np.testing.assert_array_equal(rotation_vector(np.eye(3)[None]), np.zeros((1, 3)))


@given(poses, st.integers(0, 1000))
@settings(deadline=None)
def test_placing_and_taking_back_are_inverse(pose: np.ndarray, seed: int) -> None:
    moves = np.random.default_rng(seed).normal(0, 0.3, (1, NUM_MESH_VERTICES, 3))
    shape = canonical_mesh()[None] + moves.astype(np.float32)
    scale = float(np.exp(pose[0, 0]))
    np.testing.assert_allclose(canonical_shapes(place_shapes(shape, pose), pose), shape, atol=2e-3 / scale + 1e-4)


@given(poses)
@settings(deadline=None)
def test_the_pose_of_a_placed_canonical_face_is_found(pose: np.ndarray) -> None:
    found = fit_pose(place_shapes(canonical_mesh()[None], pose))
    assert found.shape == (1, POSE_SIZE)
    np.testing.assert_allclose(found[:, 0], pose[:, 0], atol=1e-3)
    np.testing.assert_allclose(rotation_matrix(found[:, 1:4]), rotation_matrix(pose[:, 1:4]), atol=2e-3)
    np.testing.assert_allclose(found[:, 4:], pose[:, 4:], atol=0.02 * np.exp(pose[0, 0]) + 0.05)


@given(poses, st.integers(0, 1000))
@settings(deadline=None)
def test_what_expression_moves_does_not_turn_the_head(pose: np.ndarray, seed: int) -> None:
    shape = canonical_mesh()[None].copy()
    free = np.setdiff1d(np.arange(NUM_MESH_VERTICES), RIGID_VERTICES)
    shape[:, free] += np.random.default_rng(seed).normal(0, 2, (1, len(free), 3)).astype(np.float32)
    np.testing.assert_array_equal(
        fit_pose(place_shapes(shape, pose)), fit_pose(place_shapes(canonical_mesh()[None], pose))
    )


@given(st.lists(poses, min_size=2, max_size=5))
@settings(deadline=None, max_examples=30)
def test_each_mesh_has_a_pose_of_its_own(several: list[np.ndarray]) -> None:
    together = np.concatenate(several)
    points = place_shapes(np.repeat(canonical_mesh()[None], len(together), axis=0), together)
    apart = np.concatenate([fit_pose(one[None]) for one in points])
    np.testing.assert_allclose(fit_pose(points), apart, atol=1e-4)


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
def test_angles_are_those_of_the_fitted_pose(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = random.uniform(-30, 30, 3)
    mesh = placed(turned(*angles)) + random.normal(0, 3, (1, 468, 3)).astype(np.float32)
    pose, _ = head_pose(mesh, 256)
    fitted = head_angles_deg(rotation_matrix(fit_pose(mesh)[:, 1:4]).astype(np.float64))
    assert pose == pytest.approx(fitted, abs=0.01)


def test_another_model_s_mesh_has_no_pose() -> None:
    pose, place = head_pose(np.ones((4, 5, 3), np.float32), 256)
    assert not pose.any()
    assert not place.any()
    assert pose.shape == place.shape == (4, 3)


@given(angles, st.floats(0.1, 50), st.integers(0, 1000))
def test_a_similarity_is_found_again_from_the_points_it_moved(
    vector: tuple[float, float, float], scale: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    model, shift = random.normal(size=(9, 3)), random.normal(0, 100, 3)
    rotation = rotation_matrix(np.array([vector], np.float32))[0].astype(np.float64)
    fit = fit_similarities(model, (scale * model @ rotation.T + shift)[None])
    np.testing.assert_allclose(fit.scale, scale, rtol=1e-5)
    np.testing.assert_allclose(fit.rotation[0], rotation, atol=1e-5)
    np.testing.assert_allclose(fit.translation[0], shift, atol=1e-4 * scale + 1e-6)


def test_a_mirrored_face_is_rotated_and_never_mirrored() -> None:
    model = canonical_face().vertices
    fit = fit_similarities(model, (model * (-1, 1, 1))[None])
    assert np.linalg.det(fit.rotation[0]) > 0.999
    assert fit.scale[0] > 0
