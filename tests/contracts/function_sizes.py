"""Finds functions that are longer, or take more positional arguments, than the house style allows.

Run as ``python tests/contracts/function_sizes.py FOLDER...``; exits with 1 where one is found.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_LINES = 60
MAX_NETWORK_INIT_LINES = 80
MAX_POSITIONAL = 5


def oversized(path: Path) -> Iterator[str]:
    """One line for each function of ``path`` that is over a limit."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        limit = MAX_NETWORK_INIT_LINES if node.name == "__init__" and "networks" in path.parts else MAX_LINES
        if lines > limit:
            yield f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {limit} are allowed"
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        positional = len(names) - (names[:1] in (["self"], ["cls"]))
        if positional > MAX_POSITIONAL:
            yield f"{path}:{node.lineno}: {node.name} takes {positional} positional arguments, at most {MAX_POSITIONAL}"


def main(folders: list[str]) -> int:
    """0 where every function under ``folders`` keeps the limits."""
    found = [line for folder in folders for path in sorted(Path(folder).rglob("*.py")) for line in oversized(path)]
    print("\n".join(found) if found else "Function sizes kept.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
