"""``dpe edit``: two clips, no timeline needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, PerformanceChoices
from dpe_toolkit.cli.machine import MachineChoices
from dpe_toolkit.cli.outputs import OutputOption, WriteChoices
from dpe_toolkit.cli.screen import help_text, note

__all__ = ["HELP", "run"]

HELP = help_text(
    "Give the face in SOURCE the expression of the face in DRIVER.",
    "Makes the timeline for you and keeps it beside the output, as OUTPUT.otio: open it in your editor, or render it "
    "again with other settings. Faces that were found once are not looked for again.",
    examples=(
        "dpe edit actor.mp4 smile.mp4 -o edited.mp4",
        "dpe edit actor.mp4 smile.mp4 -o out.mov --start 2s --expression 0.8",
        "dpe edit actor.mp4 smile.mp4 -o out.mkv --regions mouth,brows",
    ),
)


def run(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Footage to edit.")],
    driver: Annotated[Path, typer.Argument(metavar="DRIVER", help="Footage of the performance.")],
    *,
    output: OutputOption,
    performance: PerformanceChoices,
    amounts: AmountChoices,
    parts: PartChoices,
    write: WriteChoices,
    where: MachineChoices,
) -> None:
    """Writes the timeline, then renders it as ``dpe render`` does."""
    from dpe_toolkit.cli.asked import plan_choices, print_report, running
    from dpe_toolkit.delivery.edit import edit_files
    from dpe_toolkit.delivery.video import settings_of

    choices, settings = plan_choices(amounts, parts), settings_of(write.settings)
    with running(where) as run:
        made = edit_files(source, driver, output, performance, choices, part=write.part, settings=settings, run=run)
    if not where.quiet:
        note(str(made.timeline), label="wrote", style="green")
        print_report(made.render)
