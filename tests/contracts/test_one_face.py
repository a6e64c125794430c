"""The face mesh has one home: what its vertices and activities are called stands in dpe_toolkit.face alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpe_toolkit.face.blendshapes import BLENDSHAPE_NAMES
from dpe_toolkit.face.topology import NUM_MESH_VERTICES

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "dpe_toolkit" / "face"
LONG = 12
"""Entries from which a list is one of the model's and no choice of a few vertices."""
SOURCES = sorted(
    path
    for folder in ("dpe_toolkit", "plugins", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if HOME not in path.parents
)


def entries(node: ast.AST) -> Iterator[object]:
    """Constants that a literal lists, in literals within it too."""
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            for entry in node.elts:
                yield from entries(entry)
        case ast.Starred():
            yield from entries(node.value)
        case ast.Constant():
            yield node.value


def long_lists(source: str) -> list[int]:
    """Lines of literals that list vertices of the mesh, or names of activities."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            values = list(entries(node))
            names = {value for value in values if value in BLENDSHAPE_NAMES}
            vertices = [value for value in values if type(value) is int and 0 <= value < NUM_MESH_VERTICES]
            # Vertices come in the order of the face. What only counts upward (bins, positions, frames) is none.
            if len(names) >= LONG or (len(set(vertices)) >= LONG and vertices != sorted(vertices)):
                lines.append(node.lineno)
    return lines


def test_long_lists_of_vertices_and_activities_stand_in_the_face_package_alone() -> None:
    found = {path: lines for path in SOURCES if (lines := long_lists(path.read_text(encoding="utf-8")))}
    assert not found, "take what these lines list from dpe_toolkit.api"


@pytest.mark.parametrize("file", ["topology.py", "blendshapes.py", "regions.py"])
def test_the_lists_of_the_face_package_would_be_found_elsewhere(file: str) -> None:
    assert long_lists((HOME / file).read_text(encoding="utf-8"))


def test_the_face_package_names_no_component() -> None:
    named = [path.name for path in HOME.rglob("*.py") if "face_mesh" in path.read_text(encoding="utf-8")]
    assert not named
