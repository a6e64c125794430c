"""Options that several commands share, as dataclasses that `expand_options` spells out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from dpe_toolkit.cli.fields import KindFlags, ModelFlags
from dpe_toolkit.delivery.choices import Placement
from dpe_toolkit.editing.options import OptionValue, parse_assignment
from dpe_toolkit.editing.settings import ComponentNames, EditSettings
from dpe_toolkit.plans.model import Fit, Gaps

__all__ = [
    "AmountChoices",
    "PartChoices",
    "PerformanceChoices",
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


PerformanceChoices = Annotated[Placement, ModelFlags(Placement, _DRIVER)]
"""How a driver is laid under a clip: a flag for each field."""
