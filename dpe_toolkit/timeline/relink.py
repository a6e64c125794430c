"""Finding media that were moved: by file name, then by what the file says of its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.timeline.author import media_url, write_otio
from dpe_toolkit.timeline.convert import Converter
from dpe_toolkit.timeline.link import rebase_clip
from dpe_toolkit.timeline.media import find_media, media_basename
from dpe_toolkit.timeline.read import load_otio
from dpe_toolkit.timeline.walking import otio_clips

__all__ = ["FileTimes", "Relinked", "relink"]


@dataclass(frozen=True, slots=True)
class FileTimes:
    """What a file says of its time."""

    start_s: Fraction
    """Its start timecode."""
    duration_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Relinked:
    """What became of one media reference."""

    clip: str
    media: str
    """As the timeline has it."""
    status: Literal["in place", "found", "missing", "ambiguous"]
    files: tuple[Path, ...] = ()
    """The file, or those that it may be."""


def relink(
    timeline: Path, output: Path, search: Iterable[Path], times: Callable[[Path], FileTimes | None]
) -> list[Relinked]:
    """Writes a timeline whose missing media are looked up in folders, and says what was found.

    A file must have the name of the media. Of several, those count that hold the range which the clip uses, from
    their start timecode or from zero; where that leaves more than one, nothing is chosen.

    Args:
        timeline: the timeline.
        output: an .otio file.
        search: folders, looked through with all that is in them.
        times: reads a file's times; None for what is no media file.

    Raises:
        TimelineError: the timeline cannot be read, or the output not be written.
    """
    held = load_otio(timeline)
    base_dir = output.absolute().parent
    by_name: dict[str, list[Path]] = {}
    for folder in search:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.absolute() not in by_name.setdefault(path.name.casefold(), []):
                by_name[path.name.casefold()].append(path.absolute())
    found = []
    for clip in otio_clips(held.timeline.tracks):
        rebase_clip(clip, held.folders, base_dir)
        reference = clip.media_reference
        if not isinstance(reference, otio.schema.ExternalReference):
            continue
        one = _look_up(clip, reference.target_url, (base_dir, *held.folders), by_name, times)
        if one.status == "found":
            reference.target_url = media_url(one.files[0], base_dir)
        found.append(one)
    write_otio(held.timeline, output)
    return found


def _look_up(
    clip: Any,
    url: str,
    folders: Sequence[Path],
    by_name: dict[str, list[Path]],
    times: Callable[[Path], FileTimes | None],
) -> Relinked:
    try:
        return Relinked(clip=clip.name, media=url, status="in place", files=(find_media(url, folders),))
    except MediaError:
        named = by_name.get(media_basename(url), [])
    fitting = [path for path in named if _fits(clip, times(path))]
    if len(fitting) > 1:
        return Relinked(clip=clip.name, media=url, status="ambiguous", files=tuple(fitting))
    return Relinked(clip=clip.name, media=url, status="found" if fitting else "missing", files=tuple(fitting))


def _fits(clip: Any, times: FileTimes | None) -> bool:
    """The file holds what the clip uses of its media, to within a frame."""
    if times is None:
        return False
    converter = Converter()
    item = converter.clip(clip)
    stated, used = item.media.available, item.range or item.media.available
    if used is None:
        return True
    slack_s = 1 / used.rate
    starts = {times.start_s, Fraction(0)} if stated is None else {stated.start_s}
    if stated is not None and stated.start_s and times.start_s and abs(stated.start_s - times.start_s) > slack_s:
        return False
    if stated is not None and abs(stated.duration_s - times.duration_s) > slack_s:
        return False
    return any(
        start_s - slack_s <= used.start_s and used.stop_s <= start_s + times.duration_s + slack_s for start_s in starts
    )
