from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dpe_research.measurement import FramePairs, face_distances, held_out_pairs, measure_branches, measure_edits
from dpe_toolkit.editing.measures import FaceReading
from dpe_toolkit.networks import Branch, NetworkParams
from tests.research.measurement.clips import FlatClips
from tests.research.training.loss_networks import MeanReader

ANGLES = st.lists(st.floats(-60, 60), min_size=3, max_size=3)


def perfect(source: Tensor, driver: Tensor, edit: str) -> Tensor:
    """Red and green carry the expression, blue the pose."""
    taken = driver if edit == "expression" else source
    kept = source if edit == "expression" else driver
    return torch.cat((taken[:, :2], kept[:, 2:]), dim=1)


def nothing(source: Tensor, driver: Tensor, edit: str) -> Tensor:
    return source


def pairs() -> list[FramePairs]:
    return list(held_out_pairs(FlatClips(), 16, num_pairs=6, batch=4))


def reading(pose_deg: list[float]) -> FaceReading:
    zeros = torch.zeros(1, 2)
    shape = torch.zeros(1, 0, 3)
    return FaceReading(zeros, torch.tensor([pose_deg]), torch.zeros(1, 3), shape, shape, zeros, torch.ones(1))


def test_a_perfect_edit_reaches_the_driver_in_one_thing_and_stays_at_the_source_in_the_other() -> None:
    moves = measure_edits(perfect, pairs(), MeanReader())
    assert len(moves.apart.pose_deg) == 6
    for reached in (moves.expression_from_driver.expression, moves.pose_from_source.expression):
        torch.testing.assert_close(reached, torch.zeros(6), atol=1e-5, rtol=0)
    for reached in (moves.expression_from_source.pose_deg, moves.pose_from_driver.pose_deg):
        torch.testing.assert_close(reached, torch.zeros(6), atol=1e-3, rtol=0)
    torch.testing.assert_close(moves.expression_from_source.expression, moves.apart.expression)
    torch.testing.assert_close(moves.pose_from_source.pose_deg, moves.apart.pose_deg)


def test_an_edit_that_does_nothing_leaves_everything_where_it_was() -> None:
    moves = measure_edits(nothing, pairs(), MeanReader())
    assert moves.expression_from_source.mean("expression") == 0
    assert moves.expression_from_source.mean("shape_mm") == 0
    torch.testing.assert_close(moves.expression_from_driver.shape_mm, moves.apart.shape_mm)
    torch.testing.assert_close(moves.pose_from_driver.shift, moves.apart.shift)


def test_results_are_looked_for_where_the_edit_should_leave_the_face() -> None:
    data = [batch for batch in pairs() if batch.source_near_px is not None][:1]
    kept, between = MeanReader(), MeanReader()
    measure_edits(nothing, data, kept)
    measure_edits(nothing, data, between, near="between")
    source, driver = data[0].source_near_px, data[0].driver_near_px
    assert source is not None
    assert driver is not None
    for seen, wanted in zip(kept.near, (source, driver, source, driver), strict=True):
        assert seen is not None
        assert torch.equal(seen, wanted)
    assert between.near[2] is not None
    assert torch.equal(between.near[2], (source + driver) / 2)


def test_shape_is_told_in_millimetres() -> None:
    one, other = MeanReader().read(torch.zeros(1, 3, 2, 2)), MeanReader().read(torch.full((1, 3, 2, 2), 0.1))
    assert face_distances(one, other).shape_mm.item() == pytest.approx(10 * 0.1 * math.sqrt(3), rel=1e-5)


@settings(deadline=None)
@given(ANGLES)
def test_a_turn_about_one_axis_is_as_large_as_its_angle_and_equal_heads_are_not_turned(angles: list[float]) -> None:
    assert face_distances(reading(angles), reading(angles)).pose_deg.item() == pytest.approx(0, abs=1e-4)
    for axis, angle in enumerate(angles):
        turned = [0.0, 0.0, 0.0]
        turned[axis] = angle
        found = face_distances(reading(turned), reading([0.0, 0.0, 0.0])).pose_deg.item()
        assert found == pytest.approx(abs(angle), abs=1e-3)


def test_measuring_needs_a_pair() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        measure_edits(nothing, [], MeanReader())


class PaintedNetwork(nn.Module):
    """One branch takes the driver's red and green, the other its blue."""

    def __init__(self, expression_branch: Branch) -> None:
        super().__init__()
        self.params = NetworkParams(size=16, style_dim=4, motion_dim=2)
        self.weight = nn.Parameter(torch.zeros(1))
        self.expression_branch = expression_branch

    def forward(self, source: Tensor, driver: Tensor, branch: Branch) -> Tensor:
        return perfect(source, driver, "expression" if branch == self.expression_branch else "pose")


@pytest.mark.parametrize("branch", ["pose", "exp"])
def test_the_branch_that_moves_the_expression_is_told(branch: Branch) -> None:
    network = PaintedNetwork(branch)
    measure = measure_branches(network, FlatClips(), MeanReader(), num_pairs=6)  # type: ignore[arg-type] # a stand-in
    assert measure.expression_branch == branch
    assert measure.is_clear
    assert getattr(measure, branch).expression == pytest.approx(1, abs=1e-3)
    assert getattr(measure, branch).pose == pytest.approx(0, abs=1e-3)
    assert measure.num_pairs == 6


def test_branches_that_do_the_same_are_not_told_apart() -> None:
    network = PaintedNetwork("pose")
    network.forward = lambda source, driver, branch: driver  # type: ignore[method-assign,assignment] # both do all
    measure = measure_branches(network, FlatClips(), MeanReader(), num_pairs=6)  # type: ignore[arg-type] # a stand-in
    assert not measure.is_clear
