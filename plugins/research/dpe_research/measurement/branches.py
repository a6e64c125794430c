"""Which branch of a network's weights edits the expression: a fact of each training, so it is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from dpe_research.measurement.clips import FaceClips
from dpe_research.measurement.edits import Distances, Edit, measure_edits
from dpe_research.measurement.pairs import FramePairs, held_out_pairs
from dpe_toolkit.api import ExpressionRegressor
from dpe_toolkit.api.networks import Branch, DpeNetwork

__all__ = ["BranchMeasure", "BranchShares", "measure_branches", "measure_pairs"]

_CLEAR = 0.2


@dataclass(frozen=True, slots=True)
class BranchShares:
    """What one branch's edit moves, as shares of what source and driver differ by on average."""

    expression: float
    """Mean change of the expression over the mean difference between source and driver."""
    pose: float
    """The same for the angle of the head."""

    @property
    def leaning(self) -> float:
        """Above 0 where it moves more of the expression than of the pose."""
        return self.expression - self.pose


@dataclass(frozen=True, slots=True)
class BranchMeasure:
    """What both branches move on held-out pairs."""

    pose: BranchShares
    """Of the branch called "pose" in the weights, whatever it does."""
    exp: BranchShares
    """Of the branch called "exp"."""
    num_pairs: int

    @property
    def expression_branch(self) -> Branch:
        """The branch that leans more to the expression."""
        return "pose" if self.pose.leaning >= self.exp.leaning else "exp"

    @property
    def is_clear(self) -> bool:
        """Whether the branches differ enough to tell; early in a training they do not."""
        return abs(self.pose.leaning - self.exp.leaning) >= _CLEAR


def measure_branches(
    network: DpeNetwork,
    dataset: FaceClips,
    regressor: ExpressionRegressor,
    *,
    num_pairs: int = 64,
    seed: int = 0,
) -> BranchMeasure:
    """What each branch moves on pairs of the dataset's test part.

    The expression is read without its pose, so what a branch does to one says nothing of the other.

    Args:
        network: in training or trained.
        dataset: pairs are taken from its test part.
        regressor: reads the faces.
        num_pairs: how many pairs.
        seed: which pairs.

    Raises:
        AnalysisError: no clip of the test part has two frames.
    """
    pairs = held_out_pairs(dataset, network.params.size, num_pairs=num_pairs, seed=seed)
    return measure_pairs(network, pairs, regressor)


def measure_pairs(network: DpeNetwork, pairs: Iterable[FramePairs], regressor: ExpressionRegressor) -> BranchMeasure:
    """As `measure_branches`, on pairs of one's own; they are moved to where the network is."""
    weight = next(network.parameters())

    def edit(source: Tensor, driver: Tensor, kind: Edit) -> Tensor:
        branch: Branch = "pose" if kind == "expression" else "exp"
        made = network(source.to(weight.dtype) * 2.0 - 1.0, driver.to(weight.dtype) * 2.0 - 1.0, branch)
        pictures: Tensor = (made + 1.0) / 2.0
        return pictures.to(source.dtype)

    # What the first branch does stands under "expression" here, what the second does under "pose".
    moves = measure_edits(edit, (batch.to(weight.device) for batch in pairs), regressor, near="between")
    shares = [_shares(moved, moves.apart) for moved in (moves.expression_from_source, moves.pose_from_source)]
    return BranchMeasure(shares[0], shares[1], len(moves.apart.expression))


def _shares(moved: Distances, apart: Distances) -> BranchShares:
    smallest = torch.finfo(torch.float32).tiny
    return BranchShares(
        moved.mean("expression") / max(apart.mean("expression"), smallest),
        moved.mean("pose_deg") / max(apart.mean("pose_deg"), smallest),
    )
