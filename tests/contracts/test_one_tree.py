"""What is seen in a frame is a tree in one place alone: `dpe_toolkit.plans.images`."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

PRODUCT = Path(__file__).parents[2] / "dpe_toolkit"
# Trees of other things: what a timeline holds, and a nested dictionary of options.
HOUSES = ("plans", "planning", "rendering")


Held = tuple[str, str, set[str]]
"""File, name of a class or alias, and what it names."""
TREE = {"plans/images.py": {"Dissolve", "Over"}}


def names(annotation: ast.AST) -> set[str]:
    """What an annotation names, in text too."""
    found: set[str] = set()
    for one in ast.walk(annotation):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.isprintable():
            with contextlib.suppress(SyntaxError):
                found |= names(ast.parse(one.value, mode="eval").body)
    return found


def held(file: str, text: str) -> Iterator[Held]:
    """Each class of a file with what its fields name, and each alias of a type with what it names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            fields = (line.annotation for line in node.body if isinstance(line, ast.AnnAssign))
            yield file, node.name, {name for one in fields for name in names(one)}
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias" and node.value:
            yield file, ast.unparse(node.target), names(node.value)


@cache
def product() -> tuple[Held, ...]:
    """All that the product's files hold."""
    return tuple(
        one
        for path in sorted(PRODUCT.rglob("*.py"))
        for one in held(path.relative_to(PRODUCT).as_posix(), path.read_text(encoding="utf-8"))
    )


def trees(classes: Sequence[Held]) -> dict[str, set[str]]:
    """Classes and aliases of the three houses that hold others of their kind: file to their names."""
    known: dict[str, set[str]] = {}
    for _, name, direct in classes:
        # Two may share a name: then either may be meant.
        known.setdefault(name, set()).update(direct)
    found: dict[str, set[str]] = {}
    for file, name, direct in classes:
        if file.split("/")[0] not in HOUSES:
            continue
        reached, left = set(direct), list(direct)
        while left:
            for more in known.get(left.pop(), set()) - reached:
                reached.add(more)
                left.append(more)
        if name in reached:
            found.setdefault(file, set()).add(name)
    return found


def test_one_tree_says_what_is_seen() -> None:
    assert trees(product()) == TREE


@pytest.mark.parametrize(
    ("file", "text", "seen"),
    [
        ("rendering/layer.py", "class LayerNode:\n    below: LayerNode | None\n", {"LayerNode"}),
        ("planning/piece.py", "class Piece:\n    inner: 'tuple[Piece, ...]'\n", {"Piece"}),
        ("plans/mix.py", "class Shot:\n    mix: Mix\n\nclass Mix:\n    to: 'Shot | None'\n", {"Shot", "Mix"}),
        ("rendering/alias.py", "class Leaf:\n    up: Tree\n\nTree: TypeAlias = Leaf | None\n", {"Leaf", "Tree"}),
    ],
)
def test_a_second_tree_would_be_seen(file: str, text: str, seen: set[str]) -> None:
    assert trees((*product(), *held(file, text))) == {**TREE, file: seen}


def test_one_class_is_called_take() -> None:
    assert [file for file, name, _ in product() if name == "Take"] == ["plans/take.py"]


def test_takes_are_found_in_planning_alone() -> None:
    """Rendering compares takes by their ids: it never makes one, and hashes no plan to find out which it has."""
    for path in (PRODUCT / "rendering").glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        made = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
        asked = [call.func.attr for call in calls if isinstance(call.func, ast.Attribute)]
        assert "Take" not in made, path
        assert path.name == "record.py" or "model_dump_json" not in asked, path
