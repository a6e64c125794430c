"""What is to be looked at: files, and parts of files that a list names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dpe_research.dataset.index import Split
from dpe_toolkit.api import DatasetError

__all__ = ["ListEntry", "VideoShelf", "find_videos", "unique_ids", "usable_id"]

VIDEO_SUFFIXES = frozenset((".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".mxf", ".ts", ".flv"))
_LONGEST_ID = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """A part of a video that a list asks for."""

    video: str
    """Name of the file, with or without its suffix."""
    clip: str
    """What to call it."""
    identity: str
    start_s: Fraction | None = None
    """Seconds; None from the start."""
    end_s: Fraction | None = None
    """Seconds, the end not included; None to the end."""
    box: tuple[float, float, float, float] | None = None
    """xyxy of where the person is."""
    box_of: tuple[float, float] | None = None
    """(width, height) of the picture that the box was measured in; (1, 1) for shares; a width of 0 goes by the height
    alone; None for the file's own pixels."""
    split: Split | None = None
    """None to go by the identity."""


class VideoShelf:
    """Videos by name.

    Args:
        paths: the files.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self._by_name: dict[str, Path] = {}
        for path in reversed(self.paths):
            self._by_name |= {path.stem: path, path.name: path}

    def find(self, name: str) -> Path | None:
        """The file of that name, with or without suffix; the first where there are several."""
        return self._by_name.get(name) or self._by_name.get(Path(name).stem)


def find_videos(places: Sequence[Path]) -> list[Path]:
    """Files as they are named, folders searched to their depths, each file once.

    Raises:
        DatasetError: a path does not exist, or nothing is found.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(path for path in place.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
        elif place.is_file():
            found.append(place)
        else:
            raise DatasetError("the video does not exist", "a file or folder", "correct the path", path=place)
    if not found:
        raise DatasetError(
            "no video was found",
            f"files that end in {', '.join(sorted(VIDEO_SUFFIXES))}",
            "name the files, or a folder that holds some",
            path=places[0] if len(places) == 1 else None,
        )
    return list(dict.fromkeys(found))


def usable_id(name: str) -> str:
    """``name`` as part of clip ids; what had to be changed is told apart by a digest."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name).lstrip("-")[:_LONGEST_ID] or "clip"
    return plain if plain == name else f"{plain[: _LONGEST_ID - 9]}-{_mark(name)}"


def unique_ids(names: Sequence[tuple[str, str]]) -> list[str]:
    """An id for each (name, what it stands for); equal names, also up to case, get a digest of what they stand for."""
    plain = [usable_id(name) for name, _ in names]
    counts: dict[str, int] = {}
    for one in plain:
        counts[one.casefold()] = counts.get(one.casefold(), 0) + 1
    return [
        one if counts[one.casefold()] == 1 else f"{one[: _LONGEST_ID - 9]}-{_mark(meant)}"
        for one, (_, meant) in zip(plain, names, strict=True)
    ]


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
