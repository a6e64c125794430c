"""From a flattened timeline to the takes and shots of a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning.intervals import ClipPart, Piece
from dpe_toolkit.planning.layout import FlatTimeline, MediaRun
from dpe_toolkit.planning.runs import Line, line_of, record_of
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.images import Gap, Image, Show, first_leaf, map_image
from dpe_toolkit.plans.shot import GAP_NAME, ShotPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.timeline import Clip

__all__ = ["PlacedTake", "mark_edges", "place_takes", "plan_shots", "unique_names"]


@dataclass(frozen=True, slots=True)
class PlacedTake:
    """A run and its take."""

    run: MediaRun
    name: str
    take: Take | None
    """None where the run's media cannot be used."""

    @property
    def record(self) -> Span:
        """Output frames."""
        return self.run.run.record


def place_takes(runs: Sequence[MediaRun], places: Mapping[Clip, int], rate: Fraction) -> list[PlacedTake]:
    """The takes of all runs, without their edits.

    Args:
        runs: what the timeline shows.
        places: clip to its position in reading order.
        rate: frames a second of the output.
    """
    names = unique_names(run.run.clip for run in runs)
    counts: dict[str, int] = {}
    placed: list[PlacedTake] = []
    for run in runs:
        clip = run.run.clip
        text = _identity(run, rate)
        counts[text] = counts.get(text, 0) + 1
        take_id = text if counts[text] == 1 else f"{text}-{counts[text]}"
        placed.append(PlacedTake(run, names[clip], _bare_take(run, take_id, names[clip], places[clip], rate)))
    return placed


def _identity(run: MediaRun, rate: Fraction) -> str:
    """What stays the same while a clip keeps its media, range, speed and driver, wherever it lies in the timeline."""
    clip, line, drive = run.run.clip, run.map, run.run.drive(rate)
    parts = [clip.name, clip.media.url, line.start, line.step, run.run.line.speed]
    if drive is not None:
        parts += [drive.clip.media.url, drive.skip_s, drive.speed]
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:8]


def _bare_take(run: MediaRun, take_id: str, name: str, place: int, rate: Fraction) -> Take | None:
    if run.media is None:
        return None
    line, first, num_frames = run.map, run.map.frame(0), len(run.run.record)
    if line.is_plain or line.covers(num_frames).start < 0:
        # What lies before the first frame of the media is refused elsewhere.
        line = FrameMap(start=Fraction(max(0, first)))
    return Take(
        id=take_id,
        name=name,
        source=run.media.plan,
        num_frames=num_frames,
        time=line,
        held_rate=rate if run.map.step == 0 and _moves_on(run) else None,
        clip_index=place,
    )


def _moves_on(run: MediaRun) -> bool:
    """True where a driver may move on while the image stands still: over a freeze frame, or with a still."""
    still, line = run.media is not None and run.media.is_still, run.run.line
    return line.driver_speed != 0 or (still and line.driver is None and line.speed != 0)


def mark_edges(placed: Sequence[PlacedTake], edits: Sequence[EditPlan | None]) -> list[PlacedTake]:
    """The takes with their edits, which are told where their clip runs on without an edit before or behind them."""
    bare = [one for one, edit in zip(placed, edits, strict=True) if edit is None]
    marked: list[PlacedTake] = []
    for one, edit in zip(placed, edits, strict=True):
        if edit is None or one.take is None:
            marked.append(one)
            continue
        before = any(_runs_on(other, one) for other in bare)
        behind = any(_runs_on(one, other) for other in bare)
        if one.take.time.step < 0:
            before, behind = behind, before
        edit = edit.model_copy(update={"starts_inside": before, "ends_inside": behind})
        marked.append(replace(one, take=one.take.model_copy(update={"edit": edit})))
    return marked


def _runs_on(first: PlacedTake, second: PlacedTake) -> bool:
    """The second take goes on where the first one ends, as if there were no cut."""
    if first.take is None or second.take is None or first.take.source.path != second.take.source.path:
        return False
    line, other = first.take.time, second.take.time
    joined = first.record.stop == second.record.start and line.step == other.step
    return joined and line.position(first.take.num_frames) == other.start


def plan_shots(flat: FlatTimeline, placed: Sequence[PlacedTake], rate: Fraction) -> Iterator[ShotPlan]:
    """The shots in output order, holes filled with nothing.

    Args:
        flat: the timeline in frames.
        placed: its takes.
        rate: frames a second of the output.
    """
    position = 0
    previous: ShotPlan | None = None
    for shot in _shots(flat, placed, rate):
        if previous is not None and (longer := _joined(previous, shot)) is not None:
            previous, position = longer, shot.record.stop
            continue
        if previous is not None:
            yield previous
        if shot.record_start > position:
            yield _nothing(Span(position, shot.record_start))
        previous, position = shot, shot.record.stop
    if previous is not None:
        yield previous
    if flat.num_frames > position:
        yield _nothing(Span(position, flat.num_frames))


def _joined(first: ShotPlan, second: ShotPlan) -> ShotPlan | None:
    """Both as one, where they are neighbours that show one take alone."""
    one, other = first.image, second.image
    if not isinstance(one, Show) or not isinstance(other, Show) or one.take is not other.take:
        return None
    if first.record.stop != second.record_start:
        return None
    return first.model_copy(update={"num_frames": first.num_frames + second.num_frames})


def _shots(flat: FlatTimeline, placed: Sequence[PlacedTake], rate: Fraction) -> Iterator[ShotPlan]:
    lines: dict[Line, list[PlacedTake]] = {}
    for one in placed:
        lines.setdefault(one.run.run.line, []).append(one)

    def take_of(piece: Piece, leaf: ClipPart, frame: int) -> PlacedTake:
        known = lines[line_of(piece, leaf)]
        return max((one for one in known if one.record.start <= frame), key=lambda one: one.record.start)

    def shown(piece: Piece, frame: int, leaf: ClipPart) -> Image[Show]:
        found = take_of(piece, leaf, frame)
        return Gap() if found.take is None else Show(take=found.take, start=frame - found.record.start)

    for piece in flat.pieces:
        record = record_of(piece, rate)
        if not len(record):
            continue
        leaf = first_leaf(piece.image)
        name = GAP_NAME if leaf is None else take_of(piece, leaf, record.start).name
        image = map_image(piece.image, partial(shown, piece, record.start), partial(_in_frames, piece, record, rate))
        yield ShotPlan(name=name, record_start=record.start, num_frames=len(record), image=image)


def _in_frames(
    piece: Piece, record: Span, rate: Fraction, start: Fraction, step: Fraction
) -> tuple[Fraction, Fraction]:
    """The shares of a dissolve at the middle of the first frame and from frame to frame."""
    middle_s = (record.start + Fraction(1, 2)) / rate - piece.start_s
    return start + middle_s * step, step / rate


def _nothing(record: Span) -> ShotPlan:
    return ShotPlan(name=GAP_NAME, record_start=record.start, num_frames=len(record), image=Gap())


def unique_names(clips: Iterable[Clip]) -> dict[Clip, str]:
    """A name for each clip: its own, with ``#2`` behind it at the second clip of that name."""
    seen: dict[str, int] = {}
    names: dict[Clip, str] = {}
    for clip in dict.fromkeys(clips):
        name = clip.name or "clip"
        seen[name] = seen.get(name, 0) + 1
        names[clip] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return names
