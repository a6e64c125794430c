from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset.synth import FRONTAL, NEUTRAL, Expression, Pose, render_face, sample_identity
from dpe_toolkit.api.face import FACE_WIDTH_CM, fit_pose, rotation_matrix

NOSE, LEFT_EYE, RIGHT_EYE = 4, 33, 263
poses = st.builds(
    Pose,
    yaw_deg=st.floats(-60, 60),
    pitch_deg=st.floats(-60, 60),
    roll_deg=st.floats(-60, 60),
    x=st.floats(0.2, 0.8),
    y=st.floats(0.2, 0.8),
    size=st.floats(0.2, 0.9),
)


def mesh(pose: Pose, expression: Expression = NEUTRAL) -> np.ndarray:
    return render_face(sample_identity(3), pose, expression, 16).mesh_px / 16


def test_positive_angles_turn_to_the_pictures_right_up_and_clockwise():
    front = mesh(FRONTAL)
    assert mesh(Pose(yaw_deg=20))[NOSE, 0] > front[NOSE, 0] + 0.05
    assert mesh(Pose(pitch_deg=20))[NOSE, 1] < front[NOSE, 1] - 0.05
    rolled = mesh(Pose(roll_deg=20))
    assert rolled[RIGHT_EYE, 1] > rolled[LEFT_EYE, 1] + 0.05


@settings(max_examples=10, deadline=None)
@given(poses, st.integers(0, 1))
def test_pose_leaves_the_canonical_shape_unmoved(pose: Pose, seed: int):
    identity, expression = sample_identity(seed), Expression.of({"jawOpen": 0.5, "mouthSmileLeft": 1.0})
    face = render_face(identity, pose, expression, 16)
    front = render_face(identity, FRONTAL, expression, 16)
    np.testing.assert_array_equal(face.shape, front.shape)
    scale = pose.size * 16 / FACE_WIDTH_CM
    back = (face.mesh_px - (pose.x * 16, pose.y * 16, 0)) @ pose.rotation() / scale
    np.testing.assert_allclose(back, face.shape, atol=2e-4)


@settings(max_examples=10, deadline=None)
@given(poses)
def test_the_pose_of_a_neutral_mesh_is_the_pose_that_was_asked_for(pose: Pose):
    face = render_face(sample_identity(1), pose, NEUTRAL, 16)
    fitted = fit_pose(face.mesh_px[None])
    np.testing.assert_allclose(rotation_matrix(fitted[:, 1:4])[0], pose.rotation(), atol=2e-3)
    np.testing.assert_allclose(fitted[0, 4:6], face.place[:2] * 16, atol=0.02)
    np.testing.assert_allclose(np.exp(fitted[0, 0]) * FACE_WIDTH_CM / 16, face.place[2], rtol=2e-3)
    turn = pose.rotation()
    read = np.degrees([np.arcsin(turn[2, 0]), np.arctan2(-turn[2, 1], turn[2, 2]), np.arctan2(turn[1, 0], turn[0, 0])])
    np.testing.assert_allclose(read, face.pose_deg, atol=1e-3)


@settings(max_examples=25)
@given(poses, st.floats(-20, 20))
def test_turning_the_picture_changes_the_roll_alone(pose: Pose, by_deg: float):
    angle = np.radians(by_deg)
    in_plane = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    rolled = Pose(pose.yaw_deg, pose.pitch_deg, pose.roll_deg + by_deg)
    np.testing.assert_allclose(in_plane @ pose.rotation(), rolled.rotation(), atol=1e-9)
