"""Where the takes of a plan are seen, and in which runs of rows they are read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dpe_toolkit.analysis import BLOCK
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.take import Take

__all__ = ["TakeUse", "collect_uses", "output_spans", "row_runs"]


@dataclass(frozen=True, slots=True)
class TakeUse:
    """One take, and where parts of it are seen."""

    take: Take
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
        return not self.take.time.is_plain


def collect_uses(plan: RenderPlan, positions: Sequence[int] | None = None) -> dict[str, TakeUse]:
    """The takes of a plan, or of some of its shots, by id, in output order."""
    seen: dict[str, list[tuple[int, ShotPlan]]] = {}
    takes: dict[str, Take] = {}
    for position, shot in enumerate(plan.shots):
        if positions is not None and position not in positions:
            continue
        for leaf in shot.leaves():
            assert leaf.take is not None
            takes[leaf.take.id] = leaf.take
            seen.setdefault(leaf.take.id, []).append((position, leaf))
    return {
        take_id: TakeUse(takes[take_id], tuple(part for _, part in parts), parts[0][0], parts[-1][0])
        for take_id, parts in seen.items()
    }


def output_spans(shot: ShotPlan) -> list[Span]:
    """Runs of frames, counted from the shot's first, that cover it.

    Where rows follow each other none of them crosses a block of rows. Blocks are counted from the start of
    the take, so that a trimmed shot renders as in the whole.
    """
    first = shot.skipped if shot.show is None else shot.show.start
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
