"""From prepared shots to a graph, built when a shot's first frame is pulled and let go after its last."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from dpe_toolkit.analysis import BLOCK, ComponentPool, OpenReader, guard_plugin
from dpe_toolkit.components import Generated, GenerateRequest, Generator, ShotGenerator, ShotMaterial
from dpe_toolkit.faces import FaceBatch
from dpe_toolkit.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.plan import RenderPlan, ShotPlan
from dpe_toolkit.render.footage import Footage, Foreseen
from dpe_toolkit.render.node import Inputs, Need, RenderNode
from dpe_toolkit.render.nodes import (
    BlackNode,
    CompositeNode,
    DriverNode,
    EncodeNode,
    FacesNode,
    GenerateNode,
    SourceNode,
    driver_faces,
    source_faces,
)
from dpe_toolkit.render.prepare import PreparedShot
from dpe_toolkit.timing import Span

__all__ = ["GraphContext", "SequenceNode", "ShotGraph", "build_shot", "shot_rows", "shot_spans"]


@dataclass(frozen=True, slots=True)
class GraphContext:
    """What all graphs of a render share."""

    pool: ComponentPool
    open_reader: OpenReader
    layout: PixelLayout
    """Of black frames."""
    color: ColorInfo
    size_px: tuple[int, int]
    rate: Fraction
    sequential: bool = True
    """Spans will be pulled in order, so frames are decoded ahead."""


@dataclass(frozen=True, slots=True)
class ShotGraph:
    """The nodes of one shot that others pull. `close` ends its threads and closes its media."""

    source: RenderNode[FrameBatch]
    """Untouched frames."""
    result: RenderNode[FrameBatch]
    """The shot as it is shown."""
    faces: RenderNode[FaceBatch] | None
    generated: RenderNode[Generated] | None
    resources: ExitStack

    def close(self) -> None:
        """Lets go of readers, threads and the generator."""
        self.resources.close()


def shot_rows(shot: ShotPlan) -> Span:
    """The rows of the whole shot that are left of it."""
    return shot.rows


def shot_spans(shot: ShotPlan) -> list[Span]:
    """Spans of rows that cover `shot_rows`, none of them crossing a block.

    Blocks are counted from the start of the whole shot, so that a trimmed shot renders as in the whole.
    """
    rows = shot_rows(shot)
    head = Span(rows.start, min(-(-rows.start // BLOCK) * BLOCK, rows.stop))
    return ([head] if len(head) else []) + list(Span(head.stop, rows.stop).split(BLOCK))


def build_shot(shot: ShotPlan, prepared: PreparedShot | None, context: GraphContext) -> ShotGraph:
    """The graph of one shot.

    Args:
        shot: the shot, trimmed or not.
        prepared: its edit; None passes the shot through.
        context: what all graphs share.
    """
    whole = shot.whole
    if whole.source is None:
        black = BlackNode(context.layout, context.color, context.size_px, context.rate, whole.num_frames)
        return ShotGraph(black, black, None, None, ExitStack())
    schedule = [span.shift(whole.source_start) for span in shot_spans(shot)] if context.sequential else []
    resources = ExitStack()
    footage = Footage(whole.source.path, context.open_reader, schedule)
    resources.callback(footage.close)
    source = SourceNode(footage, whole.source_start, whole.num_frames)
    if prepared is None:
        return ShotGraph(source, source, None, None, resources)
    return _edited(prepared, source, context, resources)


def _edited(prepared: PreparedShot, source: SourceNode, context: GraphContext, resources: ExitStack) -> ShotGraph:
    pool = context.pool
    name, chosen = prepared.shot.name, prepared.edit.components
    driver = Footage(prepared.edit.driver.path, context.open_reader)
    resources.callback(driver.close)
    generator = pool.generator(chosen["generator"], name)
    lazy = _LazyGenerator(generator, prepared, _material(prepared, source.footage, driver, pool.device))
    faces = FacesNode(prepared, source, pool.device)
    encoded = EncodeNode(prepared, faces, pool.encoder(chosen["encoder"], name))
    shown = _shown_driver(prepared, driver, context, resources) if generator.wants_driver_pixels else None
    generated = GenerateNode(prepared, faces, encoded, shown, lazy)
    result = CompositeNode(prepared, source, faces, generated, pool.compositor(chosen["compositor"], name))
    return ShotGraph(source, result, faces, generated, resources)


def _shown_driver(prepared: PreparedShot, driver: Footage, context: GraphContext, resources: ExitStack) -> DriverNode:
    """The driver's windows, cut ahead of the render where its order is known."""
    spans = shot_spans(prepared.shot) if context.sequential else []
    beforehand = Footage(prepared.edit.driver.path, context.open_reader)
    resources.callback(beforehand.close)

    def cut(footage: Footage, span: Span) -> FaceBatch:
        nearest = np.round(prepared.driver_rows[prepared.active(span)]).astype(np.int64)
        return driver_faces(prepared, footage, nearest, context.pool.device)

    windows = Foreseen(
        lambda span: cut(beforehand, span),
        [span for span in spans if len(prepared.active(span))],
        lambda span: cut(driver, span),
    )
    resources.callback(windows.close)
    return DriverNode(prepared, windows)


