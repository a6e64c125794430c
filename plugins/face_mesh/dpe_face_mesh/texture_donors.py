"""Texture donors: frames that show what a warp cannot make, the inside of a shut mouth or the lid of an open eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dpe_face_mesh.openings import Opening, opening_sizes

__all__ = ["DonorPlan", "closing_share", "donor_cost", "donor_weights", "pick_donors", "shut_share"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_FLOOR = {True: 0.12, False: 0.05}
"""Gap in canonical units below which a mouth or an eye counts as shut."""
_AJAR = 0.3
"""Gap in canonical units from which the inside of a mouth shows."""
_TEMPERATURE = 0.12
"""Cost over which a donor's weight falls by e: wide enough that weights change smoothly from frame to frame."""
_DONOR_COST = 0.3
"""What any donor costs over the frame's own pixels."""
_POSE_COST = 1.2
"""Of a radian of rotation between donor and shot."""
_USABLE = 0.55
"""Cost from which a frame is no donor."""


@dataclass(frozen=True, slots=True)
class DonorPlan:
    """Which rows of the source are donors of one opening of a shot."""

    opening: Opening
    """What they fill."""
    rows: IntArray
    """(K,) source rows, K may be 0."""
    own: FloatArray
    """(T, 2) sizes of the opening in the source, as `opening_sizes` has them."""
    wanted: FloatArray
    """(T, 2) sizes to show."""

    @property
    def needed(self) -> npt.NDArray[np.bool_]:
        """(T,) rows whose own pixels would be stretched."""
        return np.asarray(donor_cost(self.own, self.wanted, self.opening) > _DONOR_COST / 2)


def donor_cost(donor: FloatArray, wanted: FloatArray, opening: Opening) -> FloatArray:
    """How badly pixels of an opening of one size serve for another size: the stretch they would need, as log ratios.

    Closing a mouth costs half (lips hide what is behind), closing an eye as much as opening it (a lid
    that was folded away must appear).
    """
    floor = _FLOOR[opening.hard_edge]
    height = np.log((wanted[..., 0] + floor) / (donor[..., 0] + floor))
    width = np.log(wanted[..., 1] / donor[..., 1])
    closing = 1.0 if opening.stretches else 0.5
    return np.asarray(np.where(height > 0, height, -closing * height) + 0.7 * np.abs(width), np.float32)


def closing_share(plan: DonorPlan, rows: IntArray) -> FloatArray:
    """(N,) how far each row's opening is to shut: 0 not at all, 1 altogether."""
    floor = _FLOOR[plan.opening.hard_edge]
    ratio = (plan.wanted[rows, 0] + floor) / (plan.own[rows, 0] + floor)
    return np.asarray(np.clip(1 - ratio, 0, 1), np.float32)


def shut_share(plan: DonorPlan, rows: IntArray) -> FloatArray:
    """(N,) 1 where a mouth that was open is to be shut, 0 where it stays open or was shut already."""
    nearly = np.clip((_AJAR - plan.wanted[rows, 0]) / (0.6 * _AJAR), 0, 1)
    share = nearly * np.clip(2 * closing_share(plan, rows), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def pick_donors(
    opening: Opening,
    own_shapes: FloatArray,
    wanted_shapes: FloatArray,
    rotations: FloatArray,
    present: npt.NDArray[np.bool_],
) -> DonorPlan:
    """Up to four source rows that, between them, suit the openings a shot needs and the source lacks.

    Few fixed donors for a whole shot, blended by smooth weights, rather than the best for each frame:
    our choice, since a change of donor between two frames shows as a flicker.

    Args:
        opening: what they are to fill.
        own_shapes: (T, 478, 3) canonical shapes of the source.
        wanted_shapes: (T, 478, 3) canonical shapes to show.
        rotations: (T, 3) rotation vectors of the source's head.
        present: (T,) rows whose pixels show the face.
    """
    own, wanted = opening_sizes(own_shapes, opening), opening_sizes(wanted_shapes, opening)
    plan = DonorPlan(opening, np.zeros(0, np.int64), own, wanted)
    needy = np.flatnonzero(plan.needed)
    candidates = np.flatnonzero(present)
    if len(needy) < 2 or not len(candidates):
        return plan
    chosen: list[int] = []
    order = needy[np.argsort(wanted[needy, 0], kind="stable")]
    for share in (0.05, 0.35, 0.65, 0.95):
        row = int(order[int(share * (len(order) - 1))])
        cost: npt.NDArray[np.floating] = donor_cost(own[candidates], wanted[row], opening)
        cost = cost + _POSE_COST * np.linalg.norm(rotations[candidates] - np.median(rotations[needy], axis=0), axis=1)
        best = int(cost.argmin())
        if cost[best] < _USABLE and int(candidates[best]) not in chosen:
            chosen.append(int(candidates[best]))
    return DonorPlan(opening, np.array(chosen, np.int64), own, wanted)


def donor_weights(plan: DonorPlan, rows: IntArray, other: FloatArray | None) -> FloatArray:
    """(N, 1 + K [+ 1]) weights of the frame's own pixels, of each donor and of the driver; rows sum to 1.

    Args:
        plan: the donors of an opening.
        rows: (N,) rows asked for.
        other: (N, 2) sizes of the opening in the driver, where he is a donor as well.
    """
    wanted = plan.wanted[rows]
    costs = [donor_cost(plan.own[rows], wanted, plan.opening)]
    costs += [_DONOR_COST + donor_cost(plan.own[row], wanted, plan.opening) for row in plan.rows]
    if other is not None:
        costs.append(1.5 * _DONOR_COST + donor_cost(other, wanted, plan.opening))
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
