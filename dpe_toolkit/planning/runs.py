"""Runs: what a timeline shows of one clip without a break, from the parts into which tracks and dissolves cut it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning.intervals import ClipPart, Drive, Piece
from dpe_toolkit.planning.media import KnownMedia
from dpe_toolkit.timeline import Clip

__all__ = ["Line", "Run", "collect_runs", "first_frame", "line_of", "media_map", "record_of"]

_WHOLE = Fraction(1, 50)
"""How far from a frame's edge a cut may lie, in frames, and still be taken to lie on it."""
_HALF = Fraction(1, 2)


def first_frame(moment_s: Fraction, rate: Fraction) -> int:
    """The first output frame that begins at a moment or after it: the first that shows what begins there."""
    return ceil(moment_s * rate - _WHOLE)


def record_of(piece: Piece, rate: Fraction) -> Span:
    """The output frames in which a piece is seen; perhaps none."""
    start = first_frame(piece.start_s, rate)
    return Span(start, max(start, first_frame(piece.stop_s, rate)))


@dataclass(frozen=True, slots=True)
class Line:
    """How a clip's time and its driver's lie under the output: parts of one line are parts of one take."""

    clip: Clip
    zero_s: Fraction
    """Time of the clip at output time zero."""
    speed: Fraction
    backwards: bool
    driver: Clip | None
    driver_zero_s: Fraction
    driver_speed: Fraction


def line_of(piece: Piece, leaf: ClipPart) -> Line:
    """The line on which a part of a clip lies.

    Args:
        piece: where it is seen.
        leaf: the part.
    """
    drive = leaf.drive
    return Line(
        leaf.clip,
        leaf.skip_s - piece.start_s * leaf.speed,
        leaf.speed,
        leaf.backwards,
        None if drive is None else drive.clip,
        Fraction(0) if drive is None else drive.skip_s - piece.start_s * drive.speed,
        Fraction(0) if drive is None else drive.speed,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """Output frames that show one clip on one line, without a break."""

    line: Line
    record: Span
    skip_s: Fraction
    """Time of the clip, from the start of its range, at the first frame."""
    in_handle: bool = False
    """Some of it lies in the handles of a dissolve."""

    @property
    def clip(self) -> Clip:
        """The clip."""
        return self.line.clip

    def drive(self, rate: Fraction) -> Drive | None:
        """The driver's clip at the first frame, where a driver track lies over the run."""
        line = self.line
        if line.driver is None:
            return None
        return Drive(line.driver, line.driver_zero_s + self.record.start / rate * line.driver_speed, line.driver_speed)


def collect_runs(pieces: Iterable[Piece], rate: Fraction) -> list[Run]:
    """The runs of everything that is seen, in output order."""
    parts: dict[Line, list[Run]] = {}
    for piece in pieces:
        record = record_of(piece, rate)
        for leaf in piece.leaves() if len(record) else ():
            line, skip_s = line_of(piece, leaf), _skip_at(piece, leaf, record.start, rate)
            parts.setdefault(line, []).append(Run(line, record, skip_s, _in_handle(piece, leaf)))
    runs = [run for found in parts.values() for run in _joined(sorted(found, key=lambda run: run.record))]
    return sorted(runs, key=lambda run: run.record)


def _skip_at(piece: Piece, leaf: ClipPart, frame: int, rate: Fraction) -> Fraction:
    """Clip time at an output frame; a cut that is only rounded off the frame's edge counts as on it."""
    late = frame - piece.start_s * rate
    return leaf.skip_s if abs(late) <= _WHOLE else leaf.skip_s + late / rate * leaf.speed


def _in_handle(piece: Piece, leaf: ClipPart) -> bool:
    return leaf.home is not None and (piece.start_s < leaf.home[0] or piece.stop_s > leaf.home[1])


def _joined(parts: Sequence[Run]) -> Iterator[Run]:
    held = parts[0]
    for part in parts[1:]:
        if part.record.start <= held.record.stop:
            span = Span(held.record.start, max(held.record.stop, part.record.stop))
            held = replace(held, record=span, in_handle=held.in_handle or part.in_handle)
        else:
            yield held
            held = part
    yield held


def media_map(run: Run, media: KnownMedia, in_s: Fraction, rate: Fraction) -> FrameMap:
    """Which media frames a run shows.

    Args:
        run: the run.
        media: its media.
        in_s: start of the clip's range, from the media's first frame.
        rate: frames a second of the output.
    """
    if media.is_still:
        return FrameMap(start=_HALF, step=Fraction(0))
    step = run.line.speed * media.plan.rate / rate
    start = _near_whole(in_s * media.plan.rate) + run.skip_s * media.plan.rate
    if step == 0:
        frame = ceil(start) - 1 if run.line.backwards else start // 1
        return FrameMap(start=frame + _HALF, step=step)
    return FrameMap(start=_near_whole(start) if abs(step) == 1 else start, step=step)


def _near_whole(position: Fraction) -> Fraction:
    """Numbers in files are rounded; what is within `_WHOLE` of a frame's edge lies on it."""
    return Fraction(round(position)) if abs(position - round(position)) <= _WHOLE else position
