"""Options that several commands share, as dataclasses that `expand_options` spells out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from dpe_toolkit.cli.folders import user_data_dir
from dpe_toolkit.cli.ranges import parse_assignments, parse_face
from dpe_toolkit.editing.stages import KINDS
from dpe_toolkit.face.choice import FACE_FORMS
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.plans.model import Fit, Gaps

__all__ = [
    "AmountChoices",
    "PartChoices",
    "PerformanceChoices",
    "TimelineArgument",
    "WeightsDirOption",
]

Audio = Literal["source", "driver", "mix", "none"]
Mode = Literal["absolute", "relative"]
MissingFace = Literal["passthrough", "hold", "error"]
WhenShort = Literal["hold", "loop", "passthrough", "error"]
_EDIT_FIELDS = ("expression", "pose", "regions", "mode", "missing_face", "fade_frames", "audio")

_DRIVER = "The performance"
_EDIT = "The edit; goes before what the timeline says"
_PARTS = "Components and their options"
_FRAME = "The frame"

TimelineArgument = Annotated[Path, typer.Argument(metavar="TIMELINE", help="Timeline: .otio, .otioz or .otiod.")]


WeightsDirOption = Annotated[
    Path | None,
    typer.Option(
        envvar="DPE_WEIGHTS",
        metavar="FOLDER",
        help="Where imported weights are kept; by default the user's data folder.",
        rich_help_panel=_PARTS,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountChoices:
    """What an edit does to a face."""

    expression: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=3,
            metavar="AMOUNT",
            help="Share of the driver's expression: 0 none, 1 all, 2 twice.",
            rich_help_panel=_EDIT,
        ),
    ] = None
    pose: Annotated[
        float | None,
        typer.Option(min=0, max=3, metavar="AMOUNT", help="Share of the driver's head pose.", rich_help_panel=_EDIT),
    ] = None
    regions: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"Only these parts of the face: {', '.join(REGIONS)}. A part may have a share: mouth=0.5,brows.",
            rich_help_panel=_EDIT,
        ),
    ] = None
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="absolute: the driver's expression. relative: what the driver changes from a neutral face, "
            "added to the source's expression.",
            rich_help_panel=_EDIT,
        ),
    ] = None
    missing_face: Annotated[
        MissingFace | None,
        typer.Option(
            help="Where no face is found: show the source, hold the last expression, or stop.", rich_help_panel=_EDIT
        ),
    ] = None
    fade_frames: Annotated[
        int | None,
        typer.Option(
            min=0, max=250, metavar="COUNT", help="Cross-fade where an edit starts or stops.", rich_help_panel=_EDIT
        ),
    ] = None

    audio: Annotated[
        Audio | None,
        typer.Option(
            help="Whose sound is heard in edited shots: the source's, the driver's, both, or none.",
            rich_help_panel=_EDIT,
        ),
    ] = None

    @property
    def settings(self) -> dict[str, object]:
        """Field of the effect, or of `dpe_toolkit.plans.edit.EditPlan`, to value, for what was typed."""
        values: dict[str, object] = {name: getattr(self, name) for name in _EDIT_FIELDS}
        if self.regions is not None:
            from dpe_toolkit.planning import parse_regions

            values["regions"] = parse_regions(self.regions)
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChoices:
    """Which components do the work, with which options."""

    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="COMPONENT.OPTION=VALUE",
            help="An option of a component; may be given again. Also a flag of its own, --COMPONENT.OPTION VALUE: "
            "--help shows those of the components that are named with it.",
            rich_help_panel=_PARTS,
        ),
    ] = None
    detector: Annotated[
        str | None, typer.Option(metavar="NAME", help="What finds the faces.", rich_help_panel=_PARTS)
    ] = None
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME", help="What reads the source's looks.", rich_help_panel=_PARTS)
    ] = None
    motion: Annotated[
        str | None, typer.Option(metavar="NAME", help="What splits pose from expression.", rich_help_panel=_PARTS)
    ] = None
    generator: Annotated[
        str | None, typer.Option(metavar="NAME", help="What draws the face.", rich_help_panel=_PARTS)
    ] = None
    compositor: Annotated[
        str | None, typer.Option(metavar="NAME", help="What puts it into the frame.", rich_help_panel=_PARTS)
    ] = None
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Weights for components that take some: a name that 'dpe weights list' shows, or a file.",
            rich_help_panel=_PARTS,
        ),
    ] = None
    weights_dir: WeightsDirOption = None
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Project settings; by default dpe.toml beside the timeline.", rich_help_panel=_PARTS
        ),
    ] = None
    media_root: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Where to look for media that are not where the timeline says; may be given again.",
            rich_help_panel=_PARTS,
        ),
    ] = None
    fit: Annotated[
        Fit | None,
        typer.Option(
            help="Pictures of another size: fit shows all of them with bars, fill cuts off what stands out, none "
            "leaves their pixels as they are.",
            rich_help_panel=_FRAME,
        ),
    ] = None
    gaps: Annotated[
        Gaps | None,
        typer.Option(help="What is seen where nothing is; transparent needs a codec that can.", rich_help_panel=_FRAME),
    ] = None

    @property
    def weights_folder(self) -> Path:
        """The weights folder asked for, else the user's."""
        return self.weights_dir or user_data_dir() / "weights"

    @property
    def overrides(self) -> dict[tuple[str, str], object]:
        """(component, option) to value, from ``--set``."""
        return parse_assignments(self.assignments)

    @property
    def components(self) -> dict[str, str]:
        """Kind to name, for the components that were named."""
        named = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: name for kind, name in named.items() if name is not None}

    @property
    def settings(self) -> dict[str, object]:
        """Field of the effect to value, for what was typed."""
        options: dict[str, dict[str, object]] = {}
        for (component, option), value in self.overrides.items():
            options.setdefault(component, {})[option] = value
        if self.weights is not None:
            # The timeline may lie elsewhere than the working folder that a path starts in.
            named = Path(self.weights).absolute() if Path(self.weights).is_file() else self.weights
            options.setdefault("generator", {})["weights"] = str(named)
        chosen: dict[str, object] = {"components": self.components, "options": options}
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceChoices:
    """How a driver is laid under a clip."""

    start: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Where in the driver to begin: frames (48), seconds (2s) or timecode.",
            rich_help_panel=_DRIVER,
        ),
    ] = "0"
    retime: Annotated[
        float,
        typer.Option(
            min=0.01, max=100, metavar="FACTOR", help="Driver seconds that pass in one second.", rich_help_panel=_DRIVER
        ),
    ] = 1.0
    when_short: Annotated[
        WhenShort, typer.Option(help="What happens where the driver ends before the clip.", rich_help_panel=_DRIVER)
    ] = "hold"
    consent: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What the person shown agreed to; stored with the edit.", rich_help_panel=_DRIVER
        ),
    ] = None
    source_face: Annotated[str, typer.Option(metavar="WHICH", help=f"{FACE_FORMS}.", rich_help_panel=_DRIVER)] = (
        "largest"
    )
    driver_face: Annotated[str, typer.Option(metavar="WHICH", help=f"{FACE_FORMS}.", rich_help_panel=_DRIVER)] = (
        "largest"
    )
    source_neutral: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Moment at which the source's face rests.", rich_help_panel=_DRIVER),
    ] = None
    driver_neutral: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Moment at which the driver's face rests.", rich_help_panel=_DRIVER),
    ] = None

    @property
    def settings(self) -> dict[str, object]:
        """Field of the effect to value."""
        faces = {"source": parse_face(self.source_face), "driver": parse_face(self.driver_face)}
        neutral = {"source": self.source_neutral, "driver": self.driver_neutral}
        moments = {role: moment for role, moment in neutral.items() if moment is not None}
        chosen: dict[str, object] = {"consent": self.consent, "neutral": moments}
        if any(face != "largest" for face in faces.values()):
            chosen["face"] = faces
        return {name: value for name, value in chosen.items() if value}
