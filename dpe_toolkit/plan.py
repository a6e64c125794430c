"""The render plan: what a timeline asks for, with every name resolved and every range an integer.

Models only. `dpe_toolkit.planning` builds them, `dpe_toolkit.render` obeys them; both see nothing else
of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dpe_toolkit.facechoice import FaceChoice
from dpe_toolkit.framemap import ExactFraction, FrameMap
from dpe_toolkit.keyframes import Key, PolygonKey
from dpe_toolkit.soundplan import SoundPart, SoundTrack
from dpe_toolkit.timing import Span

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
MissingImages = Literal["error", "hold", "black"]
Fit = Literal["fit", "fill", "none"]
Gaps = Literal["black", "transparent"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Problem(_Model):
    """One thing that is wrong, or worth knowing, with a plan."""

    severity: Literal["error", "warning"] = "error"
    where: str = ""
    """Clip, track or file concerned."""
    wrong: str
    expected: str = ""
    action: str = ""

    def __str__(self) -> str:
        text = " ".join(part.rstrip(".") + "." for part in (self.wrong, self.expected, self.action) if part)
        return f"{self.where}: {text}" if self.where else text


class MediaPlan(_Model):
    """One media file, as its headers describe it."""

    path: Path
    digest: str
    """``sha256:`` and the hex digest of the file's bytes."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    num_frames: int = Field(gt=0)
    rate: ExactFraction
    start_frame: int = 0
    """Frame number of the media's start timecode."""
    pixel_format: str = ""
    has_audio: bool = False
    missing_images: MissingImages | None = None
    """Of an image sequence: what is shown for a picture that is not there. None for a file."""


class ComponentChoice(_Model):
    """A component picked by name, with every option spelled out."""

    kind: str
    name: str
    plugin: str
    version: str
    fingerprint: str = ""
    options: dict[str, object] = {}
    origins: dict[str, str] = {}
    """Where each option's value came from: ``default``, ``project``, ``effect`` or ``command line``."""
    weights: Path | None = None


class MattePlan(_Model):
    """Where in the picture an edit may show: inside a polygon, or where a film is white."""

    polygons: tuple[PolygonKey, ...] = ()
    """In order, of equally many points; empty where ``media`` says it."""
    media: MediaPlan | None = None
    start: ExactFraction = Fraction(0)
    """Position in ``media``, in its frames, at the shot's first row."""
    step: ExactFraction = Fraction(1)
    """Frames of ``media`` in one row. Before its first and behind its last frame, that one holds."""
    feather_px: float = Field(default=8.0, ge=0)
    """Width of the soft edge, inwards, in pixels of the source."""
    invert: bool = False


class EditPlan(_Model):
    """What is done to one shot."""

    id: str
    consent: str = ""
    driver: MediaPlan
    driver_start_s: ExactFraction = Fraction(0)
    """Driver time, from the file's first frame, at the shot's first row."""
    retime: ExactFraction = Fraction(1)
    """Driver seconds that pass in one second of the shot's media; below 0 where these run against each other."""
    when_short: Literal["hold", "loop", "passthrough", "error"] = "hold"
    expression: float = Field(default=1.0, ge=0, le=3)
    pose: float = Field(default=0.0, ge=0, le=3)
    mode: Literal["absolute", "relative"] = "absolute"
    regions: dict[str, float] = {}
    keys: dict[str, tuple[Key, ...]] = {}
    """``expression``, ``pose`` or a region to its keys, in order, which go before the amount or weight of that name."""
    mattes: tuple[MattePlan, ...] = ()
    """Each takes its share away; none lets the edit show everywhere."""
    source_face: FaceChoice = FaceChoice()
    driver_face: FaceChoice = FaceChoice()
    source_neutral_frame: int | None = None
    driver_neutral_frame: int | None = None
    missing_face: Literal["passthrough", "hold", "error"] = "passthrough"
    audio: Literal["source", "driver", "mix", "none"] = "source"
    """Whose sound is heard while the shot lasts; ``mix`` is both."""
    fade_frames: int = Field(default=5, ge=0, le=250)
    """Length of the cross-fade where the edit starts or stops inside a shot or the face is lost."""
    starts_inside: bool = False
    """The same take runs without edit up to the shot's first frame, so that the edit must fade in."""
    ends_inside: bool = False
    """The same take runs on without edit behind the shot's last frame, so that the edit must fade out."""
    components: dict[str, ComponentChoice]
    """Kind to choice, for each of `dpe_toolkit.components.KINDS`."""
    origins: dict[str, str] = {}
    """Where each of the fields above came from."""

    @property
    def changes_nothing(self) -> bool:
        """True where the amounts say that the picture must stay as it is."""
        weights = {region: self._most(region, weight) for region, weight in self.regions.items()}
        weightless = bool(weights) and not any(weights.values())
        expression, pose = self._most("expression", self.expression), self._most("pose", self.pose)
        return (expression == 0 or weightless) and pose == 0

    def _most(self, name: str, value: float) -> float:
        return max((key.value for key in self.keys.get(name, ())), default=value)


class Mix(_Model):
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


class ShotPlan(_Model):
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


class RenderPlan(_Model):
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
