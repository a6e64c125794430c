"""``dpe train``: training the network on a dataset of one's own."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from dpe_toolkit.api import TrainingError
from dpe_toolkit.api.commands import help_text, note, notes_console

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from dpe_research.training import RunFolder, StepReport, TrainingConfig
    from dpe_toolkit.api import ExpressionRegressor
    from dpe_toolkit.api.components import Registry

__all__ = ["HELP", "run"]

HELP = help_text(
    "Train the network on a dataset that 'dpe dataset' made.",
    "Presets are paper (the paper's losses and stages), released (the loss weights of its published trainer) and tiny "
    '(64 px, for a CPU). A configuration file names one by preset = "..." and says what differs; --set goes before '
    "both. The run's folder gets config.toml, log.jsonl, checkpoints, sample pictures, TensorBoard's files and, at the "
    "end, weights.safetensors.",
    "Stopped by Ctrl-C or SIGTERM, a run saves its state after the step at hand; --resume goes on, also after a crash. "
    "Several GPUs or machines: start the same command by torchrun.",
    examples=(
        "dpe train --config tiny --data faces -o runs/first",
        "dpe train --data faces -o runs/paper --set compute.precision=bf16-mixed",
        "dpe train -o runs/paper --resume",
    ),
)

_STOPPED = 1


def run(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the run.")],
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE|PRESET", help="Configuration; by default paper, with --resume the run's own."),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The dataset; data.path for short.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting, such as data.batch_size=8; may be given again."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in the folder.")] = False,
) -> None:
    """Trains, and writes the weights at the end."""
    from dpe_research.training import (
        Launch,
        RunFolder,
        Trainer,
        leaving_together,
        load_loss_networks,
        make_fabric,
        open_dataset,
        write_result,
    )
    from dpe_toolkit.api.commands import allowed_registry
    from dpe_toolkit.api.networks import keep_freed_memory

    keep_freed_memory()
    folder = RunFolder(output)
    settings = _settings(folder, config, data, assignments, resume=resume)
    dataset = open_dataset(settings)
    fabric = make_fabric(settings.compute, Launch.of(os.environ))
    with leaving_together(fabric):
        registry = allowed_registry()
        loss_networks = load_loss_networks(settings, registry, fabric.device)
        with _TrainingBars(settings.num_steps, hidden=not fabric.is_global_zero) as bars:
            trainer = Trainer(settings, dataset, loss_networks, folder, fabric=fabric, observer=bars)
            if fabric.is_global_zero:
                bars.noted(f"{settings.num_steps} steps of {settings.data.batch_size} pairs on {fabric.device}")
            finished = trainer.train(resume=resume)
    if not fabric.is_global_zero:
        return
    if not finished:
        note(f"go on with: dpe train -o {output} --resume", label="stopped", style="yellow")
        raise typer.Exit(_STOPPED)
    regressor = loss_networks.regressor or _measuring_regressor(settings, registry, fabric)
    result = write_result(settings, trainer.state.average.network, folder, dataset, regressor)
    if result.measure is not None:
        for branch in ("pose", "exp"):
            shares = getattr(result.measure, branch)
            note(f"branch {branch!r} moves {shares.expression:.0%} of the expression and {shares.pose:.0%} of the pose")
    if result.note:
        note(result.note, label="note", style="yellow")
    note(f"{result.path}, expression branch {result.header.expression_branch!r}", label="written", style="green")


def _settings(
    folder: RunFolder, config: str | None, data: Path | None, assignments: list[str] | None, *, resume: bool
) -> TrainingConfig:
    from dpe_research.training import load_config, parse_setting

    base: str | Path = config or "paper"
    if config is None and resume and folder.config.is_file():
        base = folder.config
    values = dict(parse_setting(text) for text in assignments or ())
    if data is not None:
        values["data.path"] = str(data.absolute())
    return load_config(base, values)


def _measuring_regressor(settings: TrainingConfig, registry: Registry, fabric: Fabric) -> ExpressionRegressor | None:
    """The regressor of a training that had no need of one; None where it is not installed."""
    from dpe_research.training import load_regressor

    try:
        return load_regressor(settings, registry, fabric.device)
    except TrainingError:
        return None


class _TrainingBars:
    """One live line in a terminal: steps, speed, time left, terms; one line a report anywhere else."""

    def __init__(self, num_steps: int, *, hidden: bool) -> None:
        console = notes_console()
        self._plain = not console.is_terminal
        self._progress = Progress(
            TextColumn("train"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("left"),
            TimeLeftColumn(),
            TextColumn("{task.fields[terms]}", markup=False),
            console=console,
            disable=self._plain or hidden,
        )
        self._task = self._progress.add_task("train", total=num_steps, speed="", terms="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def reported(self, report: StepReport) -> None:
        """So many steps are done."""
        terms = " ".join(f"{name} {value:.3g}" for name, value in report.terms.items() if "norm" not in name)
        speed = f"{report.steps_per_s:.2f} steps/s"
        if self._plain:
            note(f"step {report.step} of {report.num_steps}, {speed}, {report.left_s / 60:.0f} min left: {terms}")
        self._progress.update(self._task, completed=report.step, speed=speed, terms=terms)

    def noted(self, text: str) -> None:
        """Something worth knowing happened."""
        note(text)
