"""What is looked at before any work is done."""

from __future__ import annotations

import logging
from pathlib import Path

from dpe_toolkit.core.errors import PlanError, RenderError
from dpe_toolkit.core.outputs import Output, expect_outputs
from dpe_toolkit.media import SEQUENCES, OutputSettings, check_folder
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.rendering.output import common_format, format_problems
from dpe_toolkit.rendering.record import edits_path
from dpe_toolkit.rendering.smart_render import smart_render_problems

__all__ = ["check_format", "check_output", "check_plan", "output_problems", "video_outputs"]

_log = logging.getLogger(__name__)


def check_plan(plan: RenderPlan) -> None:
    """Refuses a plan with errors, or without a frame.

    Raises:
        PlanError: with every error of the plan.
    """
    if plan.errors:
        raise PlanError(
            f"the plan of {plan.timeline!r} has {len(plan.errors)} error{'s' if len(plan.errors) > 1 else ''}",
            "a plan without errors",
            "correct what is listed: " + " | ".join(str(problem) for problem in plan.errors),
            problems=[str(problem) for problem in plan.errors],
        )
    if not plan.shots:
        raise PlanError(
            f"the plan of {plan.timeline!r} has no frames", "at least one shot", "check the range asked for"
        )


def output_problems(plan: RenderPlan, output: Path, settings: OutputSettings) -> tuple[Problem, ...]:
    """What an output cannot hold, what does not go together, and what cannot be passed through.

    Raises:
        MediaError: the output's name and codec do not go together.
    """
    encoded = smart_render_problems(plan, common_format(plan), output, settings)
    return (*format_problems(plan, output, settings), *encoded)


def check_format(plan: RenderPlan, output: Path, settings: OutputSettings) -> None:
    """Refuses an output that cannot be what its sources make of it; what is only a loss is logged.

    Raises:
        PlanError: with every reason.
        MediaError: the output's name and codec do not go together.
    """
    problems = output_problems(plan, output, settings)
    for problem in problems:
        _log.info("%s", problem)
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    if errors:
        raise PlanError(
            f"the output of {plan.timeline!r} cannot be written as asked",
            "an output that holds what the sources have",
            "correct what is listed: " + " | ".join(errors),
            problems=errors,
        )


def video_outputs(output: Path, settings: OutputSettings | None = None) -> tuple[Output, ...]:
    """All that a render writes: the video or folder of images, and the record of its edits."""
    images = settings is not None and settings.codec in SEQUENCES
    return Output(path=output, is_folder=images), Output(path=edits_path(output), name="the record of the edits")


def check_output(plan: RenderPlan, output: Path, settings: OutputSettings | None = None) -> None:
    """Refuses an output that could not be written, or that would replace what is read.

    Raises:
        RenderError: the folder is missing or cannot be written, or the output is one of the inputs.
        MediaError: a folder for images that holds something else.
    """
    if settings is not None and settings.codec in SEQUENCES:
        check_folder(output)
    expect_outputs(video_outputs(output, settings), plan.files(), error=RenderError, reader="the timeline")
