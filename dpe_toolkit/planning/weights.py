"""Which weights file a component's ``weights`` option means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["RANDOM_WEIGHTS", "WeightsPlaces", "digest_of"]

RANDOM_WEIGHTS = "random"
"""Value of ``weights`` that names no file: the component makes its own from a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsPlaces:
    """Where weights are looked for."""

    folder: Path | None = None
    """Folder of imported weights, by name; None where there is none."""
    base_dir: Path = Path()
    """Where relative paths start that a timeline or project file states."""
    named: str | None = None
    """Weights for every component that takes some, from the command line."""

    def find(self, value: str, origin: str, *, folder: bool = False) -> Path | None:
        """The file that ``value`` of a ``weights`` option means; None where it names none.

        Args:
            value: a name in the weights folder, a path, ``random`` or nothing.
            origin: where the value came from; paths on the command line start at the working folder.
            folder: it may be a folder of files as well.

        Raises:
            CheckpointError: there is no such file, or the weights of that name are damaged.
        """
        if value in ("", RANDOM_WEIGHTS):
            return None
        # Loads torch, so only a plan that names weights pays for it.
        from dpe_toolkit.checkpoint import find_weights

        base = Path() if origin == "command line" else self.base_dir
        return find_weights(value, folder=self.folder, base_dir=base, folders=folder)


def digest_of(weights: Path) -> str:
    """SHA-256 of a weights file, or of the names and contents of all files of a folder.

    Raises:
        CheckpointError: something in it cannot be read.
    """
    from dpe_toolkit.checkpoint import folder_files

    try:
        held = folder_files(weights) if weights.is_dir() else [weights]
        marks = tuple((str(path), found.st_size, found.st_mtime_ns) for path in held for found in [path.stat()])
    except OSError:
        # Who reads it says what is wrong with it.
        marks = ()
    return _remembered(weights, marks) if marks else _content_digest(weights)


@lru_cache(maxsize=256)
def _remembered(weights: Path, marks: tuple[tuple[str, int, int], ...]) -> str:
    """The digest of what is there now, by sizes and times: every shot of a plan asks for it, and weights are large."""
    return _content_digest(weights)


def _content_digest(weights: Path) -> str:
    from dpe_toolkit.checkpoint import content_digest

    return content_digest(weights)
