"""Frames that lend what a warp cannot make: the inside of a mouth that was shut, the lid of an open eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dpe_face_mesh.patches import Patch, openings

__all__ = ["DonorPlan", "closing_share", "lend_cost", "pick_donors", "share_out", "shut_share"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_FLOOR = {True: 0.12, False: 0.05}
"""Gap in canonical units below which a mouth or an eye counts as shut."""
_AJAR = 0.3
"""Gap in canonical units from which the inside of a mouth shows."""
_TEMPERATURE = 0.12
_DONOR_COST = 0.3
_POSE_COST = 1.2
_USABLE = 0.55


@dataclass(frozen=True, slots=True)
class DonorPlan:
    """Which rows of the source lend to one patch of a shot."""

    patch: Patch
    rows: IntArray
    """(K,) source rows, K may be 0."""
    own: FloatArray
    """(T, 2) openings of the source."""
    wanted: FloatArray
    """(T, 2) openings to show."""

    @property
    def needed(self) -> npt.NDArray[np.bool_]:
        """(T,) rows whose own pixels would be stretched."""
        return np.asarray(lend_cost(self.own, self.wanted, self.patch) > _DONOR_COST / 2)


def lend_cost(lender: FloatArray, wanted: FloatArray, patch: Patch) -> FloatArray:
    """How badly pixels of one opening serve for another: the stretch they would need, as log ratios.

    Closing a mouth costs half (lips hide what is behind), closing an eye as much as opening it (a lid
    that was folded away must appear).
    """
    floor = _FLOOR[patch.hard_edge]
    height = np.log((wanted[..., 0] + floor) / (lender[..., 0] + floor))
    width = np.log(wanted[..., 1] / lender[..., 1])
    closing = 1.0 if patch.stretches else 0.5
    return np.asarray(np.where(height > 0, height, -closing * height) + 0.7 * np.abs(width), np.float32)


def closing_share(plan: DonorPlan, rows: IntArray) -> FloatArray:
    """(N,) how far each row's opening is to shut: 0 not at all, 1 altogether."""
    floor = _FLOOR[plan.patch.hard_edge]
    ratio = (plan.wanted[rows, 0] + floor) / (plan.own[rows, 0] + floor)
    return np.asarray(np.clip(1 - ratio, 0, 1), np.float32)


def shut_share(plan: DonorPlan, rows: IntArray) -> FloatArray:
    """(N,) 1 where a mouth that was open is to be shut, 0 where it stays open or was shut already."""
    nearly = np.clip((_AJAR - plan.wanted[rows, 0]) / (0.6 * _AJAR), 0, 1)
    share = nearly * np.clip(2 * closing_share(plan, rows), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def pick_donors(
    patch: Patch,
    own_shapes: FloatArray,
    wanted_shapes: FloatArray,
    turns: FloatArray,
    present: npt.NDArray[np.bool_],
) -> DonorPlan:
    """Up to four source rows that, between them, suit the openings a shot needs and the source lacks.

    Few fixed donors for a whole shot, blended by smooth weights, rather than the best for each frame:
    our choice, since a change of donor between two frames shows as a flicker.

    Args:
        patch: the opening.
        own_shapes: (T, 478, 3) canonical shapes of the source.
        wanted_shapes: (T, 478, 3) canonical shapes to show.
        turns: (T, 3) rotation vectors of the source's head.
        present: (T,) rows whose pixels show the face.
    """
    own, wanted = openings(own_shapes, patch), openings(wanted_shapes, patch)
    plan = DonorPlan(patch, np.zeros(0, np.int64), own, wanted)
    needy = np.flatnonzero(plan.needed)
    candidates = np.flatnonzero(present)
    if len(needy) < 2 or not len(candidates):
        return plan
    chosen: list[int] = []
    order = needy[np.argsort(wanted[needy, 0], kind="stable")]
    for share in (0.05, 0.35, 0.65, 0.95):
        row = int(order[int(share * (len(order) - 1))])
        cost: npt.NDArray[np.floating] = lend_cost(own[candidates], wanted[row], patch)
        cost = cost + _POSE_COST * np.linalg.norm(turns[candidates] - np.median(turns[needy], axis=0), axis=1)
        best = int(cost.argmin())
        if cost[best] < _USABLE and int(candidates[best]) not in chosen:
            chosen.append(int(candidates[best]))
    return DonorPlan(patch, np.array(chosen, np.int64), own, wanted)


def share_out(plan: DonorPlan, rows: IntArray, other: FloatArray | None) -> FloatArray:
    """(N, 1 + K [+ 1]) weights of the frame's own pixels, of each donor and of the driver; rows sum to 1.

    Args:
        plan: the donors of a patch.
        rows: (N,) rows asked for.
        other: (N, 2) openings of the driver, where it may lend as well.
    """
    wanted = plan.wanted[rows]
    costs = [lend_cost(plan.own[rows], wanted, plan.patch)]
    costs += [_DONOR_COST + lend_cost(plan.own[row], wanted, plan.patch) for row in plan.rows]
    if other is not None:
        costs.append(1.5 * _DONOR_COST + lend_cost(other, wanted, plan.patch))
    scaled = -np.stack(costs, axis=1) / _TEMPERATURE
    scaled -= scaled.max(axis=1, keepdims=True)
    weights = np.exp(scaled)
    weights = weights / weights.sum(axis=1, keepdims=True)
    need = np.clip(costs[0] / (_DONOR_COST / 2), 0, 1)[:, None]
    weights[:, 1:] *= need * need * (3 - 2 * need)
    weights[:, 1:][weights[:, 1:] < 0.01] = 0
    # in single precision the others may sum to a hair above 1
    weights[:, 0] = np.maximum(1 - weights[:, 1:].sum(axis=1), 0)
    return np.asarray(weights, np.float32)
