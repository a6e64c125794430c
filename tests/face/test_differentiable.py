from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.face.canonical import canonical_mesh
from dpe_toolkit.face.differentiable import angles_deg, fit_head_poses, nearest_rotation
from dpe_toolkit.face.pose import canonical_shapes, fit_pose, head_angles_deg, place_shapes, rotation_matrix
from dpe_toolkit.face.topology import NUM_MESH_VERTICES

angles = st.tuples(*[st.floats(-1.2, 1.2)] * 3)


@pytest.mark.parametrize(
    ("axis", "point", "to"),
    [
        (0, (0, 0, -1), (1, 0)),  # yaw: the nose goes to the picture's right
        (1, (0, 0, -1), (0, -1)),  # pitch: the nose goes up
        (2, (1, 0, 0), (0, 1)),  # roll: what is right goes down, clockwise
    ],
)
def test_positive_angles_turn_right_up_and_clockwise(
    axis: int, point: tuple[int, int, int], to: tuple[int, int]
) -> None:
    for vector in np.eye(3, dtype=np.float32) * 0.3:
        rotation = torch.from_numpy(rotation_matrix(np.stack([vector, -vector])))
        found = angles_deg(rotation)
        for row in range(2):
            if abs(float(found[row, axis])) < 1:
                continue
            moved = (rotation[row] @ torch.tensor(point, dtype=torch.float32))[:2] - torch.tensor(point[:2])
            assert float((moved * torch.tensor(to)).sum()) * float(found[row, axis]) > 0
            assert abs(float(found[row, axis])) == pytest.approx(np.degrees(0.3), abs=1e-3)
        np.testing.assert_allclose(found, head_angles_deg(rotation.double().numpy()), atol=1e-3)


@given(angles, st.floats(2, 60), st.integers(0, 1000))
@settings(deadline=None)
def test_poses_agree_with_those_fitted_in_numpy(vector: tuple[float, float, float], size: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.2, (1, NUM_MESH_VERTICES, 3)).astype(np.float32)
    points = place_shapes(canonical_mesh()[None] + noise, np.array([[np.log(size), *vector, 300, 200, 5]], np.float32))
    expected = fit_pose(points)
    found = fit_head_poses(torch.from_numpy(points))
    np.testing.assert_allclose(found.rotation, rotation_matrix(expected[:, 1:4]), atol=1e-3)
    np.testing.assert_allclose(found.scale.log(), expected[:, 0], atol=1e-3)
    np.testing.assert_allclose(found.translation, expected[:, 4:], atol=0.02 * size)
    shapes = canonical_shapes(points, expected)
    np.testing.assert_allclose(found.canonical_shapes(torch.from_numpy(points)), shapes, atol=0.01)


def test_the_gradient_of_the_nearest_rotation_is_exact() -> None:
    matrices = torch.randn(4, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # One that is nearly planar, and one with all singular values the same.
    matrices[1] = torch.diag(torch.tensor([3.0, 2.0, 1e-3], dtype=torch.float64))
    matrices[2] = torch.eye(3, dtype=torch.float64) * 5
    assert torch.autograd.gradcheck(nearest_rotation, matrices.requires_grad_(), eps=1e-7, atol=1e-5)


def test_no_rotation_at_all_has_a_finite_gradient() -> None:
    matrices = torch.zeros(1, 3, 3, requires_grad=True)
    nearest_rotation(matrices).sum().backward()
    assert matrices.grad is not None
    assert torch.isfinite(matrices.grad).all()
