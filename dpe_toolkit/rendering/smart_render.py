"""Smart render: which frames of a render are copied from their source as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import CopiedRange, CopySource, OutputSettings, choose_codec, copy_source, fit_format, probe
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.rendering.output import CommonFormat
from dpe_toolkit.rendering.takes import output_spans

__all__ = ["SmartRenderPlan", "plan_smart_render", "smart_render_problems"]

_RANGE_FRAMES = 500


@dataclass(frozen=True, slots=True)
class SmartRenderPlan:
    """What is copied."""

    source: CopySource | None = None
    """The file whose stream the output's is set up like; None where nothing is copied."""
    ranges: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    """Position of a shot in the plan to its frames, counted from its first, that are copied: neighbouring ranges, short
    enough that progress is seen and an interrupt is soon heard."""

    @property
    def num_frames(self) -> int:
        """Frames that are copied."""
        return sum(len(one) for ranges in self.ranges.values() for one in ranges)

    def steps(self, position: int, shot: ShotPlan) -> Iterator[Span | CopiedRange]:
        """What is done to a shot, in order: spans of frames to render, counted from its first, and ranges to copy."""
        ranges = self.ranges.get(position)
        if not ranges or shot.source is None:
            yield from output_spans(shot)
            return
        copied = Span(ranges[0].start, ranges[-1].stop)
        for frames in output_spans(shot):
            before = frames.intersect(Span(0, copied.start))
            if len(before):
                yield before
            if copied.start in frames:
                yield from (CopiedRange(shot.source.path, one.shift(shot.source_start)) for one in ranges)
            after = frames.intersect(Span(copied.stop, shot.num_frames))
            if len(after):
                yield after


def plan_smart_render(
    plan: RenderPlan, common: CommonFormat, output: Path, settings: OutputSettings
) -> SmartRenderPlan:
    """The ranges that are copied, none unless the settings want it.

    A shot is looked at where it shows one frame of one file after the other, at the output's rate and size, and
    nothing edits it; its file must have the output's codec, pixels and tags. Files of one output share what their
    decoder must know beforehand: those that give the most frames are taken.

    Args:
        plan: the plan.
        common: what the frames of the output are.
        output: what is written.
        settings: how it is encoded.
    """
    if not settings.pass_through:
        return SmartRenderPlan()
    codec = choose_codec(output, settings)
    found: dict[int, tuple[CopySource, Span]] = {}
    for position, shot in enumerate(plan.shots):
        if not _untouched(shot, plan) or _difference(shot, plan, common, output, settings):
            continue
        assert shot.source is not None
        source = copy_source(shot.source.path, codec)
        frames = None if source is None else source.inside(shot.source_span)
        if source is not None and frames is not None:
            found[position] = source, frames
    if not found:
        return SmartRenderPlan()
    counts: dict[bytes, int] = {}
    for source, frames in found.values():
        counts[source.extradata] = counts.get(source.extradata, 0) + len(frames)
    chosen = max(counts, key=lambda extradata: counts[extradata])
    kept = {position: pair for position, pair in found.items() if pair[0].extradata == chosen}
    template = max((source for source, _ in kept.values()), key=lambda source: source.reorder)
    ranges = {
        position: tuple(part.shift(-plan.shots[position].source_start) for part in source.split(frames, _RANGE_FRAMES))
        for position, (source, frames) in kept.items()
    }
    return SmartRenderPlan(template, ranges)


def smart_render_problems(
    plan: RenderPlan, common: CommonFormat, output: Path, settings: OutputSettings
) -> Iterator[Problem]:
    """Why files of untouched shots are encoded although copies were asked for."""
    if not settings.pass_through:
        return
    codec = choose_codec(output, settings)
    named: set[Path] = set()
    for shot in plan.shots:
        if shot.source is None or shot.source.path in named or not _untouched(shot, plan):
            continue
        named.add(shot.source.path)
        why = _difference(shot, plan, common, output, settings)
        if not why and copy_source(shot.source.path, codec) is None:
            why = f"it is not stored as {codec} is in an output"
        if why:
            yield Problem(
                severity="warning",
                where=f"shot {shot.name!r}",
                wrong=f"{shot.source.path.name!r} cannot be passed through, and is encoded: {why}",
                action="choose the codec and container of the source",
            )


def _untouched(shot: ShotPlan, plan: RenderPlan) -> bool:
    """Whether a shot shows one frame of its file after the other, as they are."""
    edited = shot.edit is not None and not shot.edit.changes_nothing
    plain = shot.is_plain and shot.take is not None and shot.take.time.is_plain and shot.held_rate is None
    filmed = shot.source is not None and shot.source.missing_images is None and shot.source.num_frames > 1
    return filmed and plain and not edited


def _difference(shot: ShotPlan, plan: RenderPlan, common: CommonFormat, output: Path, settings: OutputSettings) -> str:
    """What of a shot's file is not as in the output, in words; nothing where all is."""
    assert shot.source is not None
    info = probe(shot.source.path)
    size = (plan.width, plan.height)
    fitted = fit_format(choose_codec(output, settings), common.layout, common.color, size, settings)
    held = fit_format(choose_codec(output, settings), info.layout, info.color, size, settings)
    if (info.width, info.height) != size:
        return f"its size is {info.width}x{info.height}"
    if info.rate != plan.rate:
        return f"its rate is {info.rate}"
    if info.sample_aspect != common.sample_aspect:
        return f"its pixels have the shape {info.sample_aspect}"
    if held.layout != fitted.layout:
        return f"its pixels are {info.layout.name}"
    tags, wanted = held.color, fitted.color
    if not any(held.layout.chroma_shift):
        # At full resolution there is no question of where chroma lies.
        tags, wanted = (replace(one, chroma_location=0) for one in (tags, wanted))
    return "" if tags == wanted else "its colour tags are others"
