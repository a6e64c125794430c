"""The output: one shot of the plan after the other, each a tree of takes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.images import Gap, Image, Show, map_image
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.rendering.composition import ComposeNode, FitNode, ShownNode
from dpe_toolkit.rendering.graph import GraphContext, ShotGraph
from dpe_toolkit.rendering.node import Executor, Inputs, Need, RenderNode
from dpe_toolkit.rendering.nodes import BlackNode
from dpe_toolkit.rendering.takes import TakeUse

__all__ = ["SequenceNode"]


class SequenceNode:
    """The output. Rows are output frames, counted from the plan's first.

    A take's graph is built when its first frame is pulled, and let go after its last.

    Args:
        plan: the plan, trimmed or not.
        uses: where its takes are seen, by id.
        build: makes the graph of a take.
        context: what all graphs share.
    """

    def __init__(
        self,
        plan: RenderPlan,
        uses: Mapping[str, TakeUse],
        build: Callable[[TakeUse], ShotGraph],
        context: GraphContext,
    ) -> None:
        self._shots = plan.shots
        self._first = plan.shots[0].record_start
        self._starts = [shot.record_start for shot in plan.shots]
        self._uses = uses
        self._build = build
        self._context = context
        self._open: dict[str, ShotGraph] = {}
        self._shown: dict[tuple[int, bool], RenderNode[FrameBatch]] = {}
        self._length = plan.num_frames

    @property
    def length(self) -> int:
        """Output frames."""
        return self._length

    def graph(self, take: Take) -> ShotGraph:
        """The graph of a take, built now if it is not."""
        if take.id not in self._open:
            self._open[take.id] = self._build(self._uses[take.id])
        return self._open[take.id]

    def release(self, position: int) -> tuple[str, ...]:
        """Lets go of what is not seen after the shot at a position, and returns the ids of the takes."""
        for edited in (True, False):
            self._shown.pop((position, edited), None)
        done = tuple(key for key in self._open if self._uses[key].last <= position)
        for key in done:
            self._open.pop(key).close()
        return done

    def close(self) -> None:
        """Lets go of every graph."""
        self.release(len(self._shots))
        self._shown.clear()

    def output(self, position: int, frames: Span) -> Span:
        """Where these frames of a shot, counted from its first, lie in the output."""
        return frames.shift(self._shots[position].record_start - self._first)

    def shown(self, position: int, *, edited: bool = True) -> RenderNode[FrameBatch]:
        """The frames of the shot at a position, in output time; with ``edited`` off as if nothing were edited."""
        if (position, edited) not in self._shown:
            self._shown[position, edited] = self._node(self._shots[position], edited)
        return self._shown[position, edited]

    def needs(self, span: Span) -> Sequence[Need]:
        """The frames of each shot in ``span``."""
        return [(self.shown(position), frames) for position, frames in self._parts(span)]

    def render(self, span: Span, inputs: Inputs) -> tuple[FrameBatch, ...]:
        """One batch a shot: shots may differ in layout."""
        return tuple(inputs.of(self.shown(position), frames) for position, frames in self._parts(span))

    def _parts(self, span: Span) -> list[tuple[int, Span]]:
        wanted = span.shift(self._first)
        parts: list[tuple[int, Span]] = []
        for position in range(max(bisect_right(self._starts, wanted.start) - 1, 0), len(self._shots)):
            shot = self._shots[position]
            if shot.record_start >= wanted.stop:
                break
            shared = shot.record.intersect(wanted)
            if len(shared):
                parts.append((position, shared.shift(-shot.record_start)))
        return parts

    def _node(self, shot: ShotPlan, edited: bool) -> RenderNode[FrameBatch]:
        context = self._context
        match shot.image:
            case Gap():
                return self._nothing(shot.num_frames)
            case Show() if context.gaps == "black":
                return FitNode(self._shown_take(shot.image, shot.num_frames, edited), context.size_px, context.fit)
        image: Image[ShownNode] = map_image(shot.image, lambda show: self._shown_take(show, shot.num_frames, edited))
        black = Executor().pull(self._nothing(1), Span(0, 1))
        return ComposeNode(image, context.layout, context.color, context.size_px, context.fit, black, shot.num_frames)

    def _shown_take(self, show: Show, num_frames: int, edited: bool) -> ShownNode:
        graph = self.graph(show.take)
        rows = show.take.shown_rows(Span(show.start, show.start + num_frames))
        return ShownNode(graph.result if edited else graph.source, rows)

    def _nothing(self, num_frames: int) -> BlackNode:
        context = self._context
        opaque = context.gaps == "black"
        return BlackNode(context.layout, context.color, context.size_px, context.rate, num_frames, opaque)
