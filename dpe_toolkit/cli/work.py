"""The steps that several commands share: from a timeline to a plan, from a plan to a video."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from dpe_toolkit.cli.choices import AmountChoices, PartChoices
from dpe_toolkit.cli.named import as_usage, refuse_roots
from dpe_toolkit.cli.outputs import RunChoices, WriteChoices
from dpe_toolkit.cli.ranges import ends_beyond, parse_span, pick_shots
from dpe_toolkit.cli.screen import merged, note, print_problems, told
from dpe_toolkit.core.errors import OptionsError, PlanError

if TYPE_CHECKING:
    from dpe_toolkit.media import OutputSettings
    from dpe_toolkit.plans.model import RenderPlan
    from dpe_toolkit.plugins import Registry
    from dpe_toolkit.rendering import ProgressSink, RenderReport

__all__ = ["make_plan", "narrow", "output_settings", "print_report", "refuse_faults", "shown_progress", "write_video"]


def make_plan(timeline: Path, amounts: AmountChoices, parts: PartChoices, *, registry: Registry) -> RenderPlan:
    """The plan of ``timeline`` under what was typed, with its problems still in it."""
    from dpe_toolkit.planning import build_plan

    refuse_roots(parts.media_root or ())
    return build_plan(
        timeline,
        registry=registry,
        overrides=parts.assignments or (),
        edit_overrides=amounts,
        components=parts.components,
        project=parts.project,
        media_roots=tuple(parts.media_root or ()),
        weights=parts.weights,
        weights_dir=parts.weights_folder,
        fit=parts.fit,
        gaps=parts.gaps,
    )


def refuse_faults(plan: RenderPlan) -> None:
    """Prints the plan's warnings.

    Raises:
        PlanError: the plan has errors; it carries them all.
    """
    print_problems(problem for problem in plan.problems if problem.severity == "warning")
    errors = merged(plan.errors)
    if len(errors) == 1:
        (only,) = errors
        raise PlanError(f"{only.where}: {only.wrong}" if only.where else only.wrong, only.expected, only.action)
    if errors:
        raise PlanError(
            f"the plan has {len(errors)} errors, and nothing was rendered",
            action="correct the timeline or the options; 'dpe plan' shows the whole plan",
            problems=[told(problem) for problem in errors],
        )


def narrow(plan: RenderPlan, choices: WriteChoices) -> RenderPlan:
    """The part of the plan that --shot and --frames ask for; all of it where they do not.

    Raises:
        OptionsError: no run of frames, or one that a shot asked for has no part in.
        PlanError: there is no such shot.
    """
    whole = {name for shot in plan.shots for name in shot.names}
    if choices.frames is not None:
        end = max((shot.record.stop for shot in plan.shots), default=0)
        span = parse_span(choices.frames, plan.rate, num_frames=end, start_frame=plan.start_frame)
        if ends_beyond(choices.frames, plan.rate, num_frames=end, start_frame=plan.start_frame):
            note(f"the timeline has {end} frames; --frames {choices.frames} gives {len(span)}", label="note")
        plan = plan.trim(span)
    if choices.shot:
        left = {name for shot in plan.shots for name in shot.names}
        for name in choices.shot:
            if name in whole - left:
                raise OptionsError(
                    f"shot {name!r} has none of the frames {choices.frames}",
                    "a shot and frames that meet",
                    "leave out --frames, or correct it",
                )
        plan = pick_shots(plan, choices.shot)
    return plan


def output_settings(output: Path, choices: WriteChoices) -> OutputSettings:
    """How ``output`` is encoded.

    Raises:
        OptionsError: its suffix is unknown, or cannot hold the codec asked for, or the codec takes no such option.
    """
    from dpe_toolkit.media import ENCODERS, WITH_PRESET, WITHOUT_QUALITY, OutputSettings, choose_codec

    settings = OutputSettings.model_validate(choices.settings)
    with as_usage():
        codec = choose_codec(output, settings)
    for name, value, takers in (
        ("crf", choices.crf, ENCODERS.keys() - WITHOUT_QUALITY),
        ("preset", choices.preset, WITH_PRESET),
    ):
        if value is not None and codec not in takers:
            raise OptionsError(
                f"--{name} {value} changes nothing of {codec}",
                f"a codec that takes it: {', '.join(sorted(takers))}",
                f"leave --{name} out, or choose another with --codec",
                path=output,
            )
    return settings


def write_video(
    plan: RenderPlan, output: Path, *, registry: Registry, run: RunChoices, choices: WriteChoices
) -> RenderReport:
    """Renders the plan into ``output``, with progress on standard error.

    Raises:
        PlanError: the plan has errors.
        OptionsError: the output cannot be written, or not as what was asked for.
        DpeError: whatever stops a render.
    """
    from dpe_toolkit.rendering import render_plan
    from dpe_toolkit.rendering.checks import check_output, judge_output

    refuse_faults(plan)
    settings = output_settings(output, choices)
    with as_usage():
        check_output(plan, output, settings)
        refuse_faults(plan.model_copy(update={"problems": judge_output(plan, output, settings)}))
    with shown_progress(run) as progress:
        return render_plan(
            plan,
            output,
            registry=registry,
            device=run.device,
            settings=settings,
            cache_dir=run.cache_folder,
            progress=progress,
            colour=run.colour,
        )


def shown_progress(run: RunChoices) -> contextlib.AbstractContextManager[ProgressSink | None]:
    """Progress bars, unless the run is to be quiet."""
    from dpe_toolkit.cli.progress import ProgressBars

    return contextlib.nullcontext() if run.quiet else ProgressBars()


def print_report(report: RenderReport) -> None:
    """Says where the results are, what was edited, and how fast it went."""
    for shot in report.shots:
        frames = sum(stop - start for start, stop in shot.edited_output_frames)
        note(f"{shot.name}: {frames} frames edited")
        for gap in shot.missing:
            start, stop = gap.media_frames
            note(f"{shot.name}: no face in frames {start}:{stop} of the {gap.role}, {gap.treatment}", label="note")
    if report.num_passed:
        note(f"{report.num_passed} of {report.num_frames} frames copied as they are stored")
    seconds = report.analysis_s + report.render_s
    speed = f"{report.num_frames} frames in {seconds:.1f} s, {report.frames_per_s:.1f} a second"
    note(f"{report.output} ({speed})", label="wrote", style="green")
    note(f"{report.edits}", label="wrote", style="green")
