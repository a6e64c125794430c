"""The pieces of footage that are worked on one by one, each by one process."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dpe_research.dataset.entries import ListEntry, VideoShelf, unique_ids
from dpe_research.dataset.index import DroppedClip, Split
from dpe_research.dataset.splitting import split_of
from dpe_toolkit.api import MediaError, Span
from dpe_toolkit.api.footage import MediaInfo, probe

__all__ = ["REFUSED", "Stretch", "StretchReport", "plan_stretches", "whole_videos"]


REFUSED = "-x"
"""Ends the key of what could not be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some frames of a video."""

    path: Path
    span: Span
    rate: Fraction
    frame_px: tuple[int, int]
    name: str
    """What its clips' ids begin with."""
    identity: str
    split: Split
    box_px: tuple[float, float, float, float] | None = None
    """xyxy of where the person is who is meant; None for everybody."""

    @property
    def key(self) -> str:
        """Its own id."""
        return f"{self.name}-{self.span.start:06d}"


class StretchReport(BaseModel):
    """What became of a stretch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    source: str
    start: int
    stop: int
    people: int = 0
    """Faces followed, counted scene by scene."""
    scenes: int = 0
    clips: tuple[str, ...] = ()
    dropped: tuple[DroppedClip, ...] = ()


def whole_videos(paths: Iterable[Path], *, by_folder: bool) -> list[ListEntry]:
    """An entry for each file, with the name of the file, or of its folder, for the identity."""
    entries = []
    for path in paths:
        folder = path.resolve().parent.name
        clip, identity = (f"{folder}-{path.stem}", folder) if by_folder else (path.stem, path.stem)
        entries.append(ListEntry(video=str(path), clip=clip, identity=identity))
    return entries


def plan_stretches(
    entries: Sequence[ListEntry], shelf: VideoShelf, *, stretch_frames: int, test_share: float
) -> tuple[list[Stretch], list[StretchReport]]:
    """The stretches of all entries, and reports of those entries that cannot be looked at.

    Args:
        entries: what is wanted.
        shelf: the videos; an entry of a whole video names its path.
        stretch_frames: about how many frames a stretch has at most.
        test_share: share of identities that go into the test split.
    """
    stretches: list[Stretch] = []
    refused: list[StretchReport] = []
    names = unique_ids([(entry.clip, f"{entry.video} {entry.clip} {entry.start_s}") for entry in entries])
    paths = {str(path): path for path in shelf.paths}
    for entry, name in zip(entries, names, strict=True):
        path = paths.get(entry.video) or shelf.find(entry.video)
        found = "the file is not among the videos" if path is None else _usable(path)
        if isinstance(found, str):
            reason = "missing-file" if path is None else "unreadable"
            refused.append(_refusal(entry, name, reason, found))
            continue
        span = _span_of(entry, found)
        if not span:
            refused.append(_refusal(entry, name, "outside-video", f"the video has {found.num_frames} frames"))
        stretches += [_stretch(entry, name, found, part, test_share) for part in _even(span, stretch_frames)]
    return stretches, refused


def _stretch(entry: ListEntry, name: str, info: MediaInfo, span: Span, test_share: float) -> Stretch:
    return Stretch(
        path=info.path,
        span=span,
        rate=info.rate,
        frame_px=(info.width, info.height),
        name=name,
        identity=entry.identity,
        split=entry.split or split_of(entry.identity, test_share),
        box_px=_box_in(entry, info),
    )


def _usable(path: Path) -> MediaInfo | str:
    """What the file holds, or why no clip can be cut from it."""
    try:
        info = probe(path)
    except MediaError as error:
        return error.wrong
    if info.rotation_deg:
        return f"the picture is to be shown turned by {info.rotation_deg} degrees; convert it upright"
    if info.sample_aspect != 1:
        return f"its pixels are not square ({info.sample_aspect}); convert it to square pixels"
    if info.interlaced:
        return "it is interlaced; convert it to whole frames"
    return info


def _refusal(entry: ListEntry, name: str, reason: str, detail: str) -> StretchReport:
    source = Path(entry.video).name
    dropped = DroppedClip(
        id=f"{name}{REFUSED}",
        identity=entry.identity,
        source=source,
        source_start=0,
        num_frames=0,
        reason=reason,
        detail=detail[:400],
    )
    return StretchReport(key=f"{name}{REFUSED}", source=source, start=0, stop=0, dropped=(dropped,))


def _span_of(entry: ListEntry, info: MediaInfo) -> Span:
    start = 0 if entry.start_s is None else round(entry.start_s * info.rate)
    stop = info.num_frames if entry.end_s is None else round(entry.end_s * info.rate)
    return Span(0, info.num_frames).intersect(Span(min(start, info.num_frames), max(start, stop)))


def _box_in(entry: ListEntry, info: MediaInfo) -> tuple[float, float, float, float] | None:
    """The entry's box in pixels of the file, whatever size it was measured in."""
    if entry.box is None or entry.box_of is None:
        return entry.box
    width, height = entry.box_of
    down = info.height / height
    across = info.width / width if width else down
    left, top, right, bottom = entry.box
    return left * across, top * down, right * across, bottom * down


def _even(span: Span, most: int) -> list[Span]:
    count = math.ceil(len(span) / most)
    edges = [span.start + len(span) * number // max(count, 1) for number in range(count + 1)]
    return [Span(*edge) for edge in pairwise(edges)]
