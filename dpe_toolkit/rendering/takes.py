"""Takes: the shots of a plan that are prepared and read as one, wherever parts of them are seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dpe_toolkit.analysis import BLOCK
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.model import RenderPlan, ShotPlan

__all__ = ["Take", "collect_takes", "output_spans", "row_runs", "take_key"]


@dataclass(frozen=True, slots=True)
class Take:
    """One whole shot, and where parts of it are seen."""

    key: str
    whole: ShotPlan
    parts: tuple[ShotPlan, ...]
    """In output order."""
    first: int
    """Position in the plan of the shot in which it is first seen."""
    last: int
    """Position of the one in which it is last seen."""

    @property
    def schedule(self) -> list[Span]:
        """The runs of rows that a render from start to end asks for, in its order."""
        shown = [(part.shown_rows, output_spans(part)) for part in self.parts]
        return [run for rows, spans in shown for span in spans for run in row_runs(rows[span.start : span.stop])]

    @property
    def rereads(self) -> bool:
        """True where rows are not asked for one after the other."""
        return self.whole.held_rate is not None or self.whole.time is not None


def take_key(shot: ShotPlan) -> str:
    """What parts of one take have in common."""
    return hashlib.sha256(shot.whole.model_dump_json().encode()).hexdigest()


def collect_takes(plan: RenderPlan, positions: Sequence[int] | None = None) -> dict[str, Take]:
    """The takes of a plan, or of some of its shots, by key, in output order."""
    seen: dict[str, list[tuple[int, ShotPlan]]] = {}
    for position, shot in enumerate(plan.shots):
        if positions is None or position in positions:
            for leaf in shot.leaves():
                seen.setdefault(take_key(leaf), []).append((position, leaf))
    return {
        key: Take(key, parts[0][1].whole, tuple(part for _, part in parts), parts[0][0], parts[-1][0])
        for key, parts in seen.items()
    }


def output_spans(shot: ShotPlan) -> list[Span]:
    """Runs of frames, counted from the shot's first, that cover it.

    Where rows follow each other none of them crosses a block of rows. Blocks are counted from the start of
    the whole shot, so that a trimmed shot renders as in the whole.
    """
    first = shot.record_start - shot.whole.record_start
    if shot.is_plain and shot.source is not None and shot.time is None:
        first = shot.rows.start
    head = min(-first % BLOCK, shot.num_frames)
    return ([Span(0, head)] if head else []) + list(Span(head, shot.num_frames).split(BLOCK))


def row_runs(rows: Sequence[int]) -> list[Span]:
    """The rows as runs of neighbours, each once, in the order in which they are first shown.

    Rows that go up are runs from low to high; in a shot that runs backwards, so are rows that go down. No
    run crosses a block.
    """
    shown = list(dict.fromkeys(rows))
    runs: list[Span] = []
    begin = 0
    for end in range(1, len(shown) + 1):
        if end == len(shown) or not _neighbours(shown, begin, end):
            runs.append(Span(min(shown[begin:end]), max(shown[begin:end]) + 1))
            begin = end
    return runs


def _neighbours(shown: Sequence[int], begin: int, end: int) -> bool:
    """The row at ``end`` goes on with the run that began at ``begin``."""
    step = shown[end] - shown[end - 1]
    goes_on = end == begin + 1 or step == shown[end - 1] - shown[end - 2]
    return abs(step) == 1 and goes_on and shown[end] // BLOCK == shown[begin] // BLOCK
