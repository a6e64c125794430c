"""A timeline as plain data: what was read, before anything is decided about it.

Times are seconds as exact fractions; nothing here knows OpenTimelineIO. Items compare by identity,
because the same clip may stand in a timeline twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from dpe_toolkit.plans.problems import Problem

__all__ = [
    "Clip",
    "EffectRecord",
    "Gap",
    "Item",
    "MediaReference",
    "Stack",
    "TimeRange",
    "TimelineDoc",
    "Track",
    "Transition",
    "walk_clips",
]

EFFECT_NAME = "dpe.expression"
METADATA_KEY = "dpe"
DRIVER_TRACK_PREFIX = "DPE"
MARKER_PREFIX = "dpe:"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of time, and the rate in which the file counts it."""

    start_s: Fraction
    duration_s: Fraction
    rate: Fraction

    @property
    def stop_s(self) -> Fraction:
        """Where it ends, exclusive."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class MediaReference:
    """What a clip says of its media."""

    kind: Literal["external", "missing", "generator", "image sequence", "other"]
    url: str = ""
    """As written; of an image sequence, its name with the numbers in brackets. Empty where there is no file."""
    available: TimeRange | None = None
    """The media's own range; it may start at a timecode."""
    rate: Fraction | None = None
    """Of an image sequence: pictures a second."""
    missing: Literal["error", "hold", "black"] = "error"
    """Of an image sequence: what is shown for a picture that is not there."""
    name: str = ""
    """Of a generator: its kind."""


@dataclass(frozen=True, slots=True, eq=False)
class EffectRecord:
    """An effect on an item."""

    kind: Literal["dpe", "time", "other"]
    name: str
    detail: str = ""
    """For ``time``: what it does to time."""
    speed: Fraction | None = None
    """For ``time``: media seconds in one second, below 0 backwards, 0 for a freeze frame; None where it is not
    one speed."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    """For ``dpe``: the metadata under ``dpe``, as plain data."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A clip."""

    name: str
    media: MediaReference
    range: TimeRange | None = None
    """In media time; None means all of the media."""
    effects: tuple[EffectRecord, ...] = ()
    markers: tuple[str, ...] = ()
    enabled: bool = True
    rendered: Mapping[str, object] | None = None
    """What is known of the edit that the clip's media already show, with ``ids``, ``effect`` and ``original_url``."""


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Time in which a track shows nothing."""

    duration_s: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """A dissolve or wipe between its neighbours; it takes no time of its own."""

    name: str
    kind: str = ""
    """As the file calls it; a cross-dissolve is ``SMPTE_Dissolve``."""
    before_s: Fraction = Fraction(0)
    """How long before the cut it begins."""
    behind_s: Fraction = Fraction(0)
    """How long behind the cut it ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Items one after the other."""

    name: str
    kind: str
    """``Video`` or ``Audio``; other kinds exist."""
    children: tuple[Item, ...] = ()
    range: TimeRange | None = None
    """In the track's own time."""
    effects: tuple[EffectRecord, ...] = ()
    markers: tuple[str, ...] = ()
    enabled: bool = True

    @property
    def is_driver(self) -> bool:
        """True for tracks that drive the track below and are never picture."""
        return self.kind == "Video" and self.name.startswith(DRIVER_TRACK_PREFIX)


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Items on top of each other, the last one uppermost."""

    name: str
    children: tuple[Item, ...] = ()
    range: TimeRange | None = None
    """In the stack's own time."""
    effects: tuple[EffectRecord, ...] = ()
    markers: tuple[str, ...] = ()
    enabled: bool = True


Item = Clip | Gap | Transition | Track | Stack


@dataclass(frozen=True, slots=True, eq=False)
class TimelineDoc:
    """A whole timeline."""

    path: Path
    name: str
    stack: Stack
    global_start_s: Fraction | None = None
    folders: tuple[Path, ...] = ()
    """Where its relative media paths start, the first that has the file counts."""
    problems: tuple[Problem, ...] = ()
    """What could not be understood; the rest was read all the same."""


def walk_clips(item: Item) -> Iterator[Clip]:
    """Every clip in ``item``, enabled or not, in reading order."""
    if isinstance(item, Clip):
        yield item
    elif isinstance(item, Track | Stack):
        for child in item.children:
            yield from walk_clips(child)
