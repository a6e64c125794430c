from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.raster import rasterise
from dpe_toolkit.api.face import canonical_face
from tests.plugins.face_mesh.scenes import mesh

QUAD = torch.tensor([[0, 1, 2], [0, 2, 3]])
coefficients = st.tuples(*[st.floats(-5, 5)] * 3)
centres = st.tuples(st.floats(-10, 70), st.floats(-10, 60))


def rectangle(left: float, top: float, right: float, bottom: float, depth: float = 0.0) -> torch.Tensor:
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return torch.tensor([[(x, y, depth) for x, y in corners]])


@given(st.floats(0.5, 4), centres, st.floats(-0.6, 0.6), coefficients)
@settings(deadline=None, max_examples=60)
def test_a_linear_function_is_reproduced_at_every_covered_pixel(
    size: float, centre: tuple[float, float], yaw: float, plane: tuple[float, float, float]
) -> None:
    points = mesh(size, centre, (0, yaw, 0))
    values = points[..., :1] * plane[0] + points[..., 1:2] * plane[1] + plane[2]
    result = rasterise(points, values, torch.from_numpy(canonical_face().triangles), (64, 48))
    x, y = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(48) + 0.5, indexing="xy")
    wanted = x * plane[0] + y * plane[1] + plane[2]
    covered = result.covered[0, 0]
    torch.testing.assert_close(result.values[0, 0][covered], wanted[covered], atol=0.02, rtol=1e-4)
    assert not result.values[0, 0][~covered].any()


@given(st.floats(-5, 20), st.floats(-5, 20), st.floats(1, 20), st.floats(1, 20))
@settings(deadline=None, max_examples=80)
def test_a_rectangle_covers_the_pixels_whose_centres_it_holds(
    left: float, top: float, width: float, height: float
) -> None:
    points = rectangle(left, top, left + width, top + height)
    covered = rasterise(points, torch.ones(1, 4, 1), QUAD, (24, 16)).covered[0, 0].numpy()
    x, y = np.arange(24) + 0.5, np.arange(16) + 0.5
    for margin, wanted in ((-1e-3, True), (1e-3, False)):
        inside = ((y > top - margin) & (y < top + height + margin))[:, None] & (
            (x > left - margin) & (x < left + width + margin)
        )[None]
        assert covered[inside].all() if wanted else not covered[~inside].any()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearest_of_two_surfaces_is_seen_whatever_their_order(order: list[int]) -> None:
    points = torch.cat([rectangle(0, 0, 12, 8, 5.0), rectangle(4, 2, 20, 20, -1.0)], dim=1)
    values = torch.tensor([1.0] * 4 + [2.0] * 4)[None, :, None]
    triangles = torch.cat([QUAD + 4 * number for number in order])
    seen = rasterise(points, values, triangles, (16, 10)).values[0, 0]
    assert seen[2:, 4:].eq(2).all()
    assert seen[:2, :12].eq(1).all()
    assert seen[:8, :4].eq(1).all()


@pytest.mark.parametrize(
    "points",
    [
        rectangle(30, 30, 40, 40),
        rectangle(-9, -9, -1, -1),
        rectangle(3, 3, 3, 9),
        rectangle(0.6, 0.6, 1.4, 1.4),
        rectangle(1e5, 1e5, 1e5 + 3, 1e5 + 3),
    ],
    ids=["beyond", "before", "without area", "between centres", "far away"],
)
def test_what_covers_no_pixel_leaves_an_empty_grid(points: torch.Tensor) -> None:
    result = rasterise(points, torch.ones(1, 4, 2), QUAD, (16, 10))
    assert result.values.shape == (1, 2, 10, 16)
    assert result.covered.shape == (1, 1, 10, 16)
    assert not result.values.any()
    assert not result.covered.any()


def test_no_triangles_give_an_empty_grid() -> None:
    result = rasterise(rectangle(0, 0, 9, 9), torch.ones(1, 4, 1), QUAD[:0], (8, 8))
    assert not result.covered.any()


def test_a_mesh_larger_than_the_grid_covers_all_of_it() -> None:
    result = rasterise(rectangle(-50, -50, 90, 90), torch.full((1, 4, 1), 3.0), QUAD, (16, 10))
    assert result.covered.all()
    torch.testing.assert_close(result.values, torch.full((1, 1, 10, 16), 3.0))


@given(st.lists(st.tuples(st.floats(0.5, 3), centres), min_size=2, max_size=4))
@settings(deadline=None, max_examples=20)
def test_a_batch_gives_what_its_members_give_alone(several: list[tuple[float, tuple[float, float]]]) -> None:
    points = torch.cat([mesh(size, centre) for size, centre in several])
    values = points[..., :2] * torch.tensor([2.0, -1.0])
    triangles = torch.from_numpy(canonical_face().triangles)
    together = rasterise(points, values, triangles, (40, 30))
    for row in range(len(several)):
        alone = rasterise(points[row : row + 1], values[row : row + 1], triangles, (40, 30))
        torch.testing.assert_close(together.values[row], alone.values[0], rtol=0, atol=0)
        assert together.covered[row].equal(alone.covered[0])
