"""Files are written by ``core/files.py`` alone, those of plugins included: whole, and with the permissions they had."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dpe_toolkit

ROOT = Path(dpe_toolkit.__file__).parents[1]
OWNER = ROOT / "dpe_toolkit" / "core" / "files.py"
SOURCES = sorted([*(ROOT / "dpe_toolkit").rglob("*.py"), *(ROOT / "plugins").glob("*/dpe_*/**/*.py")])
HIDDEN = {"append_to", "folder_written_whole", "replaced", "replaced_folder", "staged", "written_whole"}
"""What gives a hidden file or folder, into which libraries and callers may write as they like."""
WRITING_METHODS = {"touch", "write_bytes", "write_text"}
RENAMING = {"os.link", "os.remove", "os.rename", "os.renames", "os.replace", "os.symlink"}
COPYING = {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move"}
TEMPORARY = {"tempfile.NamedTemporaryFile", "tempfile.TemporaryFile", "tempfile.mkstemp", "tempfile.mktemp"}
GIVEN_A_HIDDEN_FILE = {
    (
        "dpe_toolkit/media/write/writer.py",
        "av.open",
    ),  # VideoWriter opens what it got of written_whole or folder_written_whole
    ("dpe_toolkit/checkpoint/store.py", "shutil.copyfile"),  # what WeightsStore.add got of replaced
    ("plugins/face_mesh/dpe_face_mesh/bundle.py", "Path(os.devnull).open"),
}
"""Writers that are handed the hidden file that another function got, and one that writes nowhere."""


def faults(text: str) -> Iterator[tuple[int, str]]:
    """Line and what is written there past ``core/files.py``."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    outside = [node for node in ast.walk(tree) if id(node) not in inside]
    for nodes in (outside, *(list(ast.walk(function)) for function in functions)):
        hidden = {name for node in nodes for name in hidden_names(node)}
        for node in nodes:
            if isinstance(node, ast.Call) and (what := written(node)) and not (names(node) & hidden):
                yield node.lineno, what


def hidden_names(node: ast.AST) -> Iterator[str]:
    """What a ``with`` or an assignment calls a hidden file that it got."""
    bound: list[tuple[ast.expr, ast.AST | None]] = []
    if isinstance(node, ast.With):
        bound = [(item.context_expr, item.optional_vars) for item in node.items]
    elif isinstance(node, ast.Assign):
        bound = [(node.value, target) for target in node.targets]
    for value, target in bound:
        calls = [one for one in ast.walk(value) if isinstance(one, ast.Call)]
        if isinstance(target, ast.Name) and any(called(call).rpartition(".")[2] in HIDDEN for call in calls):
            yield target.id


def names(node: ast.Call) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def called(node: ast.Call) -> str:
    try:
        return ast.unparse(node.func)
    except ValueError:
        return ""


def written(node: ast.Call) -> str:
    """The call, where it writes, renames or copies a file."""
    name = called(node)
    method = name.rpartition(".")[2]
    if name in RENAMING | COPYING | TEMPORARY:
        return name
    if isinstance(node.func, ast.Attribute) and method in WRITING_METHODS:
        return name
    if isinstance(node.func, ast.Attribute) and method in {"rename", "replace"} and len(node.args) == 1:
        # str.replace takes two, dataclasses.replace() is no method of a path or has keywords.
        return "" if node.keywords else name
    if method == "open" and any(mode_writes(one) for one in (*node.args, *(key.value for key in node.keywords))):
        return name
    return ""


def mode_writes(node: ast.expr) -> bool:
    """True for a literal that is a mode of a file to be written."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value):
        return False
    return set(node.value) <= set("rwaxbt+") and bool(set(node.value) & set("wax+"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_else_writes_files(path: Path) -> None:
    if path == OWNER:
        return
    name = path.relative_to(ROOT).as_posix()
    found = faults(path.read_text(encoding="utf-8"))
    assert [(line, what) for line, what in found if (name, what) not in GIVEN_A_HIDDEN_FILE] == []


def test_every_exception_is_still_one() -> None:
    found = {(name, what) for name, _ in GIVEN_A_HIDDEN_FILE for _, what in faults((ROOT / name).read_text("utf-8"))}
    assert found == GIVEN_A_HIDDEN_FILE


@pytest.mark.parametrize(
    "text",
    [
        "open('a', 'w')",
        "path.open('ab')",
        "path.open(mode='x')",
        "path.write_text('a')",
        "path.with_name('b').write_bytes(b'')",
        "os.replace(a, b)",
        "part.replace(target)",
        "part.rename(target)",
        "shutil.copyfile(a, b)",
        "tempfile.mkstemp()",
        "av.open(f'file:{path}', 'w', format='mp4')",
        "with other(path) as part:\n    part.write_text('a')",
        "with replaced(self.path) as part:\n    self.path.write_text('a')",
        "def f():\n    with replaced(path) as part:\n        pass\ndef g():\n    part.replace(path)",
    ],
)
def test_each_way_of_writing_is_found(text: str) -> None:
    assert list(faults(text))


@pytest.mark.parametrize(
    "text",
    [
        "path.open('rb')",
        "open(path)",
        "text.replace('a', 'b')",
        "replace(record, name='a')",
        "with replaced(path) as part:\n    part.write_text('a')",
        "with replaced(path) as part, part.open('wb') as file:\n    file.write(b'')",
        "part = stack.enter_context(replaced(path))\npart.write_bytes(b'')",
    ],
)
def test_reading_and_writing_a_hidden_file_is_no_fault(text: str) -> None:
    assert not list(faults(text))
