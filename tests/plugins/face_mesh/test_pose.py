from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.pose import POSE_SIZE, fit_pose, place, rotation_matrix, rotation_vector, unplace
from dpe_face_mesh.space import MESH_SPACE
from dpe_face_mesh.topology import NUM_VERTICES, RIGID
from tests.plugins.face_mesh.scenes import rest_shape

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
    shape = rest_shape()[None] + np.random.default_rng(seed).normal(0, 0.3, (1, NUM_VERTICES, 3)).astype(np.float32)
    scale = float(np.exp(pose[0, 0]))
    np.testing.assert_allclose(unplace(place(shape, pose), pose), shape, atol=2e-3 / scale + 1e-4)


@given(poses)
@settings(deadline=None)
def test_the_pose_of_a_placed_canonical_face_is_found(pose: np.ndarray) -> None:
    found = fit_pose(place(rest_shape()[None], pose))
    assert found.shape == (1, POSE_SIZE) == (1, MESH_SPACE.pose_size)
    np.testing.assert_allclose(found[:, 0], pose[:, 0], atol=1e-3)
    np.testing.assert_allclose(rotation_matrix(found[:, 1:4]), rotation_matrix(pose[:, 1:4]), atol=2e-3)
    np.testing.assert_allclose(found[:, 4:], pose[:, 4:], atol=0.02 * np.exp(pose[0, 0]) + 0.05)


@given(poses, st.integers(0, 1000))
@settings(deadline=None)
def test_what_expression_moves_does_not_turn_the_head(pose: np.ndarray, seed: int) -> None:
    shape = rest_shape()[None].copy()
    free = np.setdiff1d(np.arange(NUM_VERTICES), RIGID)
    shape[:, free] += np.random.default_rng(seed).normal(0, 2, (1, len(free), 3)).astype(np.float32)
    np.testing.assert_array_equal(fit_pose(place(shape, pose)), fit_pose(place(rest_shape()[None], pose)))


@given(st.lists(poses, min_size=2, max_size=5))
@settings(deadline=None, max_examples=30)
def test_each_mesh_has_a_pose_of_its_own(several: list[np.ndarray]) -> None:
    together = np.concatenate(several)
    points = place(np.repeat(rest_shape()[None], len(together), axis=0), together)
    apart = np.concatenate([fit_pose(one[None]) for one in points])
    np.testing.assert_allclose(fit_pose(points), apart, atol=1e-4)