def _material(prepared: PreparedShot, source: Footage, driver: Footage, device: torch.device) -> ShotMaterial:
    return ShotMaterial(
        prepared.motion,
        prepared.driver_motion,
        prepared.driver_rows,
        prepared.target,
        prepared.request,
        lambda rows: source_faces(prepared, source, rows, device),
        lambda rows: driver_faces(prepared, driver, rows, device),
    )


class _LazyGenerator:
    """Begins the shot at the first request: a shot without a face needs no generator."""

    def __init__(self, generator: Generator, prepared: PreparedShot, material: ShotMaterial) -> None:
        self._generator = generator
        self._prepared = prepared
        self._material = material
        self._ready: ShotGenerator | None = None

    def generate(self, request: GenerateRequest) -> Generated:
        """As `ShotGenerator` says."""
        if self._ready is None:
            with guard_plugin(self._prepared.edit.components["generator"], self._prepared.shot.name):
                ready = self._generator.begin_shot(self._material)
                if not isinstance(ready, ShotGenerator):
                    raise TypeError(f"begin_shot() gave a {type(ready).__name__}, which is no ShotGenerator")
            self._ready = ready
        return self._ready.generate(request)


class SequenceNode:
    """The output: one shot after the other. Rows are output frames, counted from the plan's first.

    Args:
        plan: the plan, trimmed or not.
        build: makes the graph of the shot at a position in the plan.
    """

    def __init__(self, plan: RenderPlan, build: Callable[[int], ShotGraph]) -> None:
        self._shots = plan.shots
        self._first = plan.shots[0].record_start
        self._starts = [shot.record_start for shot in plan.shots]
        self._build = build
        self._open: dict[int, ShotGraph] = {}
        self._length = plan.num_frames

    @property
    def length(self) -> int:
        """Output frames."""
        return self._length

    def graph(self, position: int) -> ShotGraph:
        """The graph of a shot, built now if it is not."""
        if position not in self._open:
            self._open[position] = self._build(position)
        return self._open[position]

    def release(self, position: int) -> None:
        """Lets go of a shot's graph."""
        if graph := self._open.pop(position, None):
            graph.close()

    def close(self) -> None:
        """Lets go of every graph."""
        for position in list(self._open):
            self.release(position)

    def output(self, position: int, rows: Span) -> Span:
        """Where these rows of a shot lie in the output."""
        shot = self._shots[position]
        return rows.shift(shot.record_start - shot_rows(shot).start - self._first)

    def needs(self, span: Span) -> Sequence[Need]:
        """The rows of each shot in ``span``."""
        return [(self.graph(position).result, rows) for position, rows in self._parts(span)]

    def render(self, span: Span, inputs: Inputs) -> tuple[FrameBatch, ...]:
        """One batch a shot: shots may differ in layout."""
        return tuple(inputs.of(self.graph(position).result, rows) for position, rows in self._parts(span))

    def _parts(self, span: Span) -> list[tuple[int, Span]]:
        wanted = span.shift(self._first)
        parts: list[tuple[int, Span]] = []
        for position in range(max(bisect_right(self._starts, wanted.start) - 1, 0), len(self._shots)):
            shot = self._shots[position]
            if shot.record_start >= wanted.stop:
                break
            shared = shot.record.intersect(wanted)
            if len(shared):
                parts.append((position, shared.shift(shot_rows(shot).start - shot.record_start)))
        return parts
