"""A render from start to end: analyse, open, pull span by span, write, record."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pluggy
import torch

from dpe_toolkit.analysis import (
    NO_PROGRESS,
    AnalysisStore,
    ComponentMaker,
    ComponentPool,
    OpenReader,
    ProgressSink,
)
from dpe_toolkit.errors import OptionsError, RenderError
from dpe_toolkit.plan import RenderPlan, ShotPlan
from dpe_toolkit.render.behind import EncodeBehind
from dpe_toolkit.render.checks import check_output, check_picture, check_plan
from dpe_toolkit.render.device import resolve_device
from dpe_toolkit.render.graph import GraphContext, SequenceNode, ShotGraph, build_shot, shot_spans
from dpe_toolkit.render.node import Executor
from dpe_toolkit.render.picture import output_picture
from dpe_toolkit.render.prepare import PreparedShot, prepare_shot
from dpe_toolkit.render.record import ShotRecord, container_metadata, edits_path, pending_record, record_shot
from dpe_toolkit.render.report import RenderedFrame, RenderReport
from dpe_toolkit.render.sound import audio_segments
from dpe_toolkit.render.threads import compute_threads
from dpe_toolkit.render.viewing import ColourChoice, PlanViews
from dpe_toolkit.timing import Span
from dpe_toolkit.video import OutputSettings, VideoReader, VideoWriter

__all__ = ["RenderRegistry", "render_frame", "render_plan"]

_log = logging.getLogger(__name__)


class RenderRegistry(ComponentMaker, Protocol):
    """What a render asks of the registry: components, and somebody to tell."""

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks of all plugins."""
        ...


@dataclass(slots=True)
class _Session:
    """What one render holds; `prepared` loses each shot when it is done."""

    plan: RenderPlan
    registry: RenderRegistry
    pool: ComponentPool
    store: AnalysisStore
    progress: ProgressSink
    open_reader: OpenReader
    prepared: dict[int, PreparedShot] = field(default_factory=dict)

    def prepare(self, position: int) -> None:
        """Analyses and mixes one shot, where its edit changes something."""
        shot = self.plan.shots[position]
        if shot.edit is not None and shot.source is not None and not shot.edit.changes_nothing:
            self.prepared[position] = prepare_shot(
                shot, self.pool, store=self.store, progress=self.progress, open_reader=self.open_reader
            )

    def sequence(self, *, sequential: bool) -> SequenceNode:
        """The output node."""
        picture = output_picture(self.plan)
        size = (self.plan.width, self.plan.height)
        context = GraphContext(
            self.pool, self.open_reader, picture.layout, picture.color, size, self.plan.rate, sequential
        )

        def build(position: int) -> ShotGraph:
            return build_shot(self.plan.shots[position], self.prepared.get(position), context)

        return SequenceNode(self.plan, build)

    def notify(self, hook: str, shot: ShotPlan, report: Mapping[str, object] | None = None) -> None:
        """Tells plugins; what they raise is logged."""
        values: dict[str, object] = {"shot": shot} if report is None else {"shot": shot, "report": report}
        try:
            getattr(self.registry.hook, hook)(**values)
        except Exception:  # noqa: BLE001 # a notice: whatever a plugin does with it, the render goes on
            _log.exception("a plugin's %s failed on shot %r; the render goes on", hook, shot.name)


def render_plan(
    plan: RenderPlan,
    output: Path,
    *,
    registry: RenderRegistry,
    device: str = "auto",
    settings: OutputSettings | None = None,
    cache_dir: Path,
    progress: ProgressSink | None = None,
    open_reader: OpenReader = VideoReader,
    colour: ColourChoice | None = None,
) -> RenderReport:
    """Renders ``plan`` to ``output``, with ``<output>.edits.json`` beside it.

    Until everything is written, nothing lies under either name; whatever ends the render early, an
    interrupt included, leaves what was there before.

    Args:
        plan: the plan, trimmed to what is wanted.
        output: the file to write; its suffix chooses the codec unless ``settings`` does.
        registry: makes components and relays hooks.
        device: as for `resolve_device`.
        settings: how to encode.
        cache_dir: where analyses are kept.
        progress: who is told.
        open_reader: opens media.
        colour: how analysis and networks see colours; None shows them the encoded values as they are.

    Raises:
        PlanError: the plan has errors, or its output cannot be what it must.
        DpeError: whatever stops a render, by its place in the tree.
    """
    settings = settings or OutputSettings()
    check_plan(plan)
    check_output(plan, output)
    check_picture(plan, output, settings)
    open_reader, cache_dir = _seen(plan, colour, open_reader, cache_dir)
    pool = ComponentPool(registry, resolve_device(device))
    session = _Session(plan, registry, pool, AnalysisStore(cache_dir), progress or NO_PROGRESS, open_reader)
    begun_s = time.perf_counter()
    with torch.no_grad(), compute_threads():
        for position in range(len(plan.shots)):
            session.prepare(position)
        analysed_s = time.perf_counter()
        first = plan.shots[0].record_start
        records = {position: record_shot(prepared, first) for position, prepared in session.prepared.items()}
        _write(session, output, settings, records)
    return RenderReport(
        output,
        edits_path(output),
        plan.num_frames,
        analysed_s - begun_s,
        time.perf_counter() - analysed_s,
        tuple(records.values()),
    )


