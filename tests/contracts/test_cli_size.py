"""The command line only parses, calls and prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dpe_toolkit.cli

MODULES = sorted(Path(dpe_toolkit.cli.__file__).parent.glob("*.py"))
MAX_LINES = 150
WORKERS = ("analysis", "checkpoint", "geometry", "media", "networks", "rendering", "timeline")
"""Packages that do the work: what commands want of them stands in `dpe_toolkit.delivery`."""


def imported(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in a file, but for types alone."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            nodes += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_of_the_command_line_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_command_line_leaves_the_work_to_others(path: Path) -> None:
    forbidden = tuple(f"dpe_toolkit.{name}" for name in WORKERS)
    found = [name for name in imported(path) if name.startswith(forbidden) or name in ("av", "cv2", "numpy", "torch")]
    assert found == [], f"{path.name} does work itself: let dpe_toolkit.delivery do it"
