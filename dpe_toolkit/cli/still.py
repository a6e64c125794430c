"""``dpe still``: one frame of the timeline, source and result side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PartChoices, TimelineArgument
from dpe_toolkit.cli.machine import MachineChoices
from dpe_toolkit.cli.screen import help_text, note

__all__ = ["HELP", "run"]

HELP = help_text(
    "Write one frame of the timeline as an image: source on the left, result on the right.",
    "Only the shot of that frame is analysed, and what was analysed before is used again.",
    examples=(
        "dpe still cut.otio --frame 60 -o frame.png",
        "dpe still cut.otio --frame 00:00:02:12 -o mesh.png --mesh",
    ),
)


def run(
    timeline: TimelineArgument,
    *,
    frame: Annotated[str, typer.Option(metavar="TIME", help="Output frame: 60, 2.4s or timecode.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Image to write, e.g. .png.")],
    mesh: Annotated[bool, typer.Option("--mesh", help="Draw the points of the face on both.")] = False,
    amounts: AmountChoices,
    parts: PartChoices,
    where: MachineChoices,
) -> None:
    """Renders the frame and writes the image."""
    from dpe_toolkit.cli.asked import plan_choices, running
    from dpe_toolkit.delivery.still import write_still

    with running(where) as run:
        made = write_still(timeline, frame, output, plan_choices(amounts, parts), run, mesh=mesh)
    if not where.quiet:
        edited = f"edited, amount {made.amount:g}" if made.amount else "not edited"
        note(f"{output} (frame {made.frame}, shot {made.shot!r}, {edited})", label="wrote", style="green")
