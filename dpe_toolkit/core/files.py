"""A file that appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

__all__ = ["new_part", "replaced"]


def new_part(path: Path) -> Path:
    """A new, empty, hidden file beside ``path``, to write into before it takes that name.

    Made without ``tempfile``, whose files nobody but their owner may read.

    Raises:
        OSError: the folder is missing or may not be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    part.open("xb").close()
    return part


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A file to write that takes the name ``path`` on success, on the disk by then, and is deleted on any exception.

    What stood at ``path`` is replaced whole or not at all. A killed process leaves at most a hidden ``.part`` file.

    Raises:
        OSError: the folder is missing or may not be written, or the file cannot take its name. Callers say what it was
            that could not be written, and what to do.
    """
    part = new_part(path)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
