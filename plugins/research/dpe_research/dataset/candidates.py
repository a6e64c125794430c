"""Which rows of a track make a clip, and the one box that each clip is cut with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.settings import BuildSettings
from dpe_toolkit.api import FaceTrack, FloatArray, Span
from dpe_toolkit.api.footage import slice_track

__all__ = ["Candidate", "Refusal", "face_boxes", "find_candidates"]

_JUMP = 0.3
"""A face that moves by this many times its size in one frame is in another picture."""
_OVERHANG = 0.05
"""Share of a face's size by which it may reach out of the frame."""
_LEAST_MARGIN = 0.05
_LIFT = 0.06
"""The box is moved up by this share of its side: the mesh ends at the forehead, the head does not."""
_OTHER_INSIDE, _OTHER_ROWS = 0.25, 0.02
"""Somebody else is in the clip where a quarter of his face is inside the box in one of fifty frames."""
_WORDS = {
    "cut": "a cut",
    "end": "an end of the footage",
    "long": "the longest length",
    "head-leaves-box": "a large movement of the head",
    "face-lost": "a lost face",
    "too-turned": "a head turned too far",
    "leaves-frame": "a head outside the frame",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clip as far as its track tells."""

    rows: Span
    """Rows of the stretch."""
    track: FaceTrack
    """Of these rows."""
    box_px: tuple[int, int, int, int]
    """xyxy, square, whole pixels, inside the frame."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that become no clip."""

    rows: Span
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    rows: Span
    state: str
    """Why it cannot be used; empty where it can."""
    before: str = ""
    after: str = ""
    """What it lies between."""


def face_boxes(track: FaceTrack) -> FloatArray:
    """(T, 4) xyxy boxes around the mesh, or the detector's where it gives no mesh."""
    if not track.landmarks_px.shape[1]:
        return track.boxes_px
    points = track.landmarks_px[:, :, :2]
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def find_candidates(
    track: FaceTrack,
    pose_deg: FloatArray,
    others: Sequence[FaceTrack],
    frame_px: tuple[int, int],
    settings: BuildSettings,
    *,
    edges: tuple[str, str] = ("end", "end"),
) -> Iterator[Candidate | Refusal]:
    """The clips that one person's track makes, and what is left over, in the order of their rows.

    Args:
        track: the person from his first sighting to his last.
        pose_deg: (T, 3) of it.
        others: everybody else's tracks through the same rows.
        frame_px: (width, height).
        settings: what is asked for. Rows count from the track's first.
        edges: what bounds the track: ``end`` of the footage, ``cut`` or ``face-lost``.
    """
    boxes = face_boxes(track)
    given = (frame_px, settings)
    for part in _parts(_runs(track, boxes, pose_deg, given), boxes, settings, edges):
        if part.state:
            yield Refusal(part.rows, part.state, _measured(part, pose_deg, settings))
        else:
            yield _judge(part, track, boxes, others, given)


def _runs(
    track: FaceTrack, boxes: FloatArray, pose_deg: FloatArray, given: tuple[tuple[int, int], BuildSettings]
) -> list[tuple[str, Span]]:
    """Runs of rows with why they cannot be used, empty where they can; also cut where the face jumps."""
    jumps = set(_jumps(boxes).tolist())
    runs: list[tuple[str, Span]] = []
    row = 0
    for state, group in groupby(_states(track, boxes, pose_deg, given)):
        stop = row + len(list(group))
        edges = [row, *sorted(one for one in jumps if row < one < stop and not state), stop]
        runs += [(state, Span(*edge)) for edge in pairwise(edges)]
        row = stop
    return runs


def _parts(
    runs: Sequence[tuple[str, Span]], boxes: FloatArray, settings: BuildSettings, edges: tuple[str, str]
) -> list[_Part]:
    """Runs of good rows with what bounds them; those of bad ones with their reason."""
    states = [edges[0], *(state or "cut" for state, _ in runs), edges[1]]
    parts: list[_Part] = []
    for number, (state, rows) in enumerate(runs):
        if state:
            parts.append(_Part(rows, state))
        else:
            parts += _split_long(_Part(rows, "", states[number], states[number + 2]), boxes, settings)
    return parts


def _states(
    track: FaceTrack, boxes: FloatArray, pose_deg: FloatArray, given: tuple[tuple[int, int], BuildSettings]
) -> list[str]:
    """For each row why it cannot be used, empty where it can."""
    frame_px, settings = given
    states = np.full(len(track), "", dtype=object)
    turned = (np.abs(pose_deg[:, 0]) > settings.max_yaw_deg) | (np.abs(pose_deg[:, 1]) > settings.max_pitch_deg)
    states[turned] = "too-turned"
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    beyond = np.maximum(-boxes[:, :2], boxes[:, 2:] - np.array(frame_px)).max(axis=1)
    states[beyond > _OVERHANG * sides] = "leaves-frame"
    start = int(track.index[0]) if len(track) else 0
    for first, stop in track.missing_ranges():
        if stop - first > settings.bridge_frames:
            states[first - start : stop - start] = "face-lost"
    return [str(state) for state in states]


def _jumps(boxes: FloatArray) -> npt.NDArray[np.int64]:
    """Rows at which the face is suddenly elsewhere."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    moved = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    return np.flatnonzero(moved > _JUMP * np.maximum(sides[1:], 1)) + 1


def _split_long(part: _Part, boxes: FloatArray, settings: BuildSettings) -> Iterator[_Part]:
    """The part, cut where the head has travelled too far or the clip grows too long."""
    start, before = part.rows.start, part.before
    for row in _travel_cuts(boxes, part.rows, settings.max_travel):
        yield from _split_even(_Part(Span(start, row), "", before, "head-leaves-box"), settings.max_frames)
        start, before = row, "head-leaves-box"
    yield from _split_even(_Part(Span(start, part.rows.stop), "", before, part.after), settings.max_frames)


def _travel_cuts(boxes: FloatArray, rows: Span, most: float) -> Iterator[int]:
    """Rows at which the area covered since the last cut outgrows ``most`` face sizes."""
    low, high, sides = boxes[rows.start, :2], boxes[rows.start, 2:], 0.0
    start = rows.start
    for row in rows:
        low, high = np.minimum(low, boxes[row, :2]), np.maximum(high, boxes[row, 2:])
        sides += float((boxes[row, 2:] - boxes[row, :2]).max())
        if float((high - low).max()) > most * sides / (row - start + 1):
            yield row
            low, high, start = boxes[row, :2], boxes[row, 2:], row
            sides = float((high - low).max())


def _split_even(part: _Part, most: int) -> Iterator[_Part]:
    count = max(1, math.ceil(len(part.rows) / most))
    edges = [part.rows.start + len(part.rows) * i // count for i in range(count + 1)]
    for number, edge in enumerate(pairwise(edges)):
        before = part.before if number == 0 else "long"
        yield _Part(Span(*edge), "", before, part.after if number == count - 1 else "long")


def _measured(part: _Part, pose_deg: FloatArray, settings: BuildSettings) -> str:
    """What was measured in a run of rows that cannot be used."""
    if part.state == "too-turned":
        yaw, pitch = np.abs(pose_deg[part.rows.start : part.rows.stop, :2]).max(axis=0)
        most = f"{settings.max_yaw_deg:g} and {settings.max_pitch_deg:g}"
        return f"yaw up to {yaw:.0f}, pitch up to {pitch:.0f} degrees; at most {most}"
    if part.state == "leaves-frame":
        return "the face reaches out of the picture"
    return f"{len(part.rows)} frames without the face; at most {settings.bridge_frames} are bridged"


def _judge(
    part: _Part,
    track: FaceTrack,
    boxes: FloatArray,
    others: Sequence[FaceTrack],
    given: tuple[tuple[int, int], BuildSettings],
) -> Candidate | Refusal:
    frame_px, settings = given
    rows = part.rows
    if len(rows) < settings.min_frames:
        bounds = {part.before, part.after}
        reason = "cuts-inside" if "cut" in bounds else "too-short"
        reason = "head-leaves-box" if "head-leaves-box" in bounds else reason
        frames = "1 frame" if len(rows) == 1 else f"{len(rows)} frames"
        between = f"between {_WORDS[part.before]} and {_WORDS[part.after]}"
        if part.before == part.after == "end":
            between = "in all"
        return Refusal(rows, reason, f"{frames} {between}; at least {settings.min_frames}")
    own = boxes[rows.start : rows.stop]
    face_px = float(np.median((own[:, 2:] - own[:, :2]).max(axis=1)))
    if face_px < settings.min_face_px:
        return Refusal(rows, "too-small", f"the face is {face_px:.0f} px; at least {settings.min_face_px}")
    box = _fixed_box(own, frame_px, settings.margin)
    if box is None:
        return Refusal(rows, "leaves-frame", "no square inside the picture holds the head through the clip")
    if shared := _rows_with_others(box, others, rows):
        return Refusal(rows, "several-faces", f"somebody else is in the box in {shared} of {len(rows)} frames")
    return Candidate(rows, slice_track(track, rows), box)


def _fixed_box(boxes: FloatArray, frame_px: tuple[int, int], margin: float) -> tuple[int, int, int, int] | None:
    """A square that holds all of the boxes, with the margin as far as the frame has room; None where it has none."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    covered = float((high - low).max())
    side = min(round(covered * (1 + 2 * margin)), *frame_px)
    if covered * (1 + 2 * _LEAST_MARGIN) > side:
        return None
    middle = (low + high) / 2 - np.array([0, _LIFT * side])
    corner = np.round(np.clip(middle - side / 2, 0, np.array(frame_px) - side)).astype(int)
    return int(corner[0]), int(corner[1]), int(corner[0]) + side, int(corner[1]) + side


def _rows_with_others(box: tuple[int, int, int, int], others: Sequence[FaceTrack], rows: Span) -> int:
    """Rows in which another face is in the box; 0 where they are too few to count."""
    seen = np.zeros(len(rows), np.bool_)
    for other in others:
        faces = face_boxes(other)[rows.start : rows.stop]
        shared = np.minimum(faces[:, 2:], box[2:]) - np.maximum(faces[:, :2], box[:2])
        area = np.prod(np.maximum(faces[:, 2:] - faces[:, :2], 1), axis=1)
        inside = np.prod(np.maximum(shared, 0), axis=1) > _OTHER_INSIDE * area
        seen |= inside & other.present[rows.start : rows.stop]
    return int(seen.sum()) if seen.mean() > _OTHER_ROWS else 0
