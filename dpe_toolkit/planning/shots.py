"""From a timeline in frames to the shots of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning.intervals import NO_CLIP, Piece
from dpe_toolkit.planning.layout import Laid, Take
from dpe_toolkit.planning.runs import Line, line_of, record_of
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.model import Mix, ShotPlan
from dpe_toolkit.timeline import Clip

__all__ = ["bare_shot", "mark_edges", "plan_shots", "unique_names"]

_GAP = "gap"
Wholes = Mapping[tuple[Line, int], ShotPlan]
"""The shots of all runs, by line and first output frame."""


def bare_shot(take: Take, name: str, rate: Fraction) -> ShotPlan:
    """The shot of a take, without its edit, in an output of ``rate`` frames a second."""
    line, first = take.map, take.map.frame(0)
    plain = take.media is None or line.is_plain or line.covers(len(take.run.record)).start < 0
    return ShotPlan(
        name=name,
        record_start=take.run.record.start,
        num_frames=len(take.run.record),
        source=None if take.media is None else take.media.plan,
        source_start=max(0, first),
        time=None if plain else line,
        held_rate=rate if take.map.step == 0 and _moves_on(take) else None,
    )


def _moves_on(take: Take) -> bool:
    """True where a driver may move on while the picture stands still: over a freeze frame, or with a still."""
    still = take.media is not None and take.media.is_still
    return take.run.line.driver_speed != 0 or (still and take.run.line.driver is None and take.run.line.speed != 0)


def mark_edges(shots: Sequence[ShotPlan], edits: Sequence[EditPlan | None]) -> list[EditPlan | None]:
    """The edits, told where their take runs on without an edit before or behind them."""
    bare = [shot for shot, edit in zip(shots, edits, strict=True) if edit is None]
    marked: list[EditPlan | None] = []
    for shot, edit in zip(shots, edits, strict=True):
        if edit is not None:
            before = any(_runs_on(other, shot) for other in bare)
            behind = any(_runs_on(shot, other) for other in bare)
            if shot.frame_map.step < 0:
                before, behind = behind, before
            edit = edit.model_copy(update={"starts_inside": before, "ends_inside": behind})
        marked.append(edit)
    return marked


def _runs_on(first: ShotPlan, second: ShotPlan) -> bool:
    """The second shot goes on where the first one ends, as if there were no cut."""
    if first.source is None or second.source is None or first.source.path != second.source.path:
        return False
    line, other = first.frame_map, second.frame_map
    joined = first.record.stop == second.record_start and line.step == other.step
    return joined and line.position(first.num_frames) == other.start


def plan_shots(laid: Laid, wholes: Wholes, rate: Fraction) -> Iterator[ShotPlan]:
    """The shots in output order, holes filled with nothing.

    Args:
        laid: the timeline in frames.
        wholes: the shots of its takes.
        rate: frames a second of the output.
    """
    starts: dict[Line, list[int]] = {}
    for line, start in wholes:
        starts.setdefault(line, []).append(start)

    def whole_of(leaf: Piece, record: Span) -> ShotPlan:
        line = line_of(leaf)
        return wholes[line, max(start for start in starts[line] if start <= record.start)]

    position = 0
    previous: ShotPlan | None = None
    for piece in laid.pieces:
        record = record_of(piece, rate)
        if not len(record):
            continue
        shot = _shot(piece, record, whole_of, rate)
        if previous is not None and (longer := _joined(previous, shot)) is not None:
            previous, position = longer, record.stop
            continue
        if previous is not None:
            yield previous
        if record.start > position:
            yield _nothing(Span(position, record.start))
        previous, position = shot, record.stop
    if previous is not None:
        yield previous
    if laid.num_frames > position:
        yield _nothing(Span(position, laid.num_frames))


def _joined(first: ShotPlan, second: ShotPlan) -> ShotPlan | None:
    """Both as one, where they are plain neighbours in one take."""
    if not (first.is_plain and second.is_plain) or first.source is None or first.record.stop != second.record_start:
        return None
    if first.whole is not second.whole:
        return None
    return first.whole.trim(Span(first.record_start, second.record.stop))


def _shot(piece: Piece, record: Span, whole_of: Callable[[Piece, Span], ShotPlan], rate: Fraction) -> ShotPlan:
    def deeper(one: Piece | None) -> ShotPlan | None:
        return None if one is None else _shot(one, record, whole_of, rate)

    inner = deeper(piece.inner)
    if piece.clip is not NO_CLIP:
        shot = whole_of(piece, record).trim(record)
    elif inner is not None and (inner.is_plain or (piece.blend is None and piece.below is None)):
        shot = inner
    elif inner is not None:
        shot = _nothing(record).model_copy(update={"name": inner.name, "inner": inner})
    else:
        shot = _nothing(record)
    met: dict[str, object] = {}
    if piece.blend is not None:
        middle_s = (record.start + Fraction(1, 2)) / rate - piece.start_s
        share = piece.blend.share + middle_s * piece.blend.per_s
        met["mix"] = Mix(to=deeper(piece.blend.to), start=share, step=piece.blend.per_s / rate)
    if piece.below is not None:
        met["below"] = deeper(piece.below)
    return shot.model_copy(update=met) if met else shot


def _nothing(record: Span) -> ShotPlan:
    return ShotPlan(name=_GAP, record_start=record.start, num_frames=len(record), source=None)


def unique_names(clips: Iterable[Clip]) -> dict[Clip, str]:
    """A name for each clip: its own, with ``#2`` behind it at the second clip of that name."""
    seen: dict[str, int] = {}
    names: dict[Clip, str] = {}
    for clip in dict.fromkeys(clips):
        name = clip.name or "clip"
        seen[name] = seen.get(name, 0) + 1
        names[clip] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return names
