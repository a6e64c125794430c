"""``dpe plugins new``: a whole distribution to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.screen import help_text, note
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.editing.stages import STAGES

__all__ = ["HELP", "new_plugin"]

HELP = help_text(
    "Write a new plugin: a whole distribution that installs, works and passes its tests.",
    "Its code is typed and short, and is meant to be replaced by yours; its tests say whether what you put there "
    "keeps what components promise. For encoder, motion and generator all three are written, since they are made "
    "for each other.",
    examples=("dpe plugins new soft_edge --kind compositor", "dpe plugins new my_net --kind generator --into src"),
)

_KINDS = "|".join(row.kind for row in STAGES if row.template)


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What timelines will call it, e.g. soft_edge.")],
    *,
    kind: Annotated[str, typer.Option(metavar=f"[{_KINDS}]", help="What it provides.")],
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to make its folder.")] = Path(),
) -> None:
    """Writes the distribution, and says what to do next."""
    from dpe_toolkit.plugins.scaffold import write_plugin

    _refuse_taken(name.replace("-", "_"))
    written = write_plugin(name, kind, into)
    note(f"{written.folder} ({len(written.files)} files)", label="wrote", style="green")
    note(f"next: pip install -e {written.folder}, then dpe plugins check {written.name}")


def _refuse_taken(name: str) -> None:
    """A second plugin or component of a name would not load beside the first.

    Raises:
        OptionsError: something that is installed is called that.
    """
    from dpe_toolkit.delivery.allowed import allowed_registry

    for info in allowed_registry().plugins:
        if name == info.name or name in {entry.component.name for entry in info.components}:
            raise OptionsError(
                f"{name!r} is taken by the installed plugin {info.label}", "a name that is free", "choose another name"
            )
