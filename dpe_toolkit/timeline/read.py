"""Reading a timeline file into plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import TimelineError
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline.bundle import PLAYLIST, default_unpack_dir, read_playlist, unpack_media
from dpe_toolkit.timeline.convert import Converter
from dpe_toolkit.timeline.document import TimelineDoc
from dpe_toolkit.timeline.formats import FORMATS, read_foreign

__all__ = ["OtioFile", "load_otio", "read_timeline"]

SUFFIXES = (".otio", ".otioz", ".otiod")
_LARGEST_BYTES = 256 * 2**20
# OpenTimelineIO's own parser recurses and takes the process down at some depth.
_DEEPEST = 250


@dataclass(frozen=True, slots=True)
class OtioFile:
    """A timeline as OpenTimelineIO has it: for the modules of this package alone."""

    path: Path
    timeline: Any
    folders: tuple[Path, ...]
    """Where relative media paths start."""


def read_timeline(path: Path, *, unpack_dir: Path | None = None, rate: Fraction | None = None) -> TimelineDoc:
    """The timeline in ``path``, with what could not be understood as problems.

    Args:
        path: an .otio or .otioz file, an .otiod folder, or a file that an installed adapter of OpenTimelineIO reads.
        unpack_dir: where media of an .otioz are unpacked; None means a folder beside it.
        rate: frames a second of an .edl, which does not say it; None takes 24 and warns.

    Raises:
        TimelineError: the file cannot be read at all.
    """
    held = load_otio(path, unpack_dir=unpack_dir, rate=rate)
    converter = Converter()
    if path.suffix.lower() == ".edl" and rate is None:
        wrong = "an EDL does not say its rate, and 24 frames a second are taken"
        action = "where it has another, make an .otio of it: 'dpe conform' takes the rate of the older cut"
        converter.problems.append(
            Problem(severity="warning", where=f"timeline {path.name!r}", wrong=wrong, action=action)
        )
    stack = converter.stack(held.timeline.tracks)
    start = held.timeline.global_start_time
    return TimelineDoc(
        path=held.path,
        name=held.timeline.name or path.stem,
        stack=stack,
        global_start_s=None if start is None else converter.seconds(start, "the global start time"),
        folders=held.folders,
        problems=tuple(converter.problems),
    )


def load_otio(path: Path, *, unpack_dir: Path | None = None, rate: Fraction | None = None) -> OtioFile:
    """The one timeline in ``path``, as OpenTimelineIO reads it.

    Raises:
        TimelineError: the file cannot be read, or holds no or several timelines.
    """
    suffix = path.suffix.lower()
    foreign = {kind.suffix for kind in FORMATS.values() if kind.adapter}
    if suffix not in SUFFIXES and suffix not in foreign:
        raise TimelineError(
            f"timelines of kind {path.suffix or path.name!r} are not read",
            f"one of {', '.join((*SUFFIXES, *sorted(foreign)))}",
            "export the timeline as OpenTimelineIO",
            path=path,
        )
    if suffix in foreign:
        _read_bytes(path, bundled=False)
        held = read_foreign(path, rate=rate)
        return OtioFile(path, _one_timeline(held, path), (path.absolute().parent,))
    # An .otiod is a folder; without one of that name the message is of the file that is not there.
    content = path / PLAYLIST if suffix == ".otiod" and path.is_dir() else path
    data = _read_bytes(content, bundled=suffix == ".otioz")
    _expect_shallow(data, path)
    try:
        held = otio.adapters.read_from_string(data.decode("utf-8-sig"), "otio_json")
    except Exception as error:
        raise TimelineError(
            f"it cannot be understood: {_first_line(error)}",
            "a timeline written by OpenTimelineIO without classes of other programs",
            "export it again",
            path=path,
        ) from error
    folders: tuple[Path, ...] = (path.absolute().parent,)
    if suffix == ".otioz":
        folders = (unpack_media(path, unpack_dir or default_unpack_dir(path.absolute())), *folders)
    elif suffix == ".otiod":
        folders = (content.absolute().parent, *folders)
    return OtioFile(path, _one_timeline(held, path), folders)


def _read_bytes(path: Path, *, bundled: bool) -> bytes:
    try:
        if bundled:
            return read_playlist(path, largest_bytes=_LARGEST_BYTES)
        if not path.is_file() and path.exists():
            raise TimelineError("it is no regular file", "a timeline file", "name the file itself", path=path)
        if path.stat().st_size > _LARGEST_BYTES:
            raise TimelineError("it is too large", f"at most {_LARGEST_BYTES} bytes", "split the timeline", path=path)
        return path.read_bytes()
    except OSError as error:
        raise TimelineError(
            f"it cannot be opened: {error.strerror or error}",
            "a timeline file that may be read",
            "check the path",
            path=path,
        ) from error


def _expect_shallow(data: bytes, path: Path) -> None:
    """Brackets inside strings are counted too: real timelines stay far below the limit either way."""
    others = bytes(set(range(256)) - set(b"[]{}"))
    brackets = np.frombuffer(data.translate(None, delete=others), np.uint8)
    steps = np.where((brackets == ord("[")) | (brackets == ord("{")), np.int8(1), np.int8(-1))
    deepest = int(np.cumsum(steps, dtype=np.int64).max(initial=0))
    if deepest > _DEEPEST:
        raise TimelineError(
            f"it nests {deepest} levels deep", f"at most {_DEEPEST}", "do not trust this file", path=path
        )


def _one_timeline(held: Any, path: Path) -> Any:
    timelines = list(_timelines(held))
    if len(timelines) != 1:
        kind = getattr(held, "schema_name", lambda: type(held).__name__)()
        raise TimelineError(
            f"it holds {len(timelines)} timelines in a {kind}", "one timeline", "export one timeline", path=path
        )
    if not isinstance(timelines[0].tracks, otio.schema.Stack):
        raise TimelineError("its timeline has no tracks", "a stack of tracks", "export it again", path=path)
    return timelines[0]


def _timelines(held: Any) -> Iterator[Any]:
    if isinstance(held, otio.schema.Timeline):
        yield held
    elif isinstance(held, otio.schema.SerializableCollection):
        for item in held:
            yield from _timelines(item)


def _first_line(error: Exception) -> str:
    text = str(error.args[0] if error.args else error).strip()
    return text.splitlines()[0] if text else type(error).__name__
