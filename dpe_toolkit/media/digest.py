"""Content digests of media files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from dpe_toolkit.core.errors import MediaError

__all__ = ["file_digest"]


def file_digest(path: Path) -> str:
    """``sha256:`` and the hex digest of the file's bytes.

    Computed once a process for each path, size and modification time.

    Raises:
        MediaError: the file cannot be read.
    """
    try:
        found = path.stat()
        return _digest(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        reason = error.strerror or str(error)
        raise MediaError(
            f"The file cannot be read ({reason})", "a readable file", "correct the path or its permissions", path=path
        ) from error


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
