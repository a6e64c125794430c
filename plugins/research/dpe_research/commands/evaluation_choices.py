"""Options of ``dpe evaluate``, as dataclasses that `expand_options` spells out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from dpe_toolkit.api.commands import WeightsDirOption, parse_assignments, user_data_dir

__all__ = [
    "BaselineChoices",
    "BaselineName",
    "DataChoices",
    "FramesOption",
    "MeasureChoices",
    "MethodChoices",
    "PairsOption",
    "ReportFolderOption",
]


class BaselineName(StrEnum):
    """Rows that need no weights and no results. An enumeration, since typer takes lists of no other choice."""

    SOURCE = "source"
    TRUTH = "truth"
    UNTRAINED = "untrained"
    MESH = "mesh"


SplitName = Literal["test", "train", "all"]
BranchName = Literal["pose", "exp"]
NetName = Literal["alex", "vgg"]

_DATA = "Data"
_METHODS = "Methods: one row each"
_MEASURES = "What measures"
_WHERE = "Where and how it runs"

ReportFolderOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the report; made where it is missing.")
]
FramesOption = Annotated[
    int,
    typer.Option(min=1, metavar="COUNT", help="Driving frames of a clip at most.", rich_help_panel=_DATA),
]
PairsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="CSV or TSV of source and driver by clip id; by default each clip is driven by the next person's.",
        rich_help_panel=_DATA,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChoices:
    """Which clips, and how the work is done."""

    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER", help="Dataset of clips.", rich_help_panel=_DATA)
    ] = ...  # type: ignore[assignment] # typer's mark of an option that must be given
    split: Annotated[SplitName, typer.Option(help="Part of the dataset.", rich_help_panel=_DATA)] = "test"
    clips: Annotated[
        int | None,
        typer.Option(min=1, metavar="COUNT", help="Only the first clips of the split.", rich_help_panel=_DATA),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Of random draws.", rich_help_panel=_WHERE)] = 0
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=_WHERE)
    ] = "auto"
    batch_size: Annotated[
        int, typer.Option(min=1, max=1024, metavar="COUNT", help="Pictures at a time.", rich_help_panel=_WHERE)
    ] = 16
    worst: Annotated[
        int,
        typer.Option(min=0, max=50, metavar="COUNT", help="Worst frames shown of each method.", rich_help_panel=_WHERE),
    ] = 3
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel=_WHERE)
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodChoices:
    """Networks and results."""

    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Weights of a network: a name that 'dpe weights list' shows, or a file.",
            rich_help_panel=_METHODS,
        ),
    ] = None
    branch: Annotated[
        BranchName | None,
        typer.Option(
            help="Branch of --weights that edits the expression; by default what the file says.",
            rich_help_panel=_METHODS,
        ),
    ] = None
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Weights of a further network, such as an ablation; may be given again.",
            rich_help_panel=_METHODS,
        ),
    ] = None
    results: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FOLDER",
            help="Pictures or videos that another method made; may be given again.",
            rich_help_panel=_METHODS,
        ),
    ] = None
    weights_dir: WeightsDirOption = None

    @property
    def weights_folder(self) -> Path:
        """The weights folder asked for, else the user's."""
        return self.weights_dir or user_data_dir() / "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineChoices:
    """Rows to compare with."""

    baseline: Annotated[
        list[BaselineName] | None,
        typer.Option(
            metavar="NAME",
            help="source: the unedited source. truth: true pictures, the noise floor. untrained: random weights. "
            "mesh: the default method, a still at a time. May be given again; source and truth are there by default.",
            rich_help_panel=_METHODS,
        ),
    ] = None
    published: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV of rows printed elsewhere (protocol, method, metric, value, source), shown as other data.",
            rich_help_panel=_METHODS,
        ),
    ] = None
    paper: Annotated[
        bool,
        typer.Option(help="Show the paper's own tables below ours, as other data.", rich_help_panel=_METHODS),
    ] = True

    def names(self, *, has_truth: bool) -> tuple[BaselineName, ...]:
        """The baselines of a run, those that are there by default included."""
        usual = (BaselineName.TRUTH, BaselineName.SOURCE) if has_truth else (BaselineName.SOURCE,)
        return tuple(dict.fromkeys((*usual, *(self.baseline or ()))))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureChoices:
    """Metrics and what reads faces."""

    regressor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Component that reads expression and pose; mesh.", rich_help_panel=_MEASURES),
    ] = None
    calibrate: Annotated[
        bool,
        typer.Option(
            help="On a synthetic set, read expressions as the activities drawn, by a map fitted on its training part; "
            "else a turned head reads as another expression.",
            rich_help_panel=_MEASURES,
        ),
    ] = True
    identity: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Component that tells persons apart, for CSIM; the first of arcface and dlib that can run.",
            rich_help_panel=_MEASURES,
        ),
    ] = None
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A plugin's metric besides ours; may be given again.", rich_help_panel=_MEASURES
        ),
    ] = None
    lpips_net: Annotated[NetName, typer.Option(help="Network behind LPIPS.", rich_help_panel=_MEASURES)] = "alex"
    lpips_backbone: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Torchvision's weights of that network (alexnet-owt-7be5be79.pth, vgg16-397923af.pth).",
            rich_help_panel=_MEASURES,
        ),
    ] = None
    lpips_linear: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Linear layers of the lpips package (weights/v0.1/alex.pth or vgg.pth).",
            rich_help_panel=_MEASURES,
        ),
    ] = None
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="COMPONENT.OPTION=VALUE",
            help="An option of a component that measures; may be given again.",
            rich_help_panel=_MEASURES,
        ),
    ] = None

    @property
    def options(self) -> dict[str, dict[str, object]]:
        """Component to option to value."""
        grouped: dict[str, dict[str, object]] = {}
        for (component, option), value in parse_assignments(self.assignments).items():
            grouped.setdefault(component, {})[option] = value
        return grouped
