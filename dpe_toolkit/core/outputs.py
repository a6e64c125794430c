"""What may be written where: the one check of outputs, for planning, rendering and every command that writes.

A command names all that it is about to write and all that it reads, the whole timeline's files among them even where
it looks at one shot of it. What is refused is found before any work is done and before anything is touched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dpe_toolkit.core.errors import DpeError

__all__ = ["Output", "Refusal", "expect_outputs", "refusals"]

_KINDS = (
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file or folder that is to be written."""

    path: Path
    """Where."""
    is_folder: bool = False
    """A folder of files is written, which replaces one that is there."""
    suffixes: tuple[str, ...] = ()
    """Endings that its name may have, in lower case with the dot; any if empty."""
    name: str = "the output"
    """What messages call it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an output must not be written: the three parts of a message, and the output's path."""

    wrong: str
    expected: str
    action: str
    path: Path

    def error(self, kind: type[DpeError]) -> DpeError:
        """It as an error of a kind, to be raised."""
        return kind(self.wrong, self.expected, self.action, path=self.path)


def expect_outputs(
    outputs: Iterable[Output], reads: Iterable[Path] = (), *, error: type[DpeError], reader: str = ""
) -> None:
    """Refuses outputs that could not be written, or that would replace or lie in something that is read.

    Args:
        outputs: all that is to be written.
        reads: every file and folder that is read, there or not.
        error: what is raised.
        reader: what reads them, for messages, e.g. ``the timeline``.

    Raises:
        DpeError: of the kind asked for, with the first refusal.
    """
    for refusal in refusals(outputs, reads, reader=reader):
        raise refusal.error(error)


def refusals(outputs: Iterable[Output], reads: Iterable[Path] = (), *, reader: str = "") -> Iterator[Refusal]:
    """Every reason to refuse outputs, at most one for each; see `expect_outputs`."""
    read = tuple(dict.fromkeys(reads))
    for output in outputs:
        found = _no_place(output) or _wrong_kind(output) or _is_read(output, read, reader)
        if found is not None:
            yield found


def _no_place(output: Output) -> Refusal | None:
    """A folder that is missing or may not be written, or a name that does not say what is written."""
    path, folder = output.path, output.path.parent
    if folder.exists() and not folder.is_dir():
        return Refusal(f"{str(folder)!r} is a file", "a folder", "choose another output name", path)
    if not folder.is_dir():
        return Refusal(f"the folder {str(folder)!r} does not exist", "a folder that exists", "make it first", path)
    if not os.access(folder, os.W_OK | os.X_OK):
        wrong = f"the folder {str(folder)!r} cannot be written"
        return Refusal(wrong, "a folder that may be written", "choose another", path)
    if output.suffixes and path.suffix.lower() not in output.suffixes:
        expected = f"a name in {', '.join(output.suffixes)}"
        return Refusal(f"{output.name} is to be written as {path.suffix!r}", expected, "rename it", path)
    return None


def _wrong_kind(output: Output) -> Refusal | None:
    """Something at the output's place that is not replaced: a folder by a file, a file by a folder, or neither."""
    try:
        mode = output.path.stat().st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(mode) and not output.is_folder:
        wrong = f"{output.name} is a folder"
        return Refusal(wrong, "the name of a file", "choose another output name", output.path)
    for is_kind, words in _KINDS:
        if is_kind(mode):
            expected = "a folder" if output.is_folder else "the name of a file"
            return Refusal(f"{output.name} is {words}", expected, "choose another output name", output.path)
    return None


def _is_read(output: Output, read: Iterable[Path], reader: str) -> Refusal | None:
    """An output that is, holds or lies in something that is read, by whatever name, link or hard link."""
    place = _resolved(output.path)
    for path in read:
        there = _resolved(path)
        holds = output.is_folder and place in there.parents
        inside = there in place.parents and there.is_dir()
        if place == there or holds or inside or _same_file(output.path, path):
            wrong, expected = "a file that is read", "a file of its own"
            if reader:
                wrong = f"a file that {reader} reads, or a folder that holds one"
                expected = "a file or folder of its own"
            return Refusal(f"{output.name} is {wrong}", expected, "choose another output name", output.path)
    return None


def _resolved(path: Path) -> Path:
    """The path without links; of links that lead in a circle, and of names that no system takes, as it was given."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path.absolute()


def _same_file(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except (OSError, ValueError):
        return False
