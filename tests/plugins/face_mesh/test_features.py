from __future__ import annotations

from functools import lru_cache

import pytest
import torch
import torch.nn.functional as F

from dpe_face_mesh import plugin
from dpe_face_mesh.features import MeshFeatures
from dpe_toolkit.api import ComponentContext
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from tests.plugins.face_mesh.test_regressor import portrait

CPU = torch.device("cpu")


@lru_cache(maxsize=1)
def network() -> MeshFeatures:
    return MeshFeatures(CPU)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    with torch.no_grad():
        pairs = zip(network().features(one), network().features(other), strict=True)
        return sum(float((a - b).abs().mean()) for a, b in pairs)


def test_the_registry_makes_the_features() -> None:
    choice = ComponentChoice(kind="features", name="face_mesh", plugin="face_mesh", version="0")
    made = Registry.of({"face_mesh": plugin}).create(choice, ComponentContext(CPU))
    assert isinstance(made, MeshFeatures)
    assert not list(made.parameters())


@pytest.mark.parametrize("side", [32, 64, 256, 320])
def test_maps_are_finest_first_and_of_comparable_size(side: int) -> None:
    image = F.interpolate(portrait(), (side, side), mode="bilinear", antialias=True)
    with torch.no_grad():
        maps = network().features(image)
    assert [tuple(one.shape[1:]) for one in maps] == [
        (16, 128, 128),
        (32, 64, 64),
        (64, 32, 32),
        (128, 16, 16),
        (128, 8, 8),
    ]
    assert all(0.4 < float(one.square().mean().sqrt()) < 2.5 for one in maps)


def test_blur_grows_the_distance() -> None:
    blurred = [F.avg_pool2d(portrait(), 2 * r + 1, 1, r, count_include_pad=False) for r in (1, 2, 4)]
    distances = [distance(portrait(), one) for one in blurred]
    assert distance(portrait(), portrait()) == 0 < distances[0]
    assert distances == sorted(distances)


@pytest.mark.parametrize("side", [64, 256, 300])
def test_gradients_reach_the_pixels_from_every_map(side: int) -> None:
    image = F.interpolate(portrait(), (side, side), mode="bilinear").requires_grad_()
    for one in network().features(image):
        (gradient,) = torch.autograd.grad(one.abs().sum(), image, retain_graph=True)
        assert torch.isfinite(gradient).all()
        assert (gradient.abs().sum(dim=1) > 0).float().mean() > 0.8


def test_a_picture_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pictures has shape \(1, 3, 8, 9\), expected \(N, 3, S, S\)"):
        network().features(torch.zeros(1, 3, 8, 9))
