"""The ``dpe`` program: one small module a command, each of which parses, calls and prints."""

from __future__ import annotations

from dpe_toolkit.cli.app import app, main

__all__ = ["app", "main"]
