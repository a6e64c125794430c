"""``dpe evaluate``: the paper's protocols, the score on a grid of truths, and reports put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_research.commands.evaluation_choices import (
    BaselineChoices,
    DataChoices,
    FramesOption,
    MeasureChoices,
    MethodChoices,
    PairsOption,
    ReportFolderOption,
)
from dpe_toolkit.api.commands import expand_options, help_text, note

if TYPE_CHECKING:
    from dpe_research.evaluation import EditKind, Group, ProtocolName
    from dpe_research.evaluation.footage import Clip

__all__ = ["app"]

_WHAT = (
    "Evaluates the network of --weights, those of --compare NAME=FILE, results of any other method that lie in "
    "--results FOLDER, and baselines. Writes report.html, report.json, report.csv and frames.csv into a folder."
)
_SELF = help_text(
    "Self-reenactment: a clip's first frame driven by those that follow, which are also the truth.",
    _WHAT,
    "Results of another method: FOLDER/CLIP/000001.png (named by the driver's frame) or FOLDER/CLIP.mp4.",
    examples=(
        "dpe evaluate self --data vox --weights dpe -o report",
        "dpe evaluate self --data vox --results LIA=lia_out -o report",
    ),
)
_CROSS = help_text(
    "Cross-reenactment: a source's first frame driven by somebody else's frames.",
    _WHAT,
    "Results of another method: FOLDER/SOURCE__DRIVER/000000.png or FOLDER/SOURCE__DRIVER.mp4.",
    examples=("dpe evaluate cross --data vox --pairs pairs.csv --weights dpe -o report",),
)
_EXPRESSION = help_text(
    "Expression editing: a source's first frame with the driver's expression; its pose ought to stay.",
    _WHAT,
    "Results of another method: as for 'dpe evaluate cross'.",
    examples=("dpe evaluate expression --data vox --weights dpe -o report",),
)
_POSE = help_text(
    "Pose editing: a source's first frame with the driver's pose; its expression ought to stay.",
    _WHAT,
    "Results of another method: as for 'dpe evaluate cross'.",
    examples=("dpe evaluate pose --data vox --weights dpe -o report",),
)
_SYNTHETIC = help_text(
    "Disentanglement on a synthetic set, where the true picture of every edit is known.",
    _WHAT,
    "Pairs of frames that differ in pose and expression are edited by each branch; the result is compared with the "
    "true picture, and what a regressor reads in it with what it reads in the true pictures. Results of another "
    "method: FOLDER/CLIP/SSSSSS_DDDDDD_EDIT.png, where EDIT is expression, pose or in-turn.",
    examples=(
        "dpe evaluate synthetic --data grid --weights run.safetensors -o report",
        "dpe evaluate synthetic --data grid --baseline mesh -o report",
    ),
)
_JOIN = help_text(
    "Put earlier reports together into one page.",
    examples=("dpe evaluate join self_report cross_report -o report",),
)

app = typer.Typer(help="Evaluate edits: of our networks, of the mesh method, of anybody's.", no_args_is_help=True)


def _self(
    *,
    output: ReportFolderOption,
    frames: FramesOption = 400,
    data: DataChoices,
    methods: MethodChoices,
    baselines: BaselineChoices,
    measures: MeasureChoices,
) -> None:
    """Runs the protocol and writes the report."""
    from dpe_research.evaluation import self_groups

    _run("self", output, lambda clips: self_groups(clips, num_frames=frames), data, (methods, baselines, measures))


def _of_pairs(protocol: ProtocolName, edit: EditKind) -> Callable[..., None]:
    def run(
        *,
        output: ReportFolderOption,
        pairs: PairsOption = None,
        frames: FramesOption = 400,
        data: DataChoices,
        methods: MethodChoices,
        baselines: BaselineChoices,
        measures: MeasureChoices,
    ) -> None:
        """Runs the protocol and writes the report."""
        from dpe_research.evaluation import default_pairs, pair_groups, read_pairs

        def groups(clips: Sequence[Clip]) -> Sequence[Group]:
            chosen = read_pairs(pairs, clips) if pairs else default_pairs(clips)
            return pair_groups(chosen, clips, edit, num_frames=frames)

        _run(protocol, output, groups, data, (methods, baselines, measures))

    return run


def _synthetic(
    *,
    output: ReportFolderOption,
    pairs_per_clip: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="Pairs of frames drawn of each clip.")
    ] = 16,
    data: DataChoices,
    methods: MethodChoices,
    baselines: BaselineChoices,
    measures: MeasureChoices,
) -> None:
    """Runs the protocol and writes the report."""
    from dpe_research.evaluation import grid_groups

    _run(
        "synthetic",
        output,
        lambda clips: grid_groups(clips, pairs_per_clip=pairs_per_clip, seed=data.seed),
        data,
        (methods, baselines, measures),
    )


def join_reports(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Folders of earlier reports.")],
    *,
    output: ReportFolderOption,
) -> None:
    """Reads the reports and writes one."""
    from dpe_research.evaluation.report import read_reports, write_report

    written = write_report(output, read_reports(reports))
    note(str(written[-1]), label="wrote", style="green")


app.command("self", help=_SELF)(expand_options(_self))
app.command("cross", help=_CROSS)(expand_options(_of_pairs("cross", "both")))
app.command("expression", help=_EXPRESSION)(expand_options(_of_pairs("expression", "expression")))
app.command("pose", help=_POSE)(expand_options(_of_pairs("pose", "pose")))
app.command("synthetic", help=_SYNTHETIC)(expand_options(_synthetic))
app.command("join", help=_JOIN)(join_reports)


def _run(
    protocol: ProtocolName,
    output: Path,
    groups: Callable[[Sequence[Clip]], Sequence[Group]],
    data: DataChoices,
    rest: tuple[MethodChoices, BaselineChoices, MeasureChoices],
) -> None:
    from dpe_research.commands.evaluation_work import evaluate, print_summary
    from dpe_research.evaluation.report import write_frames, write_report

    report, scores = evaluate(protocol, groups, data, rest)
    written = (*write_report(output, report), write_frames(output, scores))
    if not data.quiet:
        print_summary(report)
        for path in written:
            note(str(path), label="wrote", style="green")
