"""Writing small files so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from dpe_toolkit.errors import TimelineError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> Path:
    """Writes ``text`` to ``path`` in one step and returns the path.

    Raises:
        TimelineError: the folder is missing or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        raise TimelineError(
            f"it cannot be written: {error.strerror}",
            "a folder that exists and can be written",
            "name another place for it",
            path=path,
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path
