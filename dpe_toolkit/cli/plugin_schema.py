"""``dpe plugins schema``: what editors of text complete and check a project file with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from dpe_toolkit.cli.screen import help_text, note, say

__all__ = ["HELP", "print_schema"]

HELP = help_text(
    "Print the JSON schema of a project file, or of a timeline's effect, with every installed component's options.",
    "Text editors that know JSON schemas complete and check what you type: name the file in the first line of "
    "dpe.toml, as '#:schema dpe.schema.json'.",
    examples=("dpe plugins schema -o dpe.schema.json", "dpe plugins schema --of effect"),
)

Of = Literal["project", "effect"]


def print_schema(
    *,
    of: Annotated[Of, typer.Option(help="Of dpe.toml, or of the metadata of an effect.")] = "project",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
) -> None:
    """Prints or writes the schema."""
    from dpe_toolkit.delivery.allowed import allowed_registry
    from dpe_toolkit.delivery.schemas import schema_text, write_schema

    text = schema_text(of, allowed_registry())
    if output is None:
        say(text)
        return
    write_schema(text, output)
    note(str(output), label="wrote", style="green")
