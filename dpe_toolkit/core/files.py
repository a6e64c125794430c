"""The one way of writing files: under a hidden name beside the target, which takes its name when it is whole.

Nothing else in the toolkit opens a file to write (a test asserts it). What is promised of each file:

- Nobody ever sees half of it. A failure leaves what stood there before; a killed process leaves at most a hidden
  ``.part`` beside it.
- Its bytes are on the disk before it takes its name, so that a crash of the machine leaves the one or the other. Of a
  folder of thousands of images that would cost minutes: there the system decides.
- A new file has the permissions that the user's umask gives, a replaced one keeps those it had.

All functions raise `OSError` as the system does; callers say what it was that could not be written, and what to do.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = [
    "StagedFile",
    "append_to",
    "place_file",
    "replaced",
    "replaced_folder",
    "staged",
    "write_bytes",
    "write_text",
]

_LONGEST_NAME_BYTES = 200
"""Of the target's name in a part's: with what is added it stays below the 255 that file systems take."""


@contextlib.contextmanager
def replaced(path: Path, *, mode: int | None = None, keep_suffix: bool = False) -> Iterator[Path]:
    """An empty file to write that takes the name ``path`` on success, and is deleted on any exception.

    A link at ``path`` is replaced itself: what it points to stays.

    Args:
        path: the target; its folder exists.
        mode: permission bits for it, whatever it had before; None keeps them, or takes the umask's.
        keep_suffix: end the hidden name in the target's suffix, for libraries that look at it.

    Raises:
        OSError: the folder is missing or may not be written, or something else than a file stands at ``path``.
    """
    _refuse_strangers(path)
    part = _new_part(path, mode, keep_suffix=keep_suffix)
    try:
        yield part
        place_file(part, path, mode=mode)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Writes a whole file, as `replaced` does."""
    with replaced(path, mode=mode) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes a whole file of UTF-8, its lines ended alike on every system, as `replaced` does."""
    write_bytes(path, text.encode())


def place_file(part: Path, path: Path, *, mode: int | None = None) -> None:
    """Gives a finished file beside ``path`` that name, its bytes being on the disk by then.

    Args:
        part: the file; afterwards it has no other name.
        path: the name it takes.
        mode: as for `replaced`.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    kept = _mode_of(path) if mode is None else mode
    if kept is not None:
        with contextlib.suppress(OSError):  # File systems of cameras and Windows shares have no such bits.
            part.chmod(kept)
    part.replace(path)


@contextlib.contextmanager
def append_to(path: Path) -> Iterator[IO[bytes]]:
    """The file to go on with at its end, on the disk when the block is left: of logs and of downloads under way.

    It is the one kind of file that may be seen unfinished; whoever reads it must take its end for what it is.
    """
    with path.open("ab") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@dataclass(slots=True)
class StagedFile:
    """A file that waits for its place, in which another file must stand first or last."""

    part: Path
    """Where to write it."""
    target: Path
    former: Path
    """A copy of what stood at the target, once it is placed."""
    placed: bool = False

    def place(self) -> None:
        """Puts it at its target.

        Raises:
            OSError: it cannot take the name.
        """
        if self.target.exists():
            shutil.copy2(self.target, self.former)
        place_file(self.part, self.target)
        self.placed = True

    def take_back(self) -> None:
        """Puts back what stood at the target before, or nothing."""
        if self.placed and self.former.exists():
            self.former.replace(self.target)
        elif self.placed:
            self.target.unlink(missing_ok=True)
        self.placed = False


@contextlib.contextmanager
def staged(path: Path) -> Iterator[StagedFile]:
    """A file to write now and to place inside the block, when its turn has come; where the block fails it is undone.

    Raises:
        OSError: the folder is missing or may not be written, or something else than a file stands at ``path``.
    """
    _refuse_strangers(path)
    part = _new_part(path, None, keep_suffix=False)
    file = StagedFile(part, path, part.with_suffix(".former"))
    try:
        yield file
    except BaseException:
        file.take_back()
        raise
    finally:
        for leftover in (file.part, file.former):
            with contextlib.suppress(OSError):
                leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill that takes the name ``path`` on success, and is deleted on any exception.

    A folder that stood there is moved aside first and deleted after: at every moment one of the two is whole, though
    for an instant neither has the name. The new one has the permissions of the old.

    Raises:
        OSError: the parent is missing or may not be written, or the folder cannot take its name.
    """
    part = _beside(path, "part")
    former = _beside(path, "former")
    part.mkdir()
    try:
        yield part
        if path.exists():
            with contextlib.suppress(OSError):
                part.chmod(stat.S_IMODE(path.stat().st_mode))
            path.rename(former)
        try:
            part.rename(path)
        except OSError:
            if former.exists():
                former.rename(path)
            raise
    finally:
        for leftover in (part, former):
            shutil.rmtree(leftover, ignore_errors=True)


def _new_part(path: Path, mode: int | None, *, keep_suffix: bool) -> Path:
    """A new, empty, hidden file beside ``path``.

    Made without ``tempfile``, whose files nobody but their owner may read.
    """
    part = _beside(path, "part" + (path.suffix if keep_suffix else ""))
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode))
    return part


def _beside(path: Path, ending: str) -> Path:
    name = path.name.encode()[:_LONGEST_NAME_BYTES].decode(errors="ignore")
    return path.with_name(f".{name}.{secrets.token_hex(4)}.{ending}")


def _refuse_strangers(path: Path) -> None:
    """Refuses folders, devices, pipes and sockets: renaming a file onto a pipe would quietly take its place."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a device, pipe or socket", str(path))


def _mode_of(path: Path) -> int | None:
    """Permission bits of the file at ``path``, None where there is none, or a link, whose bits say nothing."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return stat.S_IMODE(found.st_mode) if stat.S_ISREG(found.st_mode) else None
