"""Writing small files so that nobody ever sees half of one."""

from __future__ import annotations

from pathlib import Path

from dpe_toolkit.core.errors import TimelineError
from dpe_toolkit.core.files import write_text as write_whole_file

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> Path:
    """Writes ``text`` to ``path`` in one step and returns the path.

    Raises:
        TimelineError: the folder is missing or cannot be written.
    """
    try:
        write_whole_file(path, text)
    except OSError as error:
        raise TimelineError(
            f"it cannot be written: {error.strerror}",
            "a folder that exists and can be written",
            "name another place for it",
            path=path,
        ) from error
    return path