def _seen(
    plan: RenderPlan, colour: ColourChoice | None, open_reader: OpenReader, cache_dir: Path
) -> tuple[OpenReader, Path]:
    """How media are opened and where their analyses are kept, under a choice of colour."""
    if colour is None:
        return open_reader, cache_dir
    views = PlanViews.of(plan, colour)
    return views.opening(open_reader), cache_dir / views.folder


def _write(session: _Session, output: Path, settings: OutputSettings, records: Mapping[int, ShotRecord]) -> None:
    plan = session.plan
    picture = output_picture(plan)
    shots = list(records.values())
    with (
        _writing_faults(output),
        pending_record(plan, output, shots) as place_record,
        VideoWriter(
            output,
            settings,
            width=plan.width,
            height=plan.height,
            rate=plan.rate,
            layout=picture.layout,
            color=picture.color,
            sample_aspect=picture.sample_aspect,
            audio=audio_segments(plan),
            metadata=container_metadata(shots),
            start_frame=plan.start_frame + plan.shots[0].record_start,
            when_whole=place_record,
        ) as writer,
    ):
        _pull(session, writer, records)


def _pull(session: _Session, writer: VideoWriter, records: Mapping[int, ShotRecord]) -> None:
    executor = Executor()
    with ExitStack() as stack:
        behind = stack.enter_context(EncodeBehind(writer))
        sequence = session.sequence(sequential=True)
        stack.callback(sequence.close)
        for position, shot in enumerate(session.plan.shots):
            session.notify("dpe_shot_started", shot)
            session.progress.started("render", shot.name, shot.num_frames)
            for rows in shot_spans(shot):
                for batch in executor.pull(sequence, sequence.output(position, rows)):
                    behind.put(batch)
                executor.clear()
                session.progress.advanced(len(rows))
            sequence.release(position)
            session.prepared.pop(position, None)
            session.progress.finished()
            report = records[position].model_dump(mode="json") if position in records else {}
            session.notify("dpe_shot_finished", shot, report)


@contextmanager
def _writing_faults(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RenderError(
            f"writing stopped: {os.strerror(error.errno) if error.errno else error}",
            "room and permission to write the output",
            "free some space or choose another output, and render again",
            path=output,
        ) from error


def render_frame(
    plan: RenderPlan,
    frame: int,
    *,
    registry: RenderRegistry,
    device: str = "auto",
    cache_dir: Path,
    progress: ProgressSink | None = None,
    open_reader: OpenReader = VideoReader,
    colour: ColourChoice | None = None,
) -> RenderedFrame:
    """One output frame, as it is in the render of the whole plan; analyses only its shot.

    Args:
        plan: the plan.
        frame: output frame, counted as in ``ShotPlan.record_start``.
        registry: makes components.
        device: as for `resolve_device`.
        cache_dir: where analyses are kept.
        progress: who is told.
        open_reader: opens media.
        colour: as for `render_plan`.

    Raises:
        OptionsError: the plan has no such frame.
        DpeError: whatever stops a render, by its place in the tree.
    """
    check_plan(plan)
    position = next((i for i, shot in enumerate(plan.shots) if frame in shot.record), None)
    if position is None:
        span = Span(plan.shots[0].record_start, plan.shots[-1].record.stop)
        raise OptionsError(f"the timeline has no frame {frame}", f"a frame from {span.start} to {span.stop - 1}")
    open_reader, cache_dir = _seen(plan, colour, open_reader, cache_dir)
    pool = ComponentPool(registry, resolve_device(device))
    session = _Session(plan, registry, pool, AnalysisStore(cache_dir), progress or NO_PROGRESS, open_reader)
    with torch.no_grad(), compute_threads(), ExitStack() as stack:
        session.prepare(position)
        sequence = session.sequence(sequential=False)
        stack.callback(sequence.close)
        return _one_frame(session, sequence, position, frame)


def _one_frame(session: _Session, sequence: SequenceNode, position: int, frame: int) -> RenderedFrame:
    shot = session.plan.shots[position]
    row = shot.source_span.start - shot.whole.source_start + frame - shot.record_start
    span = Span(row, row + 1)
    executor, graph = Executor(), sequence.graph(position)
    (result,) = executor.pull(sequence, sequence.output(position, span))
    source = executor.pull(graph.source, span)
    prepared = session.prepared.get(position)
    amount = 0.0 if prepared is None else float(prepared.amounts[row])
    if amount == 0 or graph.faces is None or graph.generated is None or prepared is None:
        return RenderedFrame(shot, source, result, 0.0, None, None)
    origin = np.zeros(3, np.float32)
    origin[:2] = executor.pull(graph.faces, span).placement.origin_px[0]
    edited = executor.pull(graph.generated, span).landmarks_px[0].cpu().numpy() + origin
    return RenderedFrame(shot, source, result, amount, prepared.track.landmarks_px[row], edited)
