"""From the people of a clip to the one that a shot means."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from dpe_toolkit.analysis.association import Tracklet
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.face.tracks import Detections, FloatArray

__all__ = ["SeenFace", "choose_face", "describe_person", "face_boxes", "left_to_right"]


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One person in a clip."""

    choice: FaceChoice
    """By ``track``: means this person again, whatever else changes."""
    num_frames: int
    """In how many frames of the focus he is seen."""
    box_px: FloatArray
    """(4,) xyxy of his face in the frame that ``choice`` names."""


def describe_person(
    one: Tracklet, detections: Sequence[Detections], focus: Span, *, picture_px: tuple[int, int], first_frame: int
) -> SeenFace:
    """A person, by the frame of the focus in which his face is largest."""
    inside = [place for place, row in enumerate(one.rows) if row in focus]
    boxes = face_boxes(one, detections, focus)
    best = int(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).argmax())
    x, y = (float(value) for value in (boxes[best, :2] + boxes[best, 2:]) / 2 / np.array(picture_px))
    choice = FaceChoice(
        by="track",
        frame=first_frame + one.rows[inside[best]],
        x=round(min(max(x, 0.0), 1.0), 3),
        y=round(min(max(y, 0.0), 1.0), 3),
    )
    return SeenFace(choice, len(inside), boxes[best])


def choose_face(
    people: Sequence[Tracklet],
    detections: Sequence[Detections],
    choice: FaceChoice,
    focus: Span,
    *,
    picture_px: tuple[int, int] = (1, 1),
    first_frame: int = 0,
) -> Tracklet | None:
    """The person that ``choice`` means; None where there is nobody of that description.

    ``largest`` is who covers most picture over the rows of ``focus``: large and seen for long. ``left``,
    ``right`` and ``index`` go by the first of these rows in which all are seen, else by the place where
    each is most of the time. ``smallest``, ``size`` and ``position`` go by the median over these rows,
    ``track`` by the frame that it names, or where nobody is seen in it, the nearest frame. People who are not
    seen in ``focus`` do not count.

    Args:
        people: who is seen.
        detections: of each row.
        choice: who is meant.
        focus: rows in which he is chosen.
        picture_px: (width, height), of which shares are taken.
        first_frame: media frame of row 0.
    """
    seen = [one for one in people if any(row in focus for row in one.rows)]
    if not seen:
        return None
    if choice.by == "largest":
        return max(seen, key=lambda one: _covered(one, detections, focus))
    if choice.by in ("left", "right", "index"):
        ordered = left_to_right(seen, detections, focus)
        if choice.by == "index":
            return ordered[choice.index] if choice.index < len(ordered) else None
        return ordered[0 if choice.by == "left" else -1]
    if choice.by == "track":
        return min(seen, key=lambda one: _from_track(one, detections, choice, picture_px, choice.frame - first_frame))
    if choice.by == "position":
        return min(seen, key=lambda one: _from_place(_median(one, detections, focus), choice, picture_px))
    wanted_px = choice.size * picture_px[1] if choice.by == "size" else 0.0
    return min(seen, key=lambda one: abs(_height(_median(one, detections, focus)) - wanted_px))


def face_boxes(one: Tracklet, detections: Sequence[Detections], rows: Container[int]) -> FloatArray:
    """(K, 4) the person's boxes in those of ``rows`` in which he was seen."""
    picked = [detections[row].boxes_px[pick] for row, pick in zip(one.rows, one.picks, strict=True) if row in rows]
    return np.stack(picked).astype(np.float32)


def left_to_right(people: Sequence[Tracklet], detections: Sequence[Detections], focus: Span) -> list[Tracklet]:
    """The people in the order of their places."""
    together = set(focus).intersection(*(one.rows for one in people))
    rows: Container[int] = {min(together)} if together else focus
    places = [float(np.median(face_boxes(one, detections, rows)[:, ::2].mean(axis=1))) for one in people]
    return [people[i] for i in sorted(range(len(people)), key=places.__getitem__)]


def _covered(one: Tracklet, detections: Sequence[Detections], focus: Span) -> float:
    boxes = face_boxes(one, detections, focus)
    return float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum())


def _median(one: Tracklet, detections: Sequence[Detections], focus: Span) -> FloatArray:
    return np.asarray(np.median(face_boxes(one, detections, focus), axis=0), np.float32)


def _height(box: FloatArray) -> float:
    return float(box[3] - box[1])


def _from_place(box: FloatArray, choice: FaceChoice, picture_px: tuple[int, int]) -> float:
    middle = (box[:2] + box[2:]) / 2
    return float(np.hypot(middle[0] - choice.x * picture_px[0], middle[1] - choice.y * picture_px[1]))


def _from_track(
    one: Tracklet, detections: Sequence[Detections], choice: FaceChoice, picture_px: tuple[int, int], row: int
) -> tuple[int, float]:
    """How far a person is from where the track is said to be: in rows first, then in pixels."""
    nearest = min(range(len(one.rows)), key=lambda place: abs(one.rows[place] - row))
    box = detections[one.rows[nearest]].boxes_px[one.picks[nearest]]
    return abs(one.rows[nearest] - row), _from_place(box, choice, picture_px)
