from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset.synth.raster import cover_pixels, spread_values

SIDE = 12


def scene(seed: int, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    points = random.uniform((-8, -8, -5), (SIDE + 8, SIDE + 8, 5), (3 * count, 3))
    return points, np.arange(3 * count).reshape(-1, 3)


def shares(corners: np.ndarray, x: float, y: float) -> np.ndarray:
    """Barycentric coordinates, one triangle and one pixel at a time."""
    a, b, c = corners[:, :2]
    matrix = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
    return np.linalg.solve(matrix, (x, y, 1))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_nearest_triangle_over_a_pixels_centre_is_seen_there(seed: int):
    points, triangles = scene(seed)
    cover = cover_pixels(points, triangles, SIDE)
    seen = dict(zip(cover.pixels.tolist(), cover.triangles.tolist(), strict=True))
    for pixel in range(SIDE * SIDE):
        x, y = pixel % SIDE + 0.5, pixel // SIDE + 0.5
        weights = [shares(points[triangle], x, y) for triangle in triangles]
        depths = [
            float(w @ points[triangle][:, 2]) if w.min() > 0 else np.inf
            for w, triangle in zip(weights, triangles, strict=True)
        ]
        if any(abs(w.min()) < 1e-7 for w in weights):
            continue
        nearest = int(np.argmin(depths))
        if np.isinf(depths[nearest]):
            assert pixel not in seen
        else:
            assert depths[seen[pixel]] <= depths[nearest] + 2e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_values_are_linear_in_each_triangle(seed: int):
    points, triangles = scene(seed, 4)
    plane = np.array([0.3, -0.2])
    values = np.column_stack([points[:, :2] @ plane + 1, points[:, 0]])
    cover = cover_pixels(points, triangles, SIDE)
    first, second = spread_values(cover, points, triangles, values, SIDE)
    x, y = cover.pixels % SIDE + 0.5, cover.pixels // SIDE + 0.5
    np.testing.assert_allclose(first, plane[0] * x + plane[1] * y + 1, atol=1e-3)
    np.testing.assert_allclose(second, x, atol=1e-3)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_triangles_that_share_edges_leave_no_pixel_and_take_none_twice(seed: int):
    random = np.random.default_rng(seed)
    middle = random.uniform(2, SIDE - 2, 2)
    corners = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE], middle], float)
    points = np.column_stack([corners, np.zeros(5)])
    triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    each = [len(cover_pixels(points, triangles[i : i + 1], SIDE).pixels) for i in range(4)]
    assert sum(each) == SIDE * SIDE
    assert len(cover_pixels(points, triangles, SIDE).pixels) == SIDE * SIDE


def test_triangles_without_area_or_outside_cover_nothing():
    points = np.array([[1, 1, 0], [5, 5, 0], [9, 9, 0], [-9, -9, 0], [-5, -9, 0], [-9, -5, 0]], float)
    assert len(cover_pixels(points, np.array([[0, 1, 2], [3, 4, 5]]), SIDE).pixels) == 0
    assert len(cover_pixels(points, np.zeros((0, 3), np.int64), SIDE).pixels) == 0
