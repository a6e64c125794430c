"""From the people of a clip to the one track that a shot asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dpe_toolkit.analysis.association import Tracklet, associate, mesh_distance
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.codes import MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceTrack, FloatArray

__all__ = [
    "Gap",
    "build_track",
    "find_gaps",
    "find_people",
    "hold_motion",
    "hold_track",
    "slice_motion",
    "slice_track",
]

MIN_FRAMES = 3
"""A face seen in fewer frames is taken for a false one."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of rows in which the face was not seen."""

    rows: Span
    moved: float
    """Distance between the faces at its two ends, in face sizes; infinite where an end is missing."""


def find_people(detections: Sequence[Detections], rate: Fraction) -> list[Tracklet]:
    """Everybody who is seen in `MIN_FRAMES` frames or more (or in every frame of a shorter clip)."""
    least = min(MIN_FRAMES, len(detections))
    return [one for one in associate(detections, rate) if len(one) >= least]


def build_track(person: Tracklet, detections: Sequence[Detections], span: Span) -> FaceTrack:
    """The person in every frame of ``span``: linear between sightings, held before the first and after the last."""
    rows = np.array(person.rows, np.float64)
    every = np.arange(len(span), dtype=np.float64)
    present = np.zeros(len(span), np.bool_)
    present[person.rows] = True

    def bridged(name: str) -> FloatArray:
        seen = np.stack([getattr(detections[r], name)[p] for r, p in zip(person.rows, person.picks, strict=True)])
        return _interpolate(every, rows, seen.astype(np.float32))

    scores = np.zeros(len(span), np.float32)
    scores[person.rows] = [detections[r].scores[p] for r, p in zip(person.rows, person.picks, strict=True)]
    index = np.arange(span.start, span.stop, dtype=np.int64)
    return FaceTrack(index, bridged("boxes_px"), bridged("landmarks_px"), scores, present, bridged("blendshapes"))


def _interpolate(wanted: npt.NDArray[np.float64], known: npt.NDArray[np.float64], values: FloatArray) -> FloatArray:
    """Rows of ``values`` (K, ...) at fractional positions between ``known`` (K,), held at both ends."""
    high = np.clip(np.searchsorted(known, wanted), 0, len(known) - 1)
    low = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 1)
    width = np.maximum(known[high] - known[low], 1)
    share = np.clip((wanted - known[low]) / width, 0, 1)
    weight = np.where(high == low, 0, share).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values[low] * (1 - weight) + values[high] * weight, np.float32)


def find_gaps(track: FaceTrack) -> list[Gap]:
    """The runs of rows without a sighting, with how far the face moved meanwhile."""
    start = int(track.index[0]) if len(track) else 0
    gaps: list[Gap] = []
    for first, stop in track.missing_ranges():
        rows = Span(first - start, stop - start)
        moved = float("inf")
        if rows.start > 0 and rows.stop < len(track):
            ends = np.array([rows.start - 1, rows.stop])
            boxes = track.boxes_px[ends].reshape(2, 2, 2)
            meshes = track.landmarks_px[ends] if track.landmarks_px.shape[1] else boxes
            width, height = (boxes[:, 1] - boxes[:, 0]).mean(axis=0)
            moved = mesh_distance(meshes[0], meshes[1], float(np.sqrt(max(width * height, 1.0))))
        gaps.append(Gap(rows, moved))
    return gaps


def slice_track(track: FaceTrack, rows: Span) -> FaceTrack:
    """These rows of a track."""
    part = slice(rows.start, rows.stop)
    return FaceTrack(
        track.index[part],
        track.boxes_px[part],
        track.landmarks_px[part],
        track.scores[part],
        track.present[part],
        track.blendshapes[part],
    )


def slice_motion(motion: MotionTrack, rows: Span) -> MotionTrack:
    """These rows of a motion track, with the neutral of the whole."""
    part = slice(rows.start, rows.stop)
    return MotionTrack(
        motion.codes.take(part),
        motion.neutral,
        motion.present[part],
        motion.blendshapes[part],
        motion.start + rows.start,
    )


def hold_track(track: FaceTrack, count: int) -> FaceTrack:
    """The first row of a track, ``count`` times."""
    rows = np.zeros(count, np.int64)
    return FaceTrack(
        track.index[rows],
        track.boxes_px[rows],
        track.landmarks_px[rows],
        track.scores[rows],
        track.present[rows],
        track.blendshapes[rows],
    )


def hold_motion(motion: MotionTrack, count: int) -> MotionTrack:
    """The first row of a motion track, ``count`` times, with the neutral of the whole."""
    rows = np.zeros(count, np.int64)
    return MotionTrack(
        motion.codes.take(rows), motion.neutral, motion.present[rows], motion.blendshapes[rows], motion.start
    )
