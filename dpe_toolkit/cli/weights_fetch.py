"""``dpe weights fetch``: weights downloaded into the weights folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dpe_toolkit.cli.choices import WeightsDirOption
from dpe_toolkit.cli.screen import help_text, note, notes_console

if TYPE_CHECKING:
    from dpe_toolkit.delivery.weights import StoredWeights

__all__ = ["HELP", "BranchOption", "LicenceOption", "NameArgument", "fetch_weights", "report_weights"]

HELP = help_text(
    "Download weights, check them and keep them under a name.",
    "A download that broke off goes on where it stopped. Only https is downloaded from. Mind the licence: "
    "'dpe weights list' says what the publisher states.",
    examples=("dpe weights fetch dpe", "dpe weights fetch mine --address https://example.org/w.safetensors"),
)


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of weights.")]
BranchOption = Annotated[
    Literal["pose", "exp"] | None,
    typer.Option(help="Branch that edits the expression; by default what the file says, pose in released files."),
]
LicenceOption = Annotated[str | None, typer.Option(metavar="TEXT", help="Licence of the weights, to be kept.")]


def fetch_weights(
    name: NameArgument,
    *,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the file lies; by default what the toolkit knows.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Digest that the file must have, if you know it.")
    ] = None,
    branch: BranchOption = None,
    licence: LicenceOption = None,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Downloads into the weights folder and imports from there."""
    from dpe_toolkit.delivery import weights

    with _shown_download(name) as progress:
        stored = weights.fetch_weights(
            name,
            address=address,
            sha256=sha256,
            branch=branch,
            licence=licence,
            folder=weights_dir,
            progress=progress,
        )
    report_weights(stored)


def report_weights(stored: StoredWeights) -> None:
    """Says what weights were kept, and whether their licence is known."""
    from dpe_toolkit.delivery.weights import in_short

    what, licence = in_short(stored)
    header = stored.record.header
    branch = "" if header is None else f", branch {header.expression_branch!r} edits the expression"
    note(f"{stored.name}: {what}{branch}, licence {licence!r}", label="imported", style="green")
    if licence == "unknown":
        note("the file states no licence: look up what its publisher allows", label="note", style="yellow")


@contextmanager
def _shown_download(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Gives what to tell of a download's progress, drawn as a bar in a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = notes_console()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"download {name}", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
