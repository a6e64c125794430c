"""From a timeline, or the file of a plan, to the plan of what is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from dpe_toolkit.core.errors import OptionsError, PlanError
from dpe_toolkit.delivery.allowed import allowed_registry
from dpe_toolkit.delivery.choices import WHOLE, Part, PlanChoices, PlanKeywords, plan_choices
from dpe_toolkit.delivery.events import Remark, Tell, Warned, log_event
from dpe_toolkit.delivery.files import refuse_no_folders, refuse_over_plan
from dpe_toolkit.delivery.messages import in_words, merge_alike
from dpe_toolkit.delivery.plan_files import PLAN_SUFFIX, open_plan_file, plan_output, write_plan
from dpe_toolkit.delivery.ranges import ends_beyond, parse_span, pick_shots
from dpe_toolkit.planning import build_plan
from dpe_toolkit.plans.model import RenderPlan

if TYPE_CHECKING:
    from dpe_toolkit.core.outputs import Output
    from dpe_toolkit.plugins import Registry

__all__ = [
    "frames_text",
    "make_plan",
    "narrow",
    "open_plan",
    "plan",
    "refuse_faults",
    "registry_for",
    "write_part",
]


def plan(
    timeline: str | PathLike[str],
    *,
    frames: str | range | tuple[int, int] | None = None,
    shots: Sequence[str] = (),
    output: str | PathLike[str] | None = None,
    **fields: Unpack[PlanKeywords],
) -> RenderPlan:
    """What a render of the timeline would do, with every problem found in ``problems``.

    >>> plan = dpe_toolkit.plan("cut.otio", expression=0.8)  # doctest: +SKIP
    >>> [str(problem) for problem in plan.errors]  # doctest: +SKIP

    Args:
        timeline: an .otio, .otioz or .otiod file, or the .json file of a plan, which is then checked against what
            this machine has.
        frames: only these output frames: ``"48:96"``, ``"2s:4s"``, timecode, or a range.
        shots: only the shots of these names.
        output: a .json file to write the plan to.
        fields: see `dpe_toolkit.delivery.choices.PlanKeywords`; a plan's file takes none of them.

    Raises:
        TimelineError: the timeline cannot be read at all.
        PlanError: the file holds no plan, or there is no such shot.
        OptionsError: an argument is not accepted.
    """
    choices = plan_choices(fields)
    source = Path(timeline)
    part = Part(frames_text(frames), tuple(shots))
    return write_part(source, None if output is None else Path(output), choices, part)


def write_part(
    source: Path, output: Path | None, choices: PlanChoices, part: Part = WHOLE, *, tell: Tell = log_event
) -> RenderPlan:
    """As `plan`, with its arguments read."""
    writes = () if output is None else (plan_output(output),)
    made = open_plan(source, choices, part, registry=registry_for(source, choices), writes=writes, tell=tell)
    if output is not None:
        write_plan(made, output)
    return made


def frames_text(frames: str | range | tuple[int, int] | None) -> str | None:
    """A run of frames as `Part` takes it.

    Raises:
        OptionsError: a range with steps.
    """
    if frames is None or isinstance(frames, str):
        return frames
    if isinstance(frames, range):
        if frames.step != 1:
            raise OptionsError(f"frames {frames} leave some out", "a range without steps", "correct the frames")
        return f"{frames.start}:{frames.stop}"
    start, stop = frames
    return f"{start}:{stop}"


def registry_for(source: Path | RenderPlan, choices: PlanChoices) -> Registry:
    """The plugins that may be loaded for a timeline, the file of a plan, or a plan."""
    if isinstance(source, RenderPlan):
        return allowed_registry(None, source.timeline_path)
    if source.suffix.lower() == PLAN_SUFFIX:
        return allowed_registry()
    return allowed_registry(choices.project, source)


def open_plan(
    source: Path | RenderPlan,
    choices: PlanChoices,
    part: Part = WHOLE,
    *,
    registry: Registry,
    writes: Iterable[Output] = (),
    tell: Tell = log_event,
) -> RenderPlan:
    """The part that is wanted of a timeline's plan under these choices, of the plan in a .json file, or of a plan.

    Its problems are still in it. What a plan from a file needs is looked for on this machine.

    Args:
        source: the timeline, the plan's file, or the plan.
        choices: of the plan.
        part: what is wanted of it.
        registry: the plugins that may be loaded.
        writes: all that is to be written, which is compared with what the whole plan reads.
        tell: who is told what is worth saying.

    Raises:
        TimelineError: the timeline cannot be read at all.
        PlanError: the file holds no plan, or there is no such shot.
        OptionsError: choices that a plan in a file has already made, frames that are none of it, or an output that
            would replace what is read.
    """
    if isinstance(source, RenderPlan):
        _refuse_choices(source.timeline, choices)
        made = source
    elif source.suffix.lower() == PLAN_SUFFIX:
        _refuse_choices(source, choices)
        made = open_plan_file(source, registry)
    else:
        made = make_plan(source, choices, registry=registry)
    refuse_over_plan(writes, source, made)
    return narrow(made, part, tell=tell)


def make_plan(timeline: Path, choices: PlanChoices, *, registry: Registry) -> RenderPlan:
    """The plan of ``timeline`` under these choices, with its problems still in it."""
    refuse_no_folders(choices.media_roots, "--media-root")
    return build_plan(
        timeline,
        registry=registry,
        overrides=choices.options,
        edit_overrides=choices.edit,
        components=choices.components,
        project=choices.project,
        media_roots=choices.media_roots,
        weights=choices.weights,
        weights_dir=choices.weights_folder,
        fit=choices.fit,
        gaps=choices.gaps,
    )


def refuse_faults(made: RenderPlan, *, tell: Tell = log_event) -> None:
    """Tells the plan's warnings.

    Raises:
        PlanError: the plan has errors; it carries them all.
    """
    warnings = tuple(problem for problem in made.problems if problem.severity == "warning")
    if warnings:
        tell(Warned(warnings))
    errors = merge_alike(made.errors)
    if len(errors) == 1:
        (only,) = errors
        raise PlanError(f"{only.where}: {only.wrong}" if only.where else only.wrong, only.expected, only.action)
    if errors:
        raise PlanError(
            f"the plan has {len(errors)} errors, and nothing was rendered",
            action="correct the timeline or the options; 'dpe plan' shows the whole plan",
            problems=[in_words(problem) for problem in errors],
        )


def narrow(made: RenderPlan, part: Part, *, tell: Tell = log_event) -> RenderPlan:
    """The part of the plan that is wanted.

    Raises:
        OptionsError: no run of frames, or one that a shot asked for has no part in.
        PlanError: there is no such shot.
    """
    whole = {name for shot in made.shots for name in shot.names}
    if part.frames is not None:
        end = max((shot.record.stop for shot in made.shots), default=0)
        span = parse_span(part.frames, made.rate, num_frames=end, start_frame=made.start_frame)
        if ends_beyond(part.frames, made.rate, num_frames=end, start_frame=made.start_frame):
            tell(Remark(f"the timeline has {end} frames; --frames {part.frames} gives {len(span)}"))
        made = made.trim(span)
    if part.shots:
        left = {name for shot in made.shots for name in shot.names}
        for name in part.shots:
            if name in whole - left:
                raise OptionsError(
                    f"shot {name!r} has none of the frames {part.frames}",
                    "a shot and frames that meet",
                    "leave out --frames, or correct it",
                )
        made = pick_shots(made, part.shots)
    return made


def _refuse_choices(source: Path | str, choices: PlanChoices) -> None:
    if choices.given:
        raise OptionsError(
            f"{choices.given[0]} does not go with a plan, which says already what is done",
            "the timeline, or a plan without options of the edit",
            "give it to 'dpe plan TIMELINE -o plan.json'",
            path=source,
        )
