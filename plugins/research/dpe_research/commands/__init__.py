"""The commands ``dpe dataset``, ``dpe train`` and ``dpe evaluate``: each parses, calls and prints."""

from __future__ import annotations

import typer

from dpe_research.commands import dataset, evaluate, train

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Adds all three to the program."""
    app.command("train", help=train.HELP)(train.run)
    app.add_typer(dataset.app, name="dataset")
    app.add_typer(evaluate.app, name="evaluate")
