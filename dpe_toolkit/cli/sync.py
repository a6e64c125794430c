"""``dpe sync``: where a driver must begin so that it is heard together with a clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.screen import help_text, say

if TYPE_CHECKING:
    from dpe_toolkit.delivery.performance import SyncReport

__all__ = ["HELP", "run"]

HELP = help_text(
    "Find where a driver must begin to be in sync with a clip, by their sound.",
    "SOURCE is footage, or a timeline and the name of one of its clips. The actor who gave the performance must have "
    "heard or spoken what is heard in the clip. A match that is not clearly better than all others is refused.",
    examples=(
        "dpe sync actor.mp4 smile.mp4",
        "dpe sync cut.otio smile.mp4 --clip sh010",
        "dpe link cut.otio --clip sh010 --driver smile.mp4 --sync -o cut_dpe.otio",
    ),
)


def run(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Footage, or a timeline.")],
    driver: Annotated[Path, typer.Argument(metavar="DRIVER", help="Footage of the performance.")],
    *,
    clip: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Clip of the timeline; where several share a name, NAME#2 is the second."),
    ] = None,
) -> None:
    """Says where the driver begins, and how surely."""
    from dpe_toolkit.delivery.performance import find_sync

    say(_in_words(find_sync(source, driver, clip), driver.name))


def _in_words(found: SyncReport, driver: str) -> str:
    seconds = float(found.match.shift_s)
    sure = f"confidence {found.match.confidence:.2f}"
    if seconds < 0:
        return f"{driver} begins {-seconds:.3f} s after {found.heard} does ({sure})"
    return f"{driver} is in sync with {found.heard} from {seconds:.3f} s, frame {found.start} ({sure})"
