"""``dpe relink``: media that were moved are found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.choices import TimelineArgument
from dpe_toolkit.cli.screen import help_text, note, print_table, say

__all__ = ["HELP", "run"]

HELP = help_text(
    "Find media that were moved, and write a timeline that shows them.",
    "A file is taken where its name is that of the media and its timecode and length agree with what the timeline "
    "says. Where several do, that is said and nothing is guessed. Exits with 2 where media are missing or ambiguous.",
    examples=("dpe relink cut.otio --search /footage -o cut_here.otio",),
)
_NOT_ALL = 2


def run(
    timeline: TimelineArgument,
    *,
    search: Annotated[
        list[Path], typer.Option(metavar="FOLDER", help="Look in here and all below; may be given again.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Timeline to write, .otio.")],
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Looks, writes and reports."""
    from dpe_toolkit.delivery.cuts import relink_media

    found = relink_media(timeline, search, output)
    rows = [(one.clip, one.media, one.status, ", ".join(map(str, one.files))) for one in found.media]
    if as_json:
        keys = ("clip", "media", "status")
        shots = [
            dict(zip(keys, row, strict=False)) | {"files": [*map(str, one.files)]}
            for row, one in zip(rows, found.media, strict=True)
        ]
        say(json.dumps({"output": str(output), "media": shots}, indent=2))
    else:
        print_table(("clip", "media", "what became of it", "file"), rows)
    note(str(output), label="wrote", style="green")
    if not found.is_settled:
        raise typer.Exit(_NOT_ALL)
