"""How far edits move expression and pose: leakage, follow and the ratios asked of disentanglement.

Every reading of a result is compared with the reading of the true pictures by the same regressor. Distances:

- pose: angle of the rotation between the heads, degrees;
- shift: distance of the heads' centres, per cent of the picture's width;
- shape: mean distance of the vertices, pose taken out, mesh units (about mm);
- code: root mean square difference of the expression code, regressor units; drawn activities where it is calibrated.

They are those of `dpe_research.measurement.face_distances`, which training is watched by.

Source: our choice. The paper measures disentanglement by AED and APD alone, without true pictures of single edits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.evaluation.reading import take_rows
from dpe_research.measurement import face_distances
from dpe_toolkit.api import FaceReading

__all__ = ["Spread", "distances", "moved", "movement_ratio", "spread_of"]

FloatArray = npt.NDArray[np.float64]

_PER_CENT = 100.0


def moved(result: FaceReading, source: FaceReading, truth: FaceReading) -> dict[str, FloatArray]:
    """What N edits moved, each value (N,) under ``quantity_part``.

    Parts: ``moved``, distance from the source; ``left``, distance to the truth; ``wanted``, distance of truth and
    source; ``along`` and ``way``, the movement along the wanted one and the wanted one's square, whose sums'
    ratio is the follow.
    """
    values: dict[str, FloatArray] = {}
    ways = distances(result, source), distances(result, truth), distances(truth, source)
    for name in ways[0]:
        step, way = _vector(result, source, name), _vector(truth, source, name)
        parts = {
            "moved": ways[0][name],
            "left": ways[1][name],
            "wanted": ways[2][name],
            "along": (step * way).sum(1),
            "way": way.square().sum(1),
        }
        values |= {f"{name}_{part}": _numbers(value) for part, value in parts.items()}
    return values


def distances(first: FaceReading, second: FaceReading) -> dict[str, Tensor]:
    """Quantity to (N,) distances of N faces each; without shape where the regressor has no vertices."""
    apart = face_distances(first, second)
    found = {"pose": apart.pose_deg, "shift": _PER_CENT * apart.shift, "code": apart.expression}
    return found | ({"shape": apart.shape_mm} if first.shape.shape[1] else {})


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean distance between random pictures of the set, by quantity: what a movement is measured against."""

    means: Mapping[str, float]
    num_pairs: int

    def share(self, quantity: str, distance: float) -> float:
        """A distance in spreads."""
        spread = self.means.get(quantity, math.nan)
        return distance / spread if spread > 0 else math.nan


def spread_of(readings: FaceReading, groups: list[str], *, num_pairs: int = 2000, seed: int = 0) -> Spread:
    """The spread of true pictures.

    Pairs are drawn within a group, one person each: between persons shapes differ by build.

    Args:
        readings: of M true pictures, faces that were seen.
        groups: (M,) name of the group of each.
        num_pairs: pairs drawn; fewer where the groups are small.
        seed: of the draw.
    """
    chance = np.random.default_rng(seed)
    names = np.asarray(groups)
    firsts: list[int] = []
    seconds: list[int] = []
    large = [rows for name in dict.fromkeys(groups) if len(rows := np.flatnonzero(names == name)) > 1]
    for rows in large:
        count = min(max(num_pairs // len(large), 1), len(rows) * (len(rows) - 1))
        first = chance.integers(len(rows), size=count)
        second = (first + chance.integers(1, len(rows), size=count)) % len(rows)
        firsts += rows[first].tolist()
        seconds += rows[second].tolist()
    if not firsts:
        return Spread({}, 0)
    one, other = take_rows(readings, firsts), take_rows(readings, seconds)
    return Spread({name: float(apart.mean()) for name, apart in distances(one, other).items()}, len(firsts))


def movement_ratio(meant: float, leaked: float) -> float:
    """Movement of what was meant over movement of what was not, both in spreads; NaN where nothing moved at all."""
    if meant == 0 and leaked == 0:
        return math.nan
    return math.inf if leaked == 0 else meant / leaked


def _vector(first: FaceReading, second: FaceReading, quantity: str) -> Tensor:
    if quantity == "pose":
        return (torch.remainder(first.pose_deg - second.pose_deg + 180, 360) - 180).cpu().double()
    if quantity == "shift":
        return (first.place - second.place)[:, :2].cpu().double()
    if quantity == "shape":
        return (first.shape - second.shape).cpu().double().flatten(1)
    return (first.expression - second.expression).cpu().double()


def _numbers(values: Tensor) -> FloatArray:
    return np.asarray(torch.as_tensor(values).cpu().double().numpy(), np.float64)
