from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_poisson_blend.compositor import PoissonCompositor
from dpe_poisson_blend.membrane import membrane
from dpe_poisson_blend.options import PoissonOptions
from dpe_toolkit.api import FaceBatch, Generated, OptionsError, Placement


def region(height: int, width: int, *, hole: bool) -> np.ndarray:
    """An oval, with a hole of known values where asked."""
    y, x = np.mgrid[:height, :width]
    inside = ((y - height / 2) / (0.42 * height)) ** 2 + ((x - width / 2) / (0.4 * width)) ** 2 < 1
    gap = (y - height * 0.45) ** 2 + (x - width * 0.4) ** 2 < 9
    return np.asarray(inside & ~gap if hole else inside)


def solved(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The exact solution, by a dense matrix."""
    places = np.argwhere(inside)
    number = {(int(y), int(x)): row for row, (y, x) in enumerate(places)}
    matrix, wanted = np.eye(len(places)), np.zeros((len(places), len(values)))
    for row, (y, x) in enumerate(places):
        for place in ((y, x + 1), (y + 1, x), (y, x - 1), (y - 1, x)):
            if place in number:
                matrix[row, number[place]] -= 0.25
            else:
                wanted[row] += 0.25 * values[:, place[0], place[1]]
    result = values.copy()
    result[:, inside] = np.linalg.solve(matrix, wanted).T
    return result


@pytest.mark.parametrize("size", [(41, 53), (40, 48)])
@pytest.mark.parametrize("hole", [True, False])
def test_the_membrane_is_the_exact_solution(size: tuple[int, int], hole: bool) -> None:
    inside = region(*size, hole=hole)
    values = np.random.default_rng(0).normal(size=(3, *size))
    found = membrane(torch.from_numpy(values)[None], torch.from_numpy(inside)[None, None], cycles=12)[0].numpy()
    np.testing.assert_allclose(found, solved(values, inside), atol=1e-3)


@given(st.integers(0, 999), st.integers(12, 60), st.integers(12, 60))
@settings(deadline=None, max_examples=15)
def test_a_membrane_keeps_its_edge_and_never_leaves_its_range(seed: int, height: int, width: int) -> None:
    values = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(seed))
    inside = torch.from_numpy(region(height, width, hole=True))[None, None]
    found = membrane(values, inside, cycles=12)
    assert torch.equal(found[:, :, ~inside[0, 0]], values[:, :, ~inside[0, 0]])
    known = values[:, :, ~inside[0, 0]]
    assert found.min() >= known.min() - 1e-2
    assert found.max() <= known.max() + 1e-2


def test_a_plane_is_its_own_membrane_and_each_cycle_comes_nearer() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(80.0), indexing="ij")
    plane = (0.01 * x - 0.02 * y)[None, None]
    inside = torch.from_numpy(region(64, 80, hole=False))[None, None]
    torn = torch.where(inside, torch.zeros(()), plane)
    errors = [float((membrane(torn, inside, cycles=count) - plane).abs().max()) for count in (1, 3, 6)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 2e-3


def faces_of(pixels: torch.Tensor) -> FaceBatch:
    count, _, height, width = pixels.shape
    to_frame = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    placement = Placement(to_frame, (width, height), np.ones(count, bool))
    angle = torch.linspace(0, 6.28, 40)
    points = torch.stack([width / 2 + width * 0.3 * angle.cos(), height / 2 + height * 0.3 * angle.sin(), 0 * angle], 1)
    return FaceBatch(pixels, placement, points.expand(count, -1, -1), torch.zeros(count, 0), np.arange(count))


@pytest.mark.parametrize("method", ["multigrid", "opencv"])
def test_a_cast_is_taken_off_and_detail_stays(method: str) -> None:
    generator = torch.Generator().manual_seed(3)
    source = torch.rand(2, 3, 64, 64, generator=generator) * 0.2 + 0.4
    cast = torch.tensor([0.12, -0.06, 0.03])[None, :, None, None]
    faces = faces_of(source)
    options = PoissonOptions.model_validate({"method": method})
    shown = PoissonCompositor(options).composite(faces, Generated(source + cast, faces.landmarks_px))
    assert shown.matte[0, 0, 32, 32] == 1
    torch.testing.assert_close(shown.pixels, source, atol=3 / 255 if method == "opencv" else 1e-3, rtol=0)


def test_both_methods_agree_on_a_change_of_light() -> None:
    generator = torch.Generator().manual_seed(5)
    source = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 68, 68, generator=generator), 5, 1)
    light = torch.linspace(0.9, 1.2, 64)[None, None, None, :]
    faces = faces_of(source)
    edited = Generated(source * light + 0.02, faces.landmarks_px)
    first, second = (
        PoissonCompositor(PoissonOptions.model_validate({"method": method, "cycles": 20})).composite(faces, edited)
        for method in ("multigrid", "opencv")
    )
    assert torch.equal(first.matte, second.matte)
    assert (first.pixels - second.pixels).abs().mean() < 1 / 255


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "fast"}, r"poisson.method = 'fast' is not accepted"),
        ({"cycles": 0}, r"poisson.cycles = 0 is not accepted"),
        ({"reach": 9}, r"poisson.reach = 9 is not accepted"),
    ],
)
def test_options_out_of_bounds_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        PoissonOptions.parse(values, owner="poisson")
