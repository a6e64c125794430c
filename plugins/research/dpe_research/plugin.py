"""Entry point of the plugin. It gives no components, only commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpe_toolkit.api import API_VERSION, hookimpl

if TYPE_CHECKING:
    import typer

__all__ = ["DPE_API_VERSION", "dpe_register_commands"]

DPE_API_VERSION = API_VERSION


@hookimpl
def dpe_register_commands(app: typer.Typer) -> None:
    """``dpe dataset``, ``dpe train`` and ``dpe evaluate``."""
    # Whoever edits and never trains pays nothing for what is installed.
    from dpe_research.commands import add_commands

    add_commands(app)
