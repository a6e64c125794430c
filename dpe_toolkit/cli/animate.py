"""``dpe animate``: one portrait, made to move as a driver does."""

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
    "Make the face in PORTRAIT, a still, talk and move as the face in DRIVER does.",
    "The result is as long as the driver, with its frame rate and sound. Needs weights of the DPE network, unless "
    "another generator is named. The still as a film and the timeline are kept beside the output, as "
    "OUTPUT.portrait.mkv and OUTPUT.otio.",
    examples=(
        "dpe animate portrait.jpg speech.mp4 -o talking.mp4 --weights dpe",
        "dpe animate portrait.jpg speech.mp4 -o talking.mp4 --generator mesh",
    ),
)


def run(
    portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="Image of a face.")],
    driver: Annotated[Path, typer.Argument(metavar="DRIVER", help="Footage of the performance.")],
    *,
    output: OutputOption,
    performance: PerformanceChoices,
    amounts: AmountChoices,
    parts: PartChoices,
    write: WriteChoices,
    where: MachineChoices,
) -> None:
    """Writes the still as a film, then edits it as ``dpe edit`` does; expression and pose follow the driver."""
    from dpe_toolkit.cli.asked import plan_choices, print_report, running
    from dpe_toolkit.delivery.edit import edit_still
    from dpe_toolkit.delivery.video import settings_of

    choices, settings = plan_choices(amounts, parts), settings_of(write.settings)
    with running(where) as run:
        made = edit_still(portrait, driver, output, performance, choices, part=write.part, settings=settings, run=run)
    if not where.quiet:
        note(str(made.timeline), label="wrote", style="green")
        print_report(made.render)
