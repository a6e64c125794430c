"""Whole distributions of new plugins, written from templates."""

from __future__ import annotations

from dpe_toolkit.plugins.scaffold.writing import SCAFFOLD_KINDS, NewPlugin, write_plugin

__all__ = ["SCAFFOLD_KINDS", "NewPlugin", "write_plugin"]
