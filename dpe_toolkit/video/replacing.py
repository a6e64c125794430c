"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpe_toolkit.errors import MediaError

__all__ = ["part_path", "written_whole"]


def part_path(path: Path) -> Path:
    """A new, empty file beside ``path``, to write into before it takes that name.

    Raises:
        MediaError: the folder is missing or may not be written, or ``path`` is a folder.
    """
    if path.is_dir():
        raise MediaError("The output is a folder", "the name of a file", "add a file name", path=path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.open("xb").close()
    except OSError as error:
        raise MediaError(
            f"The output cannot be written ({error.strerror or error})",
            "a folder that exists and may be written",
            "create the folder, change its permissions or choose another output",
            path=path,
        ) from error
    return part


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its name on success and is deleted on any exception."""
    part = part_path(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
