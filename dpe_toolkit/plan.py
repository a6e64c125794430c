"""The render plan: what a timeline asks for, with every name resolved and every range an integer.

Models only. `dpe_toolkit.planning` builds them, `dpe_toolkit.render` obeys them; both see nothing else
of each other.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from dpe_toolkit.timing import Span

__all__ = [
    "PLAN_SCHEMA",
    "ComponentChoice",
    "EditPlan",
    "ExactFraction",
    "FaceChoice",
    "MediaPlan",
    "Problem",
    "RenderPlan",
    "ShotPlan",
]

PLAN_SCHEMA = 1

ExactFraction = Annotated[
    Fraction,
    BeforeValidator(lambda value: Fraction(value) if isinstance(value, str | int | float) else value),
    PlainSerializer(str, return_type=str),
]
"""A fraction stored as text: ``30000/1001``."""


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


class FaceChoice(_Model):
    """Which face is meant where a frame shows several."""

    by: Literal["largest", "left", "right", "index"] = "largest"
    index: int = Field(default=0, ge=0)
    """For ``index``: 0-based, left to right, at the first frame in which all are seen."""


class EditPlan(_Model):
    """What is done to one shot."""

    id: str
    consent: str = ""
    driver: MediaPlan
    driver_start_s: ExactFraction = Fraction(0)
    """Driver time, from the file's first frame, that the shot's first frame shows."""
    retime: ExactFraction = Fraction(1)
    """Driver seconds that pass in one second of the shot."""
    when_short: Literal["hold", "loop", "passthrough", "error"] = "hold"
    expression: float = Field(default=1.0, ge=0, le=3)
    pose: float = Field(default=0.0, ge=0, le=3)
    mode: Literal["absolute", "relative"] = "absolute"
    regions: dict[str, float] = {}
    source_face: FaceChoice = FaceChoice()
    driver_face: FaceChoice = FaceChoice()
    source_neutral_frame: int | None = None
    driver_neutral_frame: int | None = None
    missing_face: Literal["passthrough", "hold", "error"] = "passthrough"
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
        weightless = bool(self.regions) and not any(self.regions.values())
        return (self.expression == 0 or weightless) and self.pose == 0


class ShotPlan(_Model):
    """One run of output frames taken from one media file, or black where ``source`` is None."""

    name: str
    record_start: int = Field(ge=0)
    """First output frame."""
    num_frames: int = Field(gt=0)
    source: MediaPlan | None
    source_start: int = Field(default=0, ge=0)
    """0-based frame of the media file shown at ``record_start``."""
    edit: EditPlan | None = None
    uncut: ShotPlan | None = None
    """The shot before `trim`, None if it was not trimmed. What is estimated over a shot (neutral face,
    smoothing, donors, windows) is estimated over this, so that a part renders as it does in the whole."""

    @property
    def whole(self) -> ShotPlan:
        """The shot as the timeline has it."""
        return self.uncut or self

    @property
    def record(self) -> Span:
        """Output frames of the shot."""
        return Span(self.record_start, self.record_start + self.num_frames)

    @property
    def source_span(self) -> Span:
        """Media frames of the shot."""
        return Span(self.source_start, self.source_start + self.num_frames)

    def trim(self, span: Span) -> ShotPlan:
        """The part of the shot inside ``span`` of output frames, which must touch it."""
        kept = self.record.intersect(span)
        if kept == self.record:
            return self
        skipped = kept.start - self.record_start
        update: dict[str, object] = {
            "record_start": kept.start,
            "num_frames": len(kept),
            "source_start": self.source_start + skipped,
            "uncut": self.whole,
        }
        if self.edit is not None and self.source is not None:
            start_s = self.edit.driver_start_s + Fraction(skipped) / self.source.rate * self.edit.retime
            update["edit"] = self.edit.model_copy(update={"driver_start_s": start_s})
        return self.model_copy(update=update)


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
    shots: tuple[ShotPlan, ...]
    """In output order, without holes."""
    problems: tuple[Problem, ...] = ()

    @property
    def num_frames(self) -> int:
        """Output frames."""
        return max((shot.record.stop for shot in self.shots), default=0) - min(
            (shot.record_start for shot in self.shots), default=0
        )

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
