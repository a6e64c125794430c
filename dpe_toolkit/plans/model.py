"""The render plan: what a timeline asks for, with every name resolved and every range an integer.

Models only. `dpe_toolkit.planning` builds them, `dpe_toolkit.rendering` obeys them; both see nothing else
of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from dpe_toolkit.core.framemap import ExactFraction, FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.keyframes import Key, PolygonKey
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.plans.edit import ComponentChoice, EditPlan, MattePlan
from dpe_toolkit.plans.media import MediaPlan, MissingImages
from dpe_toolkit.plans.problems import Frozen, Problem
from dpe_toolkit.plans.soundtrack import SoundPart, SoundTrack

__all__ = [
    "PLAN_SCHEMA",
    "ComponentChoice",
    "EditPlan",
    "ExactFraction",
    "FaceChoice",
    "Fit",
    "FrameMap",
    "Gaps",
    "Key",
    "MattePlan",
    "MediaPlan",
    "MissingImages",
    "Mix",
    "PolygonKey",
    "Problem",
    "RenderPlan",
    "ShotPlan",
    "SoundPart",
    "SoundTrack",
]

PLAN_SCHEMA = 1
Fit = Literal["fit", "fill", "none"]
Gaps = Literal["black", "transparent"]


class Mix(Frozen):
    """A dissolve out of the shot that holds it, over all of the shot's frames."""

    to: ShotPlan | None
    """What it dissolves into, over the same output frames; None fades to nothing."""
    start: ExactFraction
    """Share of ``to`` in the first frame, taken at the middle of the frame."""
    step: ExactFraction
    """What each output frame adds to it. Shares beyond 0 and 1 are 0 and 1."""

    def share(self, frame: int) -> Fraction:
        """Share of ``to`` in a frame, counted from the shot's first."""
        return min(max(self.start + frame * self.step, Fraction(0)), Fraction(1))


class ShotPlan(Frozen):
    """One run of output frames taken from one media file, or nothing where ``source`` is None.

    Where pictures meet, a shot is a tree: its own picture (that of its media, or of ``inner``), dissolved
    into that of ``mix``, over that of ``below``. All shots of a tree have the same output frames.

    An edit is made on the media's own frames, in media time; speed and rate come after it. Its *rows* are
    the media frames from the lowest to the highest that the shot shows, each once, or one row for each
    output frame where `held_rate` says so.
    """

    name: str
    record_start: int = Field(ge=0)
    """First output frame."""
    num_frames: int = Field(gt=0)
    source: MediaPlan | None
    source_start: int = Field(default=0, ge=0)
    """0-based frame of the media file shown at ``record_start``."""
    time: FrameMap | None = None
    """Media frame of each output frame, counted from ``record_start``; None shows one after the other."""
    held_rate: ExactFraction | None = None
    """Rows a second where one media frame is held while its driver moves on: a row for each output frame, all of
    that media frame. None elsewhere."""
    edit: EditPlan | None = None
    clip_index: int | None = None
    """Which clip of the timeline it shows, counted in reading order, disabled ones included; None where that is not
    known."""
    inner: ShotPlan | None = None
    """A tree whose picture stands for media of its own."""
    mix: Mix | None = None
    below: ShotPlan | None = None
    """What shows through where the picture is transparent; None is nothing, which is black at the very bottom."""
    uncut: ShotPlan | None = None
    """The shot before `trim`, None if it was not trimmed. What is estimated over a shot (neutral face,
    smoothing, donors, windows) is estimated over this, so that a part renders as it does in the whole."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.time is not None and self.time.frame(0) != self.source_start:
            raise ValueError(f"source_start is {self.source_start}, and the map begins at {self.time.frame(0)}")
        return self

    @property
    def whole(self) -> ShotPlan:
        """The shot as the timeline has it, without what it meets."""
        return self.uncut or self.alone

    @property
    def alone(self) -> ShotPlan:
        """The shot without what it meets."""
        if self.mix is None and self.below is None:
            return self
        return self.model_copy(update={"mix": None, "below": None})

    @property
    def is_plain(self) -> bool:
        """True where media, or nothing, are shown alone."""
        return self.mix is None and self.below is None and self.inner is None

    def leaves(self) -> Iterator[ShotPlan]:
        """Every shot of the tree that shows media, each alone."""
        if self.source is not None:
            yield self.alone
        to = None if self.mix is None else self.mix.to
        for child in (self.inner, to, self.below):
            if child is not None:
                yield from child.leaves()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the shots that are seen: its own, or those that meet in it."""
        return tuple(dict.fromkeys(leaf.name for leaf in self.leaves())) or (self.name,)

    @property
    def record(self) -> Span:
        """Output frames of the shot."""
        return Span(self.record_start, self.record_start + self.num_frames)

    @property
    def frame_map(self) -> FrameMap:
        """Media position of each output frame, counted from ``record_start``."""
        return self.time or FrameMap(start=Fraction(self.source_start))

    @property
    def media_frames(self) -> tuple[int, ...]:
        """The media frame of each output frame."""
        return self.frame_map.frames(Span(0, self.num_frames))

    @property
    def source_span(self) -> Span:
        """Media frames from the lowest to the highest shown."""
        return self.frame_map.covers(self.num_frames)

    @property
    def rows(self) -> Span:
        """The rows of the whole shot that are left of it."""
        if self.held_rate is not None:
            return self.record.shift(-self.whole.record_start)
        return self.source_span.shift(-self.whole.source_span.start)

    @property
    def shown_rows(self) -> tuple[int, ...]:
        """The row of each output frame."""
        if self.held_rate is not None:
            return tuple(self.rows)
        first = self.whole.source_span.start
        return tuple(frame - first for frame in self.media_frames)

    @property
    def row_rate(self) -> Fraction:
        """Rows in one second of the driver's counterpart: the media's rate, or that of a held frame."""
        if self.held_rate is not None:
            return self.held_rate
        return Fraction(1) if self.source is None else self.source.rate

    def trim(self, span: Span) -> ShotPlan:
        """The part of the shot inside ``span`` of output frames, which must touch it."""
        kept = self.record.intersect(span)
        if kept == self.record:
            return self
        time = self.frame_map.later(kept.start - self.record_start)
        skipped = kept.start - self.record_start
        part = self._each(lambda child: child.trim(kept)).model_copy(
            update={
                "record_start": kept.start,
                "num_frames": len(kept),
                "source_start": time.frame(0),
                "time": None if self.time is None else time,
                "uncut": None if self.inner is not None else self.whole,
            }
        )
        if part.mix is not None:
            part = part.model_copy(
                update={"mix": part.mix.model_copy(update={"start": part.mix.start + skipped * part.mix.step})}
            )
        if self.edit is None:
            return part
        moved_s = Fraction(part.rows.start - self.rows.start) / self.row_rate * self.edit.retime
        edit = self.edit.model_copy(update={"driver_start_s": self.edit.driver_start_s + moved_s})
        return part.model_copy(update={"edit": edit})

    def shift(self, frames: int) -> ShotPlan:
        """The same shot, later in the output."""
        uncut = None if self.uncut is None else self.uncut.shift(frames)
        update = {"record_start": self.record_start + frames, "uncut": uncut}
        return self._each(lambda child: child.shift(frames)).model_copy(update=update)

    def _each(self, change: Callable[[ShotPlan], ShotPlan]) -> ShotPlan:
        """The shot with ``change`` done to those that it meets."""
        if self.is_plain:
            return self
        mix = self.mix
        if mix is not None and mix.to is not None:
            mix = mix.model_copy(update={"to": change(mix.to)})
        inner, below = (None if child is None else change(child) for child in (self.inner, self.below))
        return self.model_copy(update={"inner": inner, "mix": mix, "below": below})


