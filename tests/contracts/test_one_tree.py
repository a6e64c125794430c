"""What is seen in a frame is a tree in one place alone: `dpe_toolkit.plans.images`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PRODUCT = Path(__file__).parents[2] / "dpe_toolkit"
# Trees of other things: what a timeline holds, and a nested dictionary of options.
HOUSES = ("plans", "planning", "rendering")


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in sorted(PRODUCT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield path.relative_to(PRODUCT), node


def fields(node: ast.ClassDef) -> Iterator[ast.expr]:
    return (line.annotation for line in node.body if isinstance(line, ast.AnnAssign))


def names(annotation: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(annotation) if isinstance(one, ast.Name)}


def trees() -> dict[str, set[str]]:
    """Classes of the three houses that hold others of their kind: file to their names."""
    held = {node.name: (path, {name for one in fields(node) for name in names(one)}) for path, node in classes()}
    found: dict[str, set[str]] = {}
    for name, (path, direct) in held.items():
        if path.parts[0] not in HOUSES:
            continue
        reached, left = set(direct), list(direct)
        while left:
            for more in held.get(left.pop(), (path, set()))[1] - reached:
                reached.add(more)
                left.append(more)
        if name in reached:
            found.setdefault(path.as_posix(), set()).add(name)
    return found


def test_one_tree_says_what_is_seen() -> None:
    assert trees() == {"plans/images.py": {"Dissolve", "Over"}}


def test_one_class_is_called_take() -> None:
    assert [path.as_posix() for path, node in classes() if node.name == "Take"] == ["plans/take.py"]


def test_takes_are_found_in_planning_alone() -> None:
    """Rendering compares takes by their ids: it never makes one, and hashes no plan to find out which it has."""
    for path in (PRODUCT / "rendering").glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        made = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
        asked = [call.func.attr for call in calls if isinstance(call.func, ast.Attribute)]
        assert "Take" not in made, path
        assert path.name == "record.py" or "model_dump_json" not in asked, path
