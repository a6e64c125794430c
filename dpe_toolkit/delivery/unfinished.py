"""What a render of several files has finished, so that the same command goes on where it was stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from dpe_toolkit import __version__
from dpe_toolkit.core.errors import MediaError

__all__ = ["FinishedFiles"]

_NAME = ".dpe_unfinished.json"


class FinishedFiles:
    """The finished files of a folder, noted in a small file that is deleted when all are done.

    A file counts as finished while its size and time are those noted, and while it would be made of the same.

    Args:
        folder: where the files are; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._noted = _read(self._path)

    def holds(self, path: Path, made_of: Sequence[str]) -> bool:
        """Whether ``path`` is finished, and was made of just this."""
        return path.exists() and self._noted.get(path.name) == _state(path, made_of)

    def add(self, path: Path, made_of: Sequence[str]) -> None:
        """Notes that ``path`` is finished. A folder that takes no note costs no more than rendering again."""
        self._noted[path.name] = _state(path, made_of)
        from dpe_toolkit.media import written_whole

        with contextlib.suppress(OSError, MediaError), written_whole(self._path) as part:
            part.write_text(json.dumps(self._noted, indent=2) + "\n", encoding="utf-8")

    def forget(self) -> None:
        """Deletes the note: what is asked for from now on is rendered anew."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _state(path: Path, made_of: Sequence[str]) -> str:
    held = path.stat()
    parts = (__version__, str(held.st_size), str(held.st_mtime_ns), *made_of)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(state) for name, state in noted.items()} if isinstance(noted, dict) else {}