class RenderPlan(Frozen):
    """A whole timeline, ready to render."""

    schema_version: int = PLAN_SCHEMA
    toolkit_version: str
    timeline: str
    """Name of the timeline."""
    timeline_path: Path | None = None
    rate: ExactFraction
    width: int
    height: int
    start_frame: int = 0
    """Frame number of the output's start timecode."""
    fit: Fit = "fit"
    """How a picture of another size comes into the frame: ``fit`` shows all of it with bars, ``fill`` fills the frame
    and cuts off what stands out, ``none`` leaves its pixels as they are, in the middle."""
    gaps: Gaps = "black"
    """What is seen where nothing is: ``black``, or ``transparent`` in an output that can be."""
    shots: tuple[ShotPlan, ...]
    """In output order, without holes."""
    sound: tuple[SoundTrack, ...] | None = None
    """The timeline's sound tracks, in seconds from frame 0; None where it has none, which means the pictures' own
    sound."""
    problems: tuple[Problem, ...] = ()

    @property
    def num_frames(self) -> int:
        """Output frames."""
        return max((shot.record.stop for shot in self.shots), default=0) - min(
            (shot.record_start for shot in self.shots), default=0
        )

    def leaves(self) -> Iterator[ShotPlan]:
        """Every shot that shows media, each alone, in output order."""
        for shot in self.shots:
            yield from shot.leaves()

    def media(self) -> Iterator[MediaPlan]:
        """Every source, driver and matte, some of them perhaps several times."""
        for shot in self.leaves():
            if shot.source is not None:
                yield shot.source
            if shot.edit is not None:
                yield shot.edit.driver
                yield from (matte.media for matte in shot.edit.mattes if matte.media is not None)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid rendering."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def digest(self) -> str:
        """``sha256:`` of the plan without its problems; equal plans render equal pictures."""
        text = self.model_dump_json(exclude={"problems"})
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def trim(self, span: Span) -> RenderPlan:
        """The plan of these output frames alone."""
        shots = tuple(shot.trim(span) for shot in self.shots if len(shot.record.intersect(span)))
        return self.model_copy(update={"shots": shots})
