"""Which detections are the same person: by place alone, without knowing anybody.

Two detections of neighbouring frames belong together where their boxes overlap and their meshes lie close,
measured in face sizes. Nothing is extrapolated: a predicted position would run ahead of a head that stops,
and into another face.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from dpe_toolkit.face.tracks import Detections, FloatArray

__all__ = ["Tracklet", "associate", "box_overlap", "mesh_distance"]

_NEAR = 0.5
"""Farthest step from one frame to the next, in face sizes."""
_NEAR_GROWTH = 0.12
"""What each frame without a detection adds to it."""
_OPEN_S = Fraction(1, 4)
"""How long a person may be unseen and still be followed frame by frame."""
_STITCH_NEAR, _STITCH_GROWTH, _STITCH_FAR = 0.6, 4.0, 4.0
"""After a longer gap: farthest step at once, what each second adds, and its bound, in face sizes."""
_SIZE_RATIO, _STITCH_SIZE_RATIO = 1.6, 2.0
_CLEAR = 1.5
"""A link after a longer gap must be this many times better than the next best one, else it is a guess."""


@dataclass(slots=True)
class Tracklet:
    """One person: for each row (frame of the span) in which he was seen, which detection is his."""

    rows: list[int] = field(default_factory=list)
    """Ascending."""
    picks: list[int] = field(default_factory=list)
    """Position in the detections of that row."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Face:
    box: FloatArray
    mesh: FloatArray
    """(P, 2), or (1, 2) the centre of the box where the detector gives no landmarks."""
    size: float


def _face(detections: Detections, pick: int) -> _Face:
    box = detections.boxes_px[pick]
    mesh = detections.landmarks_px[pick, :, :2]
    if not len(mesh):
        mesh = ((box[:2] + box[2:]) / 2)[None]
    area = max(1.0, float(box[2] - box[0])) * max(1.0, float(box[3] - box[1]))
    return _Face(box, mesh, math.sqrt(area))


def _distance(one: _Face, other: _Face) -> float:
    apart = np.linalg.norm(one.mesh - other.mesh, axis=1).mean()
    return float(apart) / math.sqrt(one.size * other.size)


def mesh_distance(one: FloatArray, other: FloatArray, size_px: float) -> float:
    """Mean distance of two meshes (P, 2 or 3), seen in the picture plane, in face sizes."""
    return float(np.linalg.norm(one[:, :2] - other[:, :2], axis=1).mean()) / max(size_px, 1.0)


def box_overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two xyxy boxes."""
    shared = _area(np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])]))
    return shared / max(_area(one) + _area(other) - shared, 1e-6)


def _area(box: FloatArray) -> float:
    return float(np.prod(np.clip(box[2:] - box[:2], 0, None)))


def _same_scale(one: _Face, other: _Face, ratio: float = _SIZE_RATIO) -> bool:
    return max(one.size, other.size) <= ratio * min(one.size, other.size)


def associate(detections: Sequence[Detections], rate: Fraction) -> list[Tracklet]:
    """The people in a clip, each as the detections that are his.

    Args:
        detections: T frames' faces, consecutive frames.
        rate: frames a second; it bounds how far a face may move unseen.

    Returns:
        People in the order in which they are first seen.
    """
    open_frames = max(1, math.ceil(_OPEN_S * rate))
    tracklets: list[Tracklet] = []
    live: list[tuple[Tracklet, _Face]] = []
    for row, found in enumerate(detections):
        faces = [_face(found, pick) for pick in range(len(found))]
        live = [(one, last) for one, last in live if row - one.rows[-1] <= open_frames]
        taken = _match(live, faces, row)
        live = [(one, faces[taken[i]] if i in taken else last) for i, (one, last) in enumerate(live)]
        for i, pick in taken.items():
            live[i][0].rows.append(row)
            live[i][0].picks.append(pick)
        for pick in sorted(set(range(len(faces))) - set(taken.values())):
            fresh = Tracklet([row], [pick])
            tracklets.append(fresh)
            live.append((fresh, faces[pick]))
    return _stitch(tracklets, detections, rate)


def _match(live: Sequence[tuple[Tracklet, _Face]], faces: Sequence[_Face], row: int) -> dict[int, int]:
    """Track to face, the closest pair of all first: a face is never pushed to a farther track to serve another."""
    pairs: list[tuple[float, int, int]] = []
    for i, (tracklet, last) in enumerate(live):
        gate = _NEAR + _NEAR_GROWTH * (row - tracklet.rows[-1] - 1)
        for pick, face in enumerate(faces):
            distance = _distance(last, face)
            if distance <= gate and _same_scale(last, face):
                pairs.append((distance + 0.5 * (1 - box_overlap(last.box, face.box)), i, pick))
    taken: dict[int, int] = {}
    for _, i, pick in sorted(pairs):
        if i not in taken and pick not in taken.values():
            taken[i] = pick
    return taken


def _stitch(tracklets: list[Tracklet], detections: Sequence[Detections], rate: Fraction) -> list[Tracklet]:
    """Joins what a longer gap cut, nearest first and only where no other link comes close."""
    chains = list(tracklets)
    while True:
        costs = _link_costs(chains, detections, rate)
        best = _clear_link(costs)
        if best is None:
            return chains
        first, second = best
        chains[first].rows.extend(chains[second].rows)
        chains[first].picks.extend(chains[second].picks)
        del chains[second]


def _link_costs(
    chains: Sequence[Tracklet], detections: Sequence[Detections], rate: Fraction
) -> dict[tuple[int, int], float]:
    costs: dict[tuple[int, int], float] = {}
    ends = [_face(detections[one.rows[-1]], one.picks[-1]) for one in chains]
    starts = [_face(detections[one.rows[0]], one.picks[0]) for one in chains]
    for i, before in enumerate(chains):
        for j, after in enumerate(chains):
            if before.rows[-1] >= after.rows[0]:
                continue
            gap_s = float((after.rows[0] - before.rows[-1]) / rate)
            gate = min(_STITCH_FAR, _STITCH_NEAR + _STITCH_GROWTH * gap_s)
            distance = _distance(ends[i], starts[j])
            if distance <= gate and _same_scale(ends[i], starts[j], _STITCH_SIZE_RATIO):
                costs[i, j] = distance + gap_s
    return costs


def _clear_link(costs: dict[tuple[int, int], float]) -> tuple[int, int] | None:
    for (i, j), cost in sorted(costs.items(), key=lambda entry: entry[1]):
        rivals = [other for (a, b), other in costs.items() if (a == i) != (b == j)]
        if all(other >= _CLEAR * cost and other > cost for other in rivals):
            return i, j
    return None
