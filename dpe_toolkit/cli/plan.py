"""``dpe plan``: what a render would do, and everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.screen import help_text, note, print_problems, print_table, say
from dpe_toolkit.cli.shots import edit_words, edited_shots, picture_words
from dpe_toolkit.core.timing import format_timecode
from dpe_toolkit.delivery.choices import Part

if TYPE_CHECKING:
    from dpe_toolkit.plans.model import RenderPlan, ShotPlan

__all__ = ["HELP", "run"]

HELP = help_text(
    "Show what a render of the timeline would do, without rendering.",
    "Lists every shot, and all problems at once. Exits with 2 where something forbids the render.",
    "A plan that was written is an input: TIMELINE may be a plan, here and for 'dpe render', 'dpe still' and "
    "'dpe faces'. It is looked at whether this machine has what it needs. A part of it renders to the same pixels "
    "anywhere.",
    examples=(
        "dpe plan cut.otio",
        "dpe plan cut.otio --explain --expression 0.8",
        "dpe plan cut.otio --frames 0:48 -o chunk.json",
        "dpe plan cut.otio --json > plan.json",
    ),
)

_FORBIDDEN = 2


def run(
    timeline: TimelineArgument,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The whole plan as JSON.")] = False,
    explain: Annotated[bool, typer.Option(help="Also say where each value came from.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the plan, .json; 'dpe render' and 'dpe still' take it."
        ),
    ] = None,
    shot: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this shot; may be given again.")] = None,
    frames: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Only the output frames from A up to B, B left out, as for 'dpe render'."),
    ] = None,
    amounts: AmountChoices,
    parts: PartChoices,
) -> None:
    """Plans and prints."""
    from dpe_toolkit.cli.asked import plan_choices, printing
    from dpe_toolkit.delivery.plan import write_part

    part = Part(frames, tuple(shot or ()))
    plan = write_part(timeline, output, plan_choices(amounts, parts), part, tell=printing())
    if as_json:
        say(plan.model_dump_json(indent=2))
    else:
        _print_shots(plan)
        if explain:
            _print_origins(plan)
        print_problems(plan.problems)
    if output is not None:
        note(str(output), label="wrote", style="green")
    if plan.errors:
        raise typer.Exit(_FORBIDDEN)


def _print_shots(plan: RenderPlan) -> None:
    size = f"{plan.width}x{plan.height}" if plan.width else "size unknown"
    title = f"{plan.timeline}: {size}, {plan.rate} frames a second, {plan.num_frames} frames"
    columns = ("shot", "output", "frames", "source", "driver", "edit")
    print_table(columns, (_row(plan, shot) for shot in plan.shots), title=title)
    edited = sum(any(edited_shots(shot)) for shot in plan.shots)
    note(f"{edited} of {len(plan.shots)} shots are edited")


def _row(plan: RenderPlan, shot: ShotPlan) -> tuple[str, ...]:
    start = format_timecode(plan.start_frame + shot.record_start, plan.rate)
    edits = [edit_words(one) for one in edited_shots(shot)] or [("", "passed through")]
    driver, edit = ("; ".join(words) for words in zip(*edits, strict=True))
    return (" > ".join(shot.names), start, str(shot.num_frames), picture_words(shot), driver, edit)


def _print_origins(plan: RenderPlan) -> None:
    from dpe_toolkit.planning import explain

    print_table(("shot", "what", "value", "from"), explain(plan))
