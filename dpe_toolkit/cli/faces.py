"""``dpe faces``: who is seen in the shots of a timeline, as a sheet of images with names to choose by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.machine import MachineChoices
from dpe_toolkit.cli.screen import help_text, note, print_table

__all__ = ["HELP", "run"]

HELP = help_text(
    "Show who is seen in each shot, source and driver, as a sheet of faces.",
    "Below each face stands what to write to mean it, e.g. track:120,0.34,0.27: in --source-face and --driver-face of "
    "'dpe edit' and 'dpe link', or under 'face' in the effect. It goes on meaning that face when others come and go.",
    examples=(
        "dpe faces cut.otio -o sheet.png",
        "dpe faces cut.otio -o sheet.png --shot sh010",
    ),
)


def run(
    timeline: TimelineArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Sheet to write, .png.")],
    shot: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this shot; may be given again.")] = None,
    amounts: AmountChoices,
    parts: PartChoices,
    where: MachineChoices,
) -> None:
    """Looks for faces, writes the sheet, and lists what stands on it."""
    from dpe_toolkit.cli.asked import plan_choices, running
    from dpe_toolkit.delivery.faces import write_sheet

    with running(where) as run:
        sheet = write_sheet(timeline, output, shot or (), plan_choices(amounts, parts), run)
    rows = ((f"{face.shot}, {face.role}", face.choice, str(face.num_frames)) for face in sheet.faces)
    print_table(("shot", "face", "frames"), rows, title=f"{len(sheet.faces)} faces")
    note(str(output), label="wrote", style="green")
