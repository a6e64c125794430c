"""``dpe plugins check``: do components keep what they promise, and how fast are they."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import WeightsDirOption
from dpe_toolkit.cli.screen import help_text, note, notes_console, print_table, say
from dpe_toolkit.delivery.folders import default_weights_dir
from dpe_toolkit.delivery.ranges import parse_assignments

if TYPE_CHECKING:
    from dpe_toolkit.testing.checks import CheckedComponent

__all__ = ["HELP", "check_plugins"]

HELP = help_text(
    "Check that plugins keep what their components promise, and time them.",
    "Runs the conformance suite of each component on short clips that the toolkit makes, which takes seconds a "
    "component. NAME is a plugin or component; PATH the folder of a distribution that need not be installed, whose "
    "code is then run. Exits with 1 where a check fails, a plugin does not load, or what was named cannot be checked "
    "for want of weights.",
    examples=(
        "dpe plugins check",
        "dpe plugins check feather",
        "dpe plugins check --kind compositor --limit 60",
        "dpe plugins check ./dpe-soft-edge --set soft_edge.size=0.9",
        "dpe plugins check mine --weights mine.safetensors",
    ),
)

_FAILED = 1


def check_plugins(
    target: Annotated[str | None, typer.Argument(metavar="[NAME|PATH]", help="All plugins if left out.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")] = "cpu",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COMPONENT.OPTION=VALUE", help="An option to check with; may be given again."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only components of this kind; may be given again."),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="A check that takes longer has failed; by default none has."),
    ] = None,
    weights: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Weights to check with.")] = None,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Runs the suites, tells each component as it ends, and prints a table."""
    from dpe_toolkit.testing import checks

    with _shown() as (begun, ended):
        found = checks.check_plugins(
            target,
            kinds=kind or (),
            device=device,
            options=parse_assignments(assignments),
            weights=weights,
            weights_dir=weights_dir or default_weights_dir(),
            limit_s=limit,
            begun=begun,
            ended=ended,
        )
    if as_json:
        records = [asdict(one) for one in found.components]
        say(json.dumps({"components": records, "faults": found.faults}, indent=2))
    else:
        columns = ("plugin", "kind", "component", "checks", "ms a frame", "result")
        print_table(columns, [_row(one) for one in found.components])
        for text in found.faults:
            note(text, label="error", style="bold red")
    if found.unchecked:
        names = ", ".join(f"{one.kind} {one.component}" for one in found.unchecked)
        note(f"{names}: of these nothing is known; name weights with --weights or --set", label="not checked")
    if not found.is_well:
        raise typer.Exit(_FAILED)


@contextmanager
def _shown() -> Iterator[tuple[Callable[[str, int], None], Callable[[CheckedComponent], None]]]:
    """Gives whom to tell that a component begins and ends: a bar in a terminal, and a line for each that ended."""
    from rich.progress import Progress

    console = notes_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("check", total=None)

        def begun(name: str, total: int) -> None:
            bars.update(task, description=f"check {name}", total=total)

        def ended(one: CheckedComponent) -> None:
            bars.advance(task)
            _print_ended(one)

        yield begun, ended


def _print_ended(one: CheckedComponent) -> None:
    name = f"{one.kind} {one.component}"
    if one.lacking:
        note(f"{name} was not checked: {one.lacking}", label="note")
        return
    note(f"{name}: {one.passed} of {one.passed + one.failed} checks hold", label="checked")
    for text in one.advice:
        note(f"{name}: {text}", label="warning", style="yellow")
    for text in one.faults:
        note(f"{name}: {text}", label="error", style="bold red")


def _row(one: CheckedComponent) -> tuple[str, ...]:
    total = one.passed + one.failed
    speed = "" if one.ms_per_frame is None else f"{one.ms_per_frame:.2f}"
    result = "not checked" if one.lacking else f"{one.failed} failed" if one.failed else "ok"
    return (one.plugin, one.kind, one.component, f"{one.passed} of {total}", speed, result)
