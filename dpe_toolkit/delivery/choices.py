"""What may be asked for: of the plan, of the part of it that is wanted, of the machine that does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from pydantic import Field

from dpe_toolkit.core.errors import OptionsError, nearest_names
from dpe_toolkit.delivery.events import Tell, log_event
from dpe_toolkit.delivery.folders import default_cache_dir, default_weights_dir
from dpe_toolkit.editing.checking import read_model
from dpe_toolkit.editing.options import OptionValue
from dpe_toolkit.editing.settings import ComponentNames, EditSettings, Retime, Settings
from dpe_toolkit.plans.model import Fit, Gaps

if TYPE_CHECKING:
    from dpe_toolkit.analysis.progress import ProgressSink, Stage
    from dpe_toolkit.rendering import ColourChoice

__all__ = [
    "WHOLE",
    "EditKeywords",
    "Part",
    "Placement",
    "PlanChoices",
    "PlanKeywords",
    "Progress",
    "RunChoices",
    "RunKeywords",
    "Shown",
    "WorkKeywords",
    "plan_choices",
    "run_choices",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of the work is."""

    stage: Stage
    name: str
    """Clip or shot that is worked at."""
    done: int
    """Frames."""
    total: int
    """Frames."""


class EditKeywords(TypedDict, total=False):
    """The fields of an edit. What is given goes before what the timeline and the project say."""

    consent: str
    """What the person shown agreed to; stored with the edit."""
    expression: float
    """Share of the driver's expression, 0 to 3."""
    pose: float
    """Share of the driver's head pose, 0 to 3."""
    mode: Literal["absolute", "relative"]
    regions: Mapping[str, float] | Sequence[str] | str
    """Parts of the face to their weights; or names, alone or as ``mouth=0.5,brows``."""
    when_short: Literal["hold", "loop", "passthrough", "error"]
    """Where the driver ends before the clip."""
    source_face: str | int
    """Which face of the source, as the command ``dpe faces`` writes it."""
    driver_face: str | int
    missing_face: Literal["passthrough", "hold", "error"]
    audio: Literal["source", "driver", "mix", "none"]
    fade_frames: int
    """Cross-fade where the edit starts or stops, 0 to 250 frames."""


class PlanKeywords(EditKeywords, total=False):
    """All that a plan may be asked for beside its timeline."""

    components: Mapping[str, str | tuple[str, ...]]
    """Kind to component, e.g. ``{"compositor": "poisson"}``, or to several in order."""
    options: Mapping[str, Mapping[str, object]]
    """Component to its options, e.g. ``{"feather": {"feather_px": 12}}``."""
    weights: str | Path
    """Name or file of the weights, for every component that takes some."""
    weights_dir: str | Path
    """Folder of imported weights; the user's by default."""
    project: str | Path
    """Project settings; ``dpe.toml`` beside the timeline by default."""
    media_roots: Sequence[str | Path]
    """Where to look for media that are not where the timeline says."""
    fit: Fit
    gaps: Gaps


class RunKeywords(TypedDict, total=False):
    """Where and how the work is done."""

    device: str
    """``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; ``auto`` by default."""
    cache_dir: str | Path
    """Where analyses are kept; the user's cache folder by default."""
    colour: ColourChoice
    """How analysis and networks see colours; by default they see the encoded values."""
    progress: Callable[[Progress], None]
    """Called as the work goes on, from the thread that does it."""
    tell: Tell
    """Called with warnings, remarks and finished files; they go to the log by default."""


class WorkKeywords(PlanKeywords, RunKeywords, total=False):
    """What a function takes that plans and then does the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChoices:
    """All that a plan may be asked for beside its timeline."""

    edit: EditSettings = field(default_factory=EditSettings)
    """What is asked of the edits; only what was set counts."""
    options: tuple[OptionValue, ...] = ()
    """Options of components; the last of two for one option counts."""
    components: ComponentNames = field(default_factory=dict)
    """Kind to name, or to names."""
    weights: str | None = None
    weights_dir: Path | None = None
    """None means the user's."""
    project: Path | None = None
    media_roots: tuple[Path, ...] = ()
    fit: Fit | None = None
    gaps: Gaps | None = None

    @property
    def weights_folder(self) -> Path:
        """The weights folder asked for, else the user's."""
        return self.weights_dir or default_weights_dir()

    @property
    def given(self) -> tuple[str, ...]:
        """What was asked for of the plan, as options of ``dpe`` are called."""
        others = ("weights", "project", "media_root", "fit", "gaps")
        values = (self.weights, self.project, self.media_roots, self.fit, self.gaps)
        named = [name for name in EditSettings.model_fields if name in self.edit.model_fields_set]
        named += [*self.components, *(name for name, value in zip(others, values, strict=True) if value)]
        options = (f"--set {one.component}.{one.option}" for one in self.options)
        return (*(f"--{name.replace('_', '-')}" for name in named), *options)


