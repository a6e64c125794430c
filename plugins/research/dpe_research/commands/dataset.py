"""``dpe dataset``: building, checking and showing datasets of talking-head clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_research.commands import dataset_build, dataset_synth
from dpe_toolkit.api import DatasetError, OptionsError
from dpe_toolkit.api.commands import counted_frames, expand_options, help_text, note, print_table, refuse_output, say

if TYPE_CHECKING:
    from dpe_research.dataset.statistics import DatasetStatistics

__all__ = ["app"]

_CHECK = help_text(
    "Check a dataset: every shard, digest, place, shape and count, and the splits.",
    "Every fault is named; the exit code is 1 where there is one.",
    examples=("dpe dataset check faces",),
)
_SHOW = help_text(
    "Show what a dataset holds: counts, what was dropped, how pose and expression are spread.",
    "The bars are a histogram from the 1st to the 99th percentile.",
    examples=("dpe dataset show faces", "dpe dataset show faces -o sheet.png", "dpe dataset show faces --json"),
)

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the dataset.")]

app = typer.Typer(help="Datasets of talking-head clips: build, render, check, show.", no_args_is_help=True)
app.command("build", help=dataset_build.HELP)(expand_options(dataset_build.run))
app.command("synth", help=dataset_synth.HELP)(expand_options(dataset_synth.run))


@app.command("check", help=_CHECK)
def check(folder: FolderArgument) -> None:
    """Says so where all is well, and names every fault where it is not."""
    from dpe_research.dataset import FaceDataset
    from dpe_research.dataset.checking import check_dataset

    dataset = FaceDataset.open(folder)
    frames = sum(clip.num_frames for clip in dataset.clips())
    with counted_frames("check", frames) as advanced:
        faults = check_dataset(dataset, advanced)
    for fault in faults:
        note(fault, label="error", style="bold red")
    if faults:
        raise DatasetError(
            f"the dataset has {len(faults)} {'fault' if len(faults) == 1 else 'faults'}",
            action="copy it again, or build it anew",
            path=folder,
        )
    note(f"{len(dataset.clips())} clips, {frames} frames, all as they were written", label="checked", style="green")


@app.command("show", help=_SHOW)
def show(
    folder: FolderArgument,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PNG", help="Contact sheet to write.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Prints the table, and draws the sheet where one is asked for."""
    from dpe_research.dataset import FaceDataset
    from dpe_research.dataset.statistics import contact_sheet, dataset_statistics
    from dpe_toolkit.api.footage import write_png

    if output is not None:
        if output.suffix.lower() != ".png":
            raise OptionsError(f"{output.name!r} is no PNG", "a name that ends in .png", "correct --output")
        refuse_output(output)
    dataset = FaceDataset.open(folder)
    with counted_frames("read", sum(clip.num_frames for clip in dataset.clips())) as advanced:
        found = dataset_statistics(dataset, advanced)
    _print_statistics(found, as_json=as_json)
    if output is not None:
        write_png(output, contact_sheet(dataset))
        note(str(output), label="wrote", style="green")


def _print_statistics(found: DatasetStatistics, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        say(json.dumps(asdict(found), indent=2, ensure_ascii=False))
        return
    print_table(("split", "clips", "frames", "identities"), [tuple(map(str, row)) for row in found.counts])
    if found.dropped:
        say("")
        print_table(("dropped", "times", "frames"), [tuple(map(str, row)) for row in found.dropped])
    if found.spreads:
        say("")
        rows = [
            (one.name, f"{one.low:.2f}", f"{one.middle:.2f}", f"{one.high:.2f}", one.histogram) for one in found.spreads
        ]
        print_table(("over all frames", "1 %", "median", "99 %", "spread"), rows)
