"""Only one module of the core moves tensors between devices."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "dpe_toolkit"
MOVERS = {
    "editing/handover.py",
    "face/codes.py",
    "face/differentiable.py",
    "testing/accelerator.py",
    "testing/fakes.py",
}
"""What moves tensors, the types that can be moved, maths that is done on the CPU with numbers of its own, the pretended
device, and what stands for plugins."""
ELSEWHERE = {"networks", "checkpoint"}
"""Packages that hold networks, not what a render passes on."""
DTYPES = {"bool", "float16", "float32", "float64", "int64", "long", "uint8"}


def moves(source: str) -> Iterator[int]:
    """Lines on which something is brought to a device; a change of type alone is none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in ("cpu", "cuda") or (name == "to" and not all(map(_is_type, node.args))):
                yield node.lineno


def _is_type(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Attribute) and argument.attr in DTYPES | {"dtype"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("codes.to(device)", True),
        ("x.cpu()", True),
        ("x.to(other)", True),
        ("x.to(device, torch.float32)", True),
        ("x.to(torch.uint8)", False),
        ("x.to(other.dtype)", False),
        ("shot.mix.to", False),
    ],
)
def test_moves_are_told_from_changes_of_type(source: str, found: bool) -> None:
    assert bool(list(moves(source))) is found


def test_the_handover_alone_moves_what_a_render_passes_on() -> None:
    files = [path.relative_to(ROOT) for path in sorted(ROOT.rglob("*.py"))]
    looked = [path for path in files if path.parts[0] not in ELSEWHERE and path.as_posix() not in MOVERS]
    assert len(looked) > 100
    found = [f"{path}:{line}" for path in looked for line in moves((ROOT / path).read_text(encoding="utf-8"))]
    assert not found, "bring it there by dpe_toolkit.editing.handover"
