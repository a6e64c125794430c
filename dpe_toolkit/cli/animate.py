"""``dpe animate``: one portrait, made to move as a driver does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli import edit
from dpe_toolkit.cli.choices import AmountChoices, PartChoices, PerformanceChoices
from dpe_toolkit.cli.named import as_usage, refuse_output
from dpe_toolkit.cli.outputs import OutputOption, RunChoices, WriteChoices
from dpe_toolkit.cli.screen import help_text, note
from dpe_toolkit.cli.work import output_settings

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
_GENERATOR = "dpe/expression"
_COMPOSITOR = "crop"


def run(
    portrait: Annotated[Path, typer.Argument(metavar="PORTRAIT", help="Picture of a face.")],
    driver: Annotated[Path, typer.Argument(metavar="DRIVER", help="Footage of the performance.")],
    *,
    output: OutputOption,
    performance: PerformanceChoices,
    amounts: AmountChoices,
    parts: PartChoices,
    write: WriteChoices,
    where: RunChoices,
) -> None:
    """Writes the still as a film, then edits it as ``dpe edit`` does; expression and pose follow the driver."""
    from dpe_toolkit.media import probe, write_still_clip

    components = {"generator": _GENERATOR, "compositor": _COMPOSITOR, **parts.components}
    if str(components["generator"]).startswith("dpe/"):
        # The head moves, so more than the face is shown; a shot's default pose amount is 0.
        parts = dataclasses.replace(parts, components=components)
        if "pose" not in amounts.model_fields_set:
            amounts = amounts.model_copy(update={"pose": 1.0})
    refuse_output(output, reads=(portrait, driver), pictures=write.writes_pictures)
    output_settings(output, write)
    with as_usage():
        for given in (portrait, driver):
            probe(given)
    film = output.with_name(output.name + ".portrait.mkv")
    write_still_clip(portrait, film, like=driver)
    if not where.quiet:
        note(str(film), label="wrote", style="green")
    edit.run(
        film, driver, output=output, performance=performance, amounts=amounts, parts=parts, write=write, where=where
    )