class Shown(Settings):
    """How images come into the output's frame; None leaves it to the project."""

    fit: Fit | None = None
    gaps: Gaps | None = None


class Placement(Settings):
    """How a driver is laid under a clip."""

    start: str = Field(
        default="0",
        description="Where in the driver to begin: frames (48), seconds (2s) or timecode.",
        json_schema_extra={"metavar": "TIME"},
    )
    retime: Retime = Field(default=1.0, json_schema_extra={"metavar": "FACTOR"})
    source_neutral: str | None = Field(
        default=None,
        description="Moment at which the source's face rests. Estimated where it is not given.",
        json_schema_extra={"metavar": "TIME"},
    )
    driver_neutral: str | None = Field(
        default=None,
        description="Moment at which the driver's face rests. Estimated where it is not given.",
        json_schema_extra={"metavar": "TIME"},
    )

    @property
    def neutral(self) -> dict[str, str]:
        """``source`` or ``driver`` to the moment at which that face rests, for those that were told."""
        moments = {"source": self.source_neutral, "driver": self.driver_neutral}
        return {role: moment for role, moment in moments.items() if moment is not None}


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a plan that is wanted; all of it by default."""

    frames: str | None = None
    """``A:B``, with B left out, in frames, seconds or timecode of the output."""
    shots: tuple[str, ...] = ()
    """Names of shots."""


WHOLE = Part()
"""All of a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoices:
    """Where the work is done, and who is told."""

    device: str = "auto"
    cache_dir: Path | None = None
    """None means the user's cache folder."""
    colour: ColourChoice | None = None
    progress: ProgressSink | None = None
    tell: Tell = log_event

    @property
    def cache_folder(self) -> Path:
        """The folder asked for, else the user's."""
        return self.cache_dir or default_cache_dir()


def plan_choices(fields: Mapping[str, object]) -> PlanChoices:
    """The choices that keyword arguments of `PlanKeywords` make; those of `RunKeywords` are left out.

    Raises:
        OptionsError: a keyword is none of these, or a field of the edit has a value that it does not take.
    """
    known = (*PlanKeywords.__annotations__, *RunKeywords.__annotations__)
    for name in fields:
        if name not in known:
            raise OptionsError(
                f"there is no argument {name!r}", nearest_names(name, known), "correct the name, or leave it out"
            )
    given: WorkKeywords = fields  # type: ignore[assignment] # its names were looked at; planning looks at the values
    edit = {name: value for name, value in fields.items() if name in EditKeywords.__annotations__}
    asked = {name: value for name, value in fields.items() if name in Shown.model_fields}
    shown = read_model(Shown, asked, action="correct the argument")
    return PlanChoices(
        edit=read_model(EditSettings, edit, action="correct the argument"),
        options=tuple(
            OptionValue(component, option, value)
            for component, values in given.get("options", {}).items()
            for option, value in values.items()
        ),
        components=dict(given.get("components", {})),
        weights=str(given["weights"]) if "weights" in given else None,
        weights_dir=Path(given["weights_dir"]) if "weights_dir" in given else None,
        project=Path(given["project"]) if "project" in given else None,
        media_roots=tuple(map(Path, given.get("media_roots", ()))),
        fit=shown.fit,
        gaps=shown.gaps,
    )


def run_choices(fields: Mapping[str, object]) -> RunChoices:
    """The choices that keyword arguments of `RunKeywords` make; others are left out."""
    given: WorkKeywords = fields  # type: ignore[assignment] # as in plan_choices
    called = given.get("progress")
    return RunChoices(
        device=given.get("device", "auto"),
        cache_dir=Path(given["cache_dir"]) if "cache_dir" in given else None,
        colour=given.get("colour"),
        progress=None if called is None else _Counted(called),
        tell=given.get("tell", log_event),
    )


class _Counted:
    """A progress sink that calls a function with sums."""

    def __init__(self, called: Callable[[Progress], None]) -> None:
        self._called = called
        self._at: Progress | None = None

    def started(self, stage: Stage, name: str, num_frames: int) -> None:
        """A stage begins."""
        self._now(Progress(stage, name, 0, num_frames))

    def advanced(self, num_frames: int) -> None:
        """So many more frames are done."""
        if (at := self._at) is not None:
            self._now(Progress(at.stage, at.name, min(at.done + num_frames, at.total), at.total))

    def finished(self) -> None:
        """The stage ended well."""
        if (at := self._at) is not None and at.done < at.total:
            self._now(Progress(at.stage, at.name, at.total, at.total))
        self._at = None

    def _now(self, progress: Progress) -> None:
        self._at = progress
        self._called(progress)
