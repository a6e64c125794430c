"""From a take to its graph, whose rows are those on which an edit is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis import ComponentPool, OpenReader, shot_components
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.pipeline import EditedSpan, ShotPipeline
from dpe_toolkit.editing.protocols import ShotMaterial
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.plans.model import Fit, Gaps
from dpe_toolkit.rendering.footage import Footage, Prefetched
from dpe_toolkit.rendering.mattes import Mattes
from dpe_toolkit.rendering.node import RenderNode
from dpe_toolkit.rendering.nodes import (
    DriverNode,
    EditNode,
    FacesNode,
    SourceNode,
    WriteNode,
    driver_faces,
    source_faces,
)
from dpe_toolkit.rendering.prepare import PreparedShot
from dpe_toolkit.rendering.takes import TakeUse

__all__ = ["GraphContext", "ShotGraph", "build_take"]


@dataclass(frozen=True, slots=True)
class GraphContext:
    """What all graphs of a render share."""

    pool: ComponentPool
    open_reader: OpenReader
    layout: PixelLayout
    """Of the output."""
    color: ColorInfo
    size_px: tuple[int, int]
    rate: Fraction
    fit: Fit = "fit"
    gaps: Gaps = "black"
    sequential: bool = True
    """Spans will be pulled in order, so frames are prefetched."""


@dataclass(frozen=True, slots=True)
class ShotGraph:
    """The nodes of one take that others pull, by rows. `close` ends its threads and closes its media."""

    source: RenderNode[FrameBatch]
    """Untouched frames."""
    result: RenderNode[FrameBatch]
    """The frames as they are shown."""
    faces: RenderNode[FaceBatch] | None
    edited: RenderNode[EditedSpan] | None
    resources: ExitStack

    def close(self) -> None:
        """Lets go of readers, threads and what was prepared for the shot."""
        self.resources.close()


def build_take(use: TakeUse, prepared: PreparedShot | None, context: GraphContext) -> ShotGraph:
    """The graph of one take.

    Args:
        use: the take, and where it is seen.
        prepared: its edit; None passes the take through.
        context: what all graphs share.
    """
    whole = use.take
    held, first = whole.held_rate is not None, whole.source_span.start
    rows = use.schedule if context.sequential else []
    schedule = [Span(first, first + 1) if held else run.shift(first) for run in rows]
    resources = ExitStack()
    footage = Footage(whole.source.path, context.open_reader, schedule, rereads=use.rereads)
    resources.callback(footage.close)
    source = SourceNode(footage, first, len(whole.rows), held)
    if prepared is None:
        return ShotGraph(source, source, None, None, resources)
    return _edited(prepared, source, context, rows, resources)


def _edited(
    prepared: PreparedShot, source: SourceNode, context: GraphContext, schedule: Sequence[Span], resources: ExitStack
) -> ShotGraph:
    pool, edit = context.pool, prepared.edit
    driver = Footage(edit.driver.path, context.open_reader)
    resources.callback(driver.close)
    components = shot_components(pool, edit.components, prepared.shot.name, chains=edit.chains)
    pipeline = ShotPipeline(components, _material(prepared, source.footage, driver, pool.device), pool.device)
    faces = FacesNode(prepared, source, pool.device)
    shown = _shown_driver(prepared, driver, context, schedule, resources) if pipeline.wants_driver_pixels else None
    edited = EditNode(prepared, faces, shown, pipeline)
    mattes = Mattes.of(edit.mattes, context.open_reader, resources) if edit.mattes else None
    return ShotGraph(source, WriteNode(prepared, source, faces, edited, mattes), faces, edited, resources)


def _shown_driver(
    prepared: PreparedShot, driver: Footage, context: GraphContext, schedule: Sequence[Span], resources: ExitStack
) -> DriverNode:
    """The driver's windows, prefetched where the order of the render is known."""
    beforehand = Footage(prepared.edit.driver.path, context.open_reader)
    resources.callback(beforehand.close)

    def cut(footage: Footage, span: Span) -> FaceBatch:
        nearest = np.round(prepared.driver_rows[prepared.active(span)]).astype(np.int64)
        return driver_faces(prepared, footage, nearest, context.pool.device)

    windows = Prefetched(
        lambda span: cut(beforehand, span),
        [span for span in schedule if len(prepared.active(span))],
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
        _Fetch(source_faces, prepared, source, device),
        _Fetch(driver_faces, prepared, driver, device),
    )


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Cuts native windows of any rows, for a component that begins a shot."""

    cut: Callable[[PreparedShot, Footage, npt.NDArray[np.int64], torch.device], FaceBatch]
    prepared: PreparedShot
    footage: Footage
    device: torch.device

    def __call__(self, rows: npt.NDArray[np.int64]) -> FaceBatch:
        """The windows of these rows."""
        return self.cut(self.prepared, self.footage, rows, self.device)

    def on(self, device: torch.device) -> _Fetch:
        """The same, where a component that fell back wants them."""
        return replace(self, device=device)
