"""Readings that confuse a turn with an expression, and what was drawn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpe_research.evaluation import calibrate
from dpe_research.evaluation.calibration import CalibratedRegressor, fit_calibration
from dpe_toolkit.editing.measures import FaceReading
from tests.research.evaluation.fakes import FakeRegressor, grid_footage, measures

seeds = st.integers(0, 10**6)


def reading(expression: Tensor, pose_deg: Tensor) -> FaceReading:
    count = len(expression)
    return FaceReading(
        expression=expression,
        pose_deg=pose_deg,
        place=torch.zeros(count, 3),
        shape=torch.zeros(count, 0, 3),
        points_px=torch.zeros(count, 0, 3),
        blendshapes=torch.zeros(count, 0),
        score=torch.ones(count),
    )


def confused(seed: int, persons: int = 6, each: int = 40) -> tuple[FaceReading, Tensor, list[str]]:
    """Readings of five numbers, of three activities, a turn that looks like them, and each person's own offset."""
    chance = torch.Generator().manual_seed(seed)
    drawn = torch.rand((persons * each, 3), generator=chance)
    turn = torch.rand((persons * each, 3), generator=chance) * 40 - 20
    own = torch.randn((persons, 5), generator=chance).repeat_interleave(each, dim=0)
    mixed = drawn @ torch.randn((3, 5), generator=chance) + 0.1 * turn @ torch.randn((3, 5), generator=chance) + own
    names = [f"person {row // each}" for row in range(persons * each)]
    return reading(mixed.float(), turn.float()), drawn, names


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_a_calibrated_expression_moves_with_what_was_drawn_and_not_with_the_turn(seed: int) -> None:
    seen, drawn, names = confused(seed)
    calibration = fit_calibration(seen, drawn, names)
    assert calibration is not None
    assert calibration.explained > 0.8
    assert (calibration.num_persons, calibration.num_pictures) == (6, 240)
    found = calibration.expression(seen)
    steps, wanted = found[1:40] - found[:39], drawn[1:40] - drawn[:39]
    assert (steps - wanted).square().mean() < 0.25 * wanted.square().mean()


def test_expressions_that_nothing_says_are_not_calibrated() -> None:
    seen, drawn, names = confused(1)
    assert fit_calibration(seen, torch.full_like(drawn, 0.5), names) is None
    assert fit_calibration(seen, drawn, [name[:6] for name in names]) is None


def test_activities_that_are_never_drawn_have_no_place_in_the_expression() -> None:
    seen, drawn, names = confused(2)
    calibration = fit_calibration(seen, torch.cat([drawn, torch.zeros(len(drawn), 2)], dim=1), names)
    assert calibration is not None
    assert CalibratedRegressor(FakeRegressor(), calibration).expression_size == 3


def test_a_calibrated_regressor_keeps_all_but_the_expression() -> None:
    footage = grid_footage(5)
    plain_measures = measures()
    assert plain_measures.reader is not None
    calibration = calibrate(footage, plain_measures.reader)
    assert calibration is not None
    assert calibration.explained == pytest.approx(1, abs=1e-2)
    pictures = footage.pictures["face0"].float() / 255
    plain, mapped = FakeRegressor().read(pictures), CalibratedRegressor(FakeRegressor(), calibration).read(pictures)
    assert torch.equal(plain.pose_deg, mapped.pose_deg)
    assert torch.equal(plain.shape, mapped.shape)
    drawn = torch.from_numpy(footage.motion("face0").blendshapes)
    torch.testing.assert_close(mapped.expression - mapped.expression[0], drawn - drawn[0], atol=0.02, rtol=0.05)


def test_a_set_with_too_few_persons_is_not_calibrated_by() -> None:
    plain_measures = measures()
    assert plain_measures.reader is not None
    assert calibrate(grid_footage(3), plain_measures.reader) is None
    assert plain_measures.calibration is None
    assert plain_measures.expression_quantity(("pose", "shape", "code")) == "shape"
    assert plain_measures.expression_quantity(("pose", "code")) == "code"


def test_ratios_of_calibrated_judges_are_of_the_code() -> None:
    plain_measures = measures()
    assert plain_measures.reader is not None
    calibration = calibrate(grid_footage(5), plain_measures.reader)
    assert calibration is not None
    assert plain_measures.calibrated(calibration).expression_quantity(("pose", "shape", "code")) == "code"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_calibrated_reading_stays_on_its_device() -> None:
    seen, drawn, names = confused(3)
    calibration = fit_calibration(seen, drawn, names)
    assert calibration is not None
    there = reading(seen.expression.cuda(), seen.pose_deg.cuda())
    torch.testing.assert_close(calibration.expression(there).cpu(), calibration.expression(seen))
    assert calibration.expression(there).is_cuda
