"""``dpe relink``: media that were moved are found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import TimelineArgument
from dpe_toolkit.cli.screen import help_text, note, print_table, say
from dpe_toolkit.core.errors import MediaError, OptionsError
from dpe_toolkit.delivery.files import refuse_output

if TYPE_CHECKING:
    from dpe_toolkit.timeline.relink import FileTimes

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
    from dpe_toolkit.timeline.relink import relink

    for folder in search:
        if not folder.is_dir():
            raise OptionsError("it is no folder", "a folder that exists", "correct --search", path=folder)
    refuse_output(output, reads=[timeline])
    found = relink(timeline, output, search, _times)
    rows = [(one.clip, one.media, one.status, ", ".join(map(str, one.files))) for one in found]
    if as_json:
        keys = ("clip", "media", "status")
        shots = [
            dict(zip(keys, row, strict=False)) | {"files": [*map(str, one.files)]}
            for row, one in zip(rows, found, strict=True)
        ]
        say(json.dumps({"output": str(output), "media": shots}, indent=2))
    else:
        print_table(("clip", "media", "what became of it", "file"), rows)
    note(str(output), label="wrote", style="green")
    if any(one.status in ("missing", "ambiguous") for one in found):
        raise typer.Exit(_NOT_ALL)


def _times(path: Path) -> FileTimes | None:
    from dpe_toolkit.media import probe
    from dpe_toolkit.timeline.relink import FileTimes

    try:
        info = probe(path)
    except MediaError:
        return None
    return FileTimes(info.start_frame / info.rate, info.num_frames / info.rate)
