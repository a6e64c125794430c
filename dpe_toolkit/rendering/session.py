"""A render from start to end: analyse, open, pull span by span, write, record."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from dpe_toolkit.analysis import (
    NO_PROGRESS,
    AnalysisStore,
    ComponentMaker,
    ComponentPool,
    Halving,
    OpenReader,
    ProgressSink,
    shot_components,
)
from dpe_toolkit.core.errors import OptionsError, RenderError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.handover import download
from dpe_toolkit.media import CopiedRange, OutputSettings, VideoReader, VideoWriter
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.images import leaves_of
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.rendering.background_encoder import BackgroundEncoder, compute_threads
from dpe_toolkit.rendering.checks import check_format, check_output, check_plan
from dpe_toolkit.rendering.device import resolve_device
from dpe_toolkit.rendering.graph import GraphContext, ShotGraph, build_take
from dpe_toolkit.rendering.node import Executor
from dpe_toolkit.rendering.output import common_format
from dpe_toolkit.rendering.prepare import PreparedShot, prepare_shot
from dpe_toolkit.rendering.readers import media_opener
from dpe_toolkit.rendering.record import ShotRecord, container_metadata, edits_path, pending_record, record_shot
from dpe_toolkit.rendering.report import RenderedFrame, RenderReport
from dpe_toolkit.rendering.sequence import SequenceNode
from dpe_toolkit.rendering.smart_render import SmartRenderPlan, plan_smart_render
from dpe_toolkit.rendering.sound import audio_mixes
from dpe_toolkit.rendering.takes import TakeUse, collect_uses
from dpe_toolkit.rendering.viewing import ColourChoice, seen_through

__all__ = ["RenderRegistry", "render_frame", "render_plan"]

_log = logging.getLogger(__name__)


class RenderRegistry(ComponentMaker, Protocol):
    """What a render asks of the registry: components, and somebody to tell."""

    def notify(self, hook: str, **arguments: object) -> None:
        """Calls a notice hook of each plugin; what one raises is logged and keeps nothing from the others."""
        ...


@dataclass(slots=True)
class _Session:
    """What one render holds; `prepared` loses each take when it is done."""

    plan: RenderPlan
    registry: RenderRegistry
    pool: ComponentPool
    store: AnalysisStore
    progress: ProgressSink
    open_reader: OpenReader
    uses: dict[str, TakeUse] = field(default_factory=dict)
    prepared: dict[str, PreparedShot] = field(default_factory=dict)

    def prepare(self, positions: Sequence[int] | None = None) -> None:
        """Analyses and mixes the takes of these shots, or of all, where an edit changes something."""
        self.uses = collect_uses(self.plan, positions)
        for key, use in self.uses.items():
            edit = use.take.edit
            if edit is not None and not edit.changes_nothing:
                self.prepared[key] = prepare_shot(
                    use.take, self.pool, store=self.store, progress=self.progress, open_reader=self.open_reader
                )

    def borrowed(self, prepared: PreparedShot) -> tuple[ComponentChoice, ...]:
        """The components that those of a take ask for.

        That is known when they are made, which the record of the edits, written first, cannot wait for.
        """
        edit = prepared.edit
        shot_components(self.pool, edit.components, prepared.shot.name, chains=edit.chains)
        return self.pool.borrowed_by(edit.choices)

    def sequence(self, *, sequential: bool, smart: SmartRenderPlan | None = None) -> SequenceNode:
        """The output node."""
        plan = self.plan
        common = common_format(plan)
        context = GraphContext(
            self.pool,
            self.open_reader,
            common.layout,
            common.color,
            (plan.width, plan.height),
            plan.rate,
            plan.fit,
            plan.gaps,
            sequential,
        )

        def build(use: TakeUse) -> ShotGraph:
            # Little of a take that is copied is decoded: it is not decoded ahead.
            copied = smart is not None and any(use.first <= at <= use.last for at in smart.ranges)
            chosen = replace(context, sequential=False) if copied and use.take.id not in self.prepared else context
            return build_take(use, self.prepared.get(use.take.id), chosen)

        return SequenceNode(plan, self.uses, build, context)

    def notify(self, hook: str, shot: ShotPlan, report: Mapping[str, object] | None = None) -> None:
        """Tells plugins."""
        values: dict[str, object] = {"shot": shot} if report is None else {"shot": shot, "report": report}
        self.registry.notify(hook, **values)


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
    check_output(plan, output, settings)
    check_format(plan, output, settings)
    open_reader, cache_dir = seen_through(plan, colour, media_opener(plan, open_reader), cache_dir)
    pool = ComponentPool(registry, resolve_device(device))
    session = _Session(plan, registry, pool, AnalysisStore(cache_dir), progress or NO_PROGRESS, open_reader)
    begun_s = time.perf_counter()
    with torch.no_grad(), compute_threads():
        session.prepare()
        analysed_s = time.perf_counter()
        first = plan.shots[0].record_start
        records = {
            key: record_shot(prepared, session.uses[key].parts, first, session.borrowed(prepared))
            for key, prepared in session.prepared.items()
        }
        num_passed = _write(session, output, settings, records)
    return RenderReport(
        output,
        edits_path(output),
        plan.num_frames,
        analysed_s - begun_s,
        time.perf_counter() - analysed_s,
        tuple(records.values()),
        num_passed,
    )


def _write(session: _Session, output: Path, settings: OutputSettings, records: Mapping[str, ShotRecord]) -> int:
    plan = session.plan
    common = common_format(plan)
    smart = plan_smart_render(plan, common, output, settings)
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
            layout=common.layout,
            color=common.color,
            sample_aspect=common.sample_aspect,
            hdr=common.hdr,
            audio=audio_mixes(plan, settings.audio_tracks),
            metadata=container_metadata(shots),
            start_frame=plan.start_frame + plan.shots[0].record_start,
            copied=smart.source,
            when_whole=place_record,
        ) as writer,
    ):
        _pull(session, writer, records, smart)
    return smart.num_frames


def _pull(session: _Session, writer: VideoWriter, records: Mapping[str, ShotRecord], smart: SmartRenderPlan) -> None:
    executor = Executor()
    halving = Halving(session.pool.device, executor.clear)
    with ExitStack() as stack:
        encoder = stack.enter_context(BackgroundEncoder(writer))
        sequence = session.sequence(sequential=True, smart=smart)
        stack.callback(sequence.close)
        for position, shot in enumerate(session.plan.shots):
            session.notify("dpe_shot_started", shot)
            session.progress.started("render", shot.name, shot.num_frames)
            for step in smart.steps(position, shot):
                if isinstance(step, CopiedRange):
                    encoder.put(step)
                    session.progress.advanced(len(step.span))
                    continue
                output = sequence.output(position, step)
                for batches in halving.pull(output, lambda part: executor.pull(sequence, part)):
                    for batch in batches:
                        encoder.put(batch)
                    executor.clear()
                session.progress.advanced(len(step))
            for key in sequence.release(position):
                session.prepared.pop(key, None)
            session.progress.finished()
            shown = (show.take.id for show in leaves_of(shot.image))
            record = next((records[take_id] for take_id in shown if take_id in records), None)
            session.notify("dpe_shot_finished", shot, {} if record is None else record.model_dump(mode="json"))


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
    open_reader, cache_dir = seen_through(plan, colour, media_opener(plan, open_reader), cache_dir)
    pool = ComponentPool(registry, resolve_device(device))
    session = _Session(plan, registry, pool, AnalysisStore(cache_dir), progress or NO_PROGRESS, open_reader)
    with torch.no_grad(), compute_threads(), ExitStack() as stack:
        session.prepare([position])
        sequence = session.sequence(sequential=False)
        stack.callback(sequence.close)
        return _one_frame(session, sequence, position, frame)


def _one_frame(session: _Session, sequence: SequenceNode, position: int, frame: int) -> RenderedFrame:
    shot = session.plan.shots[position]
    span = Span(frame - shot.record_start, frame - shot.record_start + 1)
    executor = Executor()
    (result,) = Halving(session.pool.device, executor.clear).pull(
        span, lambda part: executor.pull(sequence.shown(position), part)
    )
    source = executor.pull(sequence.shown(position, edited=False), span)
    edited_leaves = [
        (leaf, prepared)
        for leaf in shot.leaves()
        if leaf.take is not None and (prepared := session.prepared.get(leaf.take.id)) is not None
    ]
    if not edited_leaves:
        return RenderedFrame(shot, source, result, 0.0, None, None)
    # Of images that meet, the one that is edited most stands for the shot.
    amount, leaf, prepared = max(
        ((float(one.amounts[leaf.shown_rows[span.start]]), leaf, one) for leaf, one in edited_leaves),
        key=lambda found: found[0],
    )
    assert leaf.take is not None
    row, graph = leaf.shown_rows[span.start], sequence.graph(leaf.take)
    scaled = (prepared.source.width, prepared.source.height) != (session.plan.width, session.plan.height)
    if amount == 0 or graph.faces is None or graph.edited is None or scaled:
        return RenderedFrame(shot, source, result, amount, None, None)
    rows = Span(row, row + 1)
    origin = np.zeros(3, np.float32)
    origin[:2] = executor.pull(graph.faces, rows).placement.origin_px[0]
    (landmarks,) = download(executor.pull(graph.edited, rows).generated.landmarks_px[0])
    edited = landmarks.numpy() + origin
    return RenderedFrame(shot, source, result, amount, prepared.track.landmarks_px[row], edited)
