"""Options of a render shot by shot, for `expand_options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.screen import note
from dpe_toolkit.delivery.choices import MOST_HANDLES

if TYPE_CHECKING:
    from dpe_toolkit.delivery.shot_files import ShotFiles, ShotFilesReport

__all__ = ["ShotFileChoices", "print_files"]

_SHOTS = "Shot by shot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFileChoices:
    """Each edited shot as a file of its own."""

    per_shot: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write each edited shot as a file of its own into this folder, at its media's rate and size, and a "
            "timeline that shows these files; -o names the timeline.",
            rich_help_panel=_SHOTS,
        ),
    ] = None
    handles: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_HANDLES,
            metavar="FRAMES",
            help="With --per-shot: media frames before and behind each shot, as far as there are any.",
            rich_help_panel=_SHOTS,
        ),
    ] = 0
    template: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="With --per-shot: names of the files, from {shot}, {id}, {source} and {timeline}. Its suffix, .mov "
            "unless it has one, and --codec choose the codec.",
            rich_help_panel=_SHOTS,
        ),
    ] = "{shot}_{id}"
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="With --per-shot: format of the timeline, otio, fcp7, edl, fcpx, kdenlive or aaf; by default what the "
            "suffix of -o says. What the format loses is said.",
            rich_help_panel=_SHOTS,
        ),
    ] = None

    def files(self, folder: Path) -> ShotFiles:
        """How the files in this folder are to be."""
        from dpe_toolkit.delivery.shot_files import ShotFiles

        return ShotFiles(folder, self.handles, self.template, self.form)


def print_files(report: ShotFilesReport) -> None:
    """Says where the timeline is, and what its format loses."""
    if report.loses:
        note(report.loses, label="note")
    note(f"{report.timeline} ({len(report.files)} edited shots)", label="wrote", style="green")
