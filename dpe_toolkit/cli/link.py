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
    performance: PerformanceChoices,
    amounts: AmountChoices,
) -> None:
    """Writes the timeline and says under which id the edit stands."""
    from dpe_toolkit.cli.edit import read_performance
    from dpe_toolkit.timeline import link_clip

    played = read_performance(driver, performance, amounts)
    identity = link_clip(timeline, output, clip=clip, performance=played)
    note(f"{output} (clip {clip!r}, edit {identity})", label="wrote", style="green")
