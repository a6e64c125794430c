"""Which plugins this machine and this project let in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dpe_toolkit.plugins import Registry

__all__ = ["VARIABLE", "allowed_plugins", "allowed_registry"]

VARIABLE = "DPE_PLUGINS"
"""Names of the only plugins that this machine loads, with commas between; empty or unset loads all."""


def allowed_plugins(project: Path | None = None, timeline: Path | None = None) -> frozenset[str] | None:
    """Names of the only plugins to load, or None for all.

    A project may only narrow what the machine allows: its file came with somebody's footage. A project file
    that cannot be read narrows nothing here; planning then reports it, before anything is made.

    Args:
        project: the project's file; None takes the one beside the timeline.
        timeline: the timeline; None leaves projects out.
    """
    named = os.environ.get(VARIABLE, "")
    machine = frozenset(filter(None, (part.strip() for part in named.split(",")))) or None
    stated = None
    if project is not None or timeline is not None:
        from dpe_toolkit.planning.settings import read_project

        stated = read_project(project, timeline or Path())[0].plugins.allow
    if machine is None or stated is None:
        return machine if stated is None else frozenset(stated)
    return machine & frozenset(stated)


def allowed_registry(project: Path | None = None, timeline: Path | None = None) -> Registry:
    """The plugins that may be loaded; arguments as for `allowed_plugins`."""
    from dpe_toolkit.plugins import load_registry

    return load_registry(allow=allowed_plugins(project, timeline))
