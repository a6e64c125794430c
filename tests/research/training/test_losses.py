from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpe_research.training.losses import (
    code_loss,
    discriminator_loss,
    expression_loss,
    feature_distance,
    generator_loss,
    gradient_penalty,
    pose_loss,
    reconstruction_loss,
    shrunk,
    unstillness,
)

# Of half precision, so that the mean of a difference is never too small for a double.
NUMBERS = st.lists(st.floats(-3, 3, width=16), min_size=6, max_size=6)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_reconstruction_is_the_mean_absolute_difference() -> None:
    result = tensor(0.0, 1.0, -1.0, 0.5).view(1, 1, 2, 2)
    reference = tensor(0.5, 1.0, 1.0, 0.0).view(1, 1, 2, 2)
    assert reconstruction_loss(result, reference).item() == pytest.approx((0.5 + 0 + 2 + 0.5) / 4)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_picture_distances_are_symmetric_and_zero_only_between_equals(one: list[float], other: list[float]) -> None:
    a, b = tensor(*one), tensor(*other)
    assert reconstruction_loss(a, b) == reconstruction_loss(b, a)
    assert reconstruction_loss(a, a) == 0
    assert (feature_distance([a, b], [b, a]).item() == 0) == (one == other)


def test_feature_distance_sums_the_means_of_all_maps() -> None:
    result = [torch.zeros(2, 3, 4, 4), torch.ones(2, 5, 2, 2)]
    reference = [torch.full((2, 3, 4, 4), 0.25), torch.full((2, 5, 2, 2), -1.0)]
    assert feature_distance(result, reference).item() == pytest.approx(0.25 + 2.0)


def test_shrunk_pictures_hold_means_of_squares() -> None:
    picture = torch.arange(16.0).view(1, 1, 4, 4)
    assert shrunk(picture, 1) is picture
    assert shrunk(picture, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_expression_is_compared_coefficient_by_coefficient() -> None:
    one, other = tensor(1.0, -2.0, 0.0, 4.0).view(2, 2), tensor(0.0, -2.0, 2.0, 3.0).view(2, 2)
    assert expression_loss(one, other).item() == pytest.approx((1 + 0 + 2 + 1) / 4)


def test_ten_degrees_or_five_hundredths_of_the_picture_are_one_unit_of_pose() -> None:
    level, centre = torch.zeros(1, 3), torch.full((1, 3), 0.5)
    turned = torch.full((1, 3), 10.0)
    assert pose_loss(turned, centre, level, centre).item() == pytest.approx(0.5)
    assert pose_loss(level, centre + 0.05, level, centre).item() == pytest.approx(0.5, rel=1e-5)
    assert pose_loss(turned, centre - 0.05, level, centre).item() == pytest.approx(1.0, rel=1e-5)


def test_angles_go_round() -> None:
    centre = torch.full((1, 3), 0.5)
    loss = pose_loss(torch.full((1, 3), 179.0), centre, torch.full((1, 3), -179.0), centre)
    assert loss.item() == pytest.approx(0.5 * 2 / 10, rel=1e-5)


def test_the_adversarial_losses_are_the_logistic_ones() -> None:
    real, fake = tensor(2.0, -1.0).view(2, 1), tensor(0.0, 3.0).view(2, 1)

    def softplus(value: float) -> float:
        return math.log1p(math.exp(value))

    assert generator_loss(fake).item() == pytest.approx((softplus(0) + softplus(-3)) / 2)
    expected = (softplus(-2) + softplus(1)) / 2 + (softplus(0) + softplus(3)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(expected)


def test_the_gradient_penalty_is_half_the_squared_gradient_and_can_be_learnt_from() -> None:
    real = torch.ones(3, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    scores = (weight * real).sum(dim=(1, 2, 3)).unsqueeze(1)
    penalty = gradient_penalty(scores, real)
    assert penalty.item() == pytest.approx(4 * 2.0**2 / 2)
    penalty.backward()
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(4 * 2.0)


def test_codes_are_compared_in_as_many_numbers_as_both_have() -> None:
    code = tensor(1.0, 2.0, 9.0, -1.0, 0.0, 9.0).view(2, 3)
    wanted = tensor(0.0, 2.0, -1.0, 2.0).view(2, 2)
    assert code_loss(code, wanted).item() == pytest.approx((1 + 0 + 0 + 4) / 4)
    assert code_loss(wanted, code).item() == pytest.approx((1 + 0 + 0 + 4) / 4)


def test_flows_are_still_where_offsets_are_nothing_and_half_is_warped() -> None:
    coarse, fine = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 8, 8)
    assert unstillness((coarse, fine)).tolist() == [0, 0]
    coarse[0, 1], fine[1, 2] = 2.0, 3.0
    assert unstillness((coarse, fine)).tolist() == pytest.approx([4 / 3 / 2, 9 / 3 / 2])
