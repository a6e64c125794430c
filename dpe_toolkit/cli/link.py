"""``dpe link``: puts a driver under a clip of an existing timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PerformanceChoices, TimelineArgument
from dpe_toolkit.cli.screen import help_text, note

__all__ = ["HELP", "run"]

HELP = help_text(
    "Link a driver to a clip of a timeline.",
    "Writes the timeline with the edit in it, and beside it a .dpe.json from which the edit is found again after an "
    "editing program dropped what it does not know. The media are not touched.",
    examples=(
        "dpe link cut.otio --clip sh010 --driver smile.mp4 -o cut_dpe.otio",
        "dpe link cut.otio --clip 'sh010#2' --driver sad.mp4 --start 2s -o v2.otio",
    ),
)


def run(
    timeline: TimelineArgument,
    *,
    clip: Annotated[
        str, typer.Option(metavar="NAME", help="Clip to edit; where several share a name, NAME#2 is the second.")
    ],
    driver: Annotated[Path, typer.Option(metavar="FILE", help="Footage of the performance.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Timeline to write, .otio.")],
    frames: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Only this part of the clip, from its first frame: 10:40, 1s:2s or timecode."),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Find the driver's start by the sound, as 'dpe sync' does.")
    ] = False,
    performance: PerformanceChoices,
    amounts: AmountChoices,
) -> None:
    """Writes the timeline and says under which id the edit stands."""
    from dpe_toolkit.cli.asked import plan_choices, printing
    from dpe_toolkit.delivery.performance import link_driver

    identity = link_driver(
        timeline,
        driver,
        output,
        clip=clip,
        place=performance,
        choices=plan_choices(amounts),
        frames=frames,
        sync=sync,
        tell=printing(),
    )
    note(f"{output} (clip {clip!r}, edit {identity})", label="wrote", style="green")
