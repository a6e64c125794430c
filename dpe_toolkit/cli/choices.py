"""Options that several commands share, as dataclasses that `expand_options` spells out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field

from dpe_toolkit.cli.fields import KindFlags, ModelFlags
from dpe_toolkit.cli.folders import user_data_dir
from dpe_toolkit.editing.options import OptionValue, group_options, parse_assignment
from dpe_toolkit.editing.settings import ComponentNames, ComponentOptions, EditSettings, Retime, Settings
from dpe_toolkit.plans.model import Fit, Gaps

__all__ = [
    "AmountChoices",
    "PartChoices",
    "PerformanceChoices",
    "Placement",
    "TimelineArgument",
    "WeightsDirOption",
]

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


AmountChoices = Annotated[EditSettings, ModelFlags(EditSettings, _EDIT)]
"""What is asked of an edit: a flag for each field of `EditSettings`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChoices:
    """Which components do the work, with which options."""

    assignments: Annotated[
        list[OptionValue] | None,
        typer.Option(
            "--set",
            parser=parse_assignment,
            metavar="COMPONENT.OPTION=VALUE",
            help="An option of a component; may be given again. Also a flag of its own, --COMPONENT.OPTION VALUE: "
            "--help shows those of the components that are named with it.",
            rich_help_panel=_PARTS,
        ),
    ] = None
    components: Annotated[ComponentNames, KindFlags(_PARTS)] = field(default_factory=dict)
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
    def options(self) -> ComponentOptions:
        """Component to option to value, as an effect keeps them: what was assigned, and the weights."""
        given = [*(self.assignments or ())]
        if self.weights is not None:
            # The timeline may lie elsewhere than the working folder that a path starts in.
            named = Path(self.weights).absolute() if Path(self.weights).is_file() else self.weights
            given.append(OptionValue("generator", "weights", str(named)))
        return group_options(given)


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


PerformanceChoices = Annotated[Placement, ModelFlags(Placement, _DRIVER)]
"""How a driver is laid under a clip: a flag for each field."""
