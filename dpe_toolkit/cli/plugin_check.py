"""``dpe plugins check``: do components keep what they promise, and how fast are they."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import WeightsDirOption
from dpe_toolkit.cli.screen import help_text, note, notes_console, print_table, say
from dpe_toolkit.core.errors import DpeError, OptionsError, nearest_names
from dpe_toolkit.delivery.folders import user_data_dir
from dpe_toolkit.delivery.ranges import parse_assignments

if TYPE_CHECKING:
    from dpe_toolkit.plugins import RegisteredComponent, Registry

__all__ = ["HELP", "check_plugins"]

HELP = help_text(
    "Check that plugins keep what their components promise, and time them.",
    "Runs the conformance suite of each component on short clips that the toolkit makes, which takes seconds a "
    "component. NAME is a plugin or component; PATH the folder of a distribution that need not be installed, whose "
    "code is then run. Exits with 1 where a check fails or a plugin does not load.",
    examples=(
        "dpe plugins check",
        "dpe plugins check feather",
        "dpe plugins check ./dpe-soft-edge --set soft_edge.size=0.9",
    ),
)

_FAILED = 1


@dataclass(frozen=True, slots=True)
class Checked:
    """One component after its suite."""

    plugin: str
    kind: str
    component: str
    passed: int
    failed: int
    skipped: int
    ms_per_frame: float | None
    """None where a check failed, or nothing was run."""
    faults: tuple[str, ...]
    lacking: str = ""
    """What it needs to be checked at all."""


def check_plugins(
    target: Annotated[str | None, typer.Argument(metavar="[NAME|PATH]", help="All plugins if left out.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")] = "cpu",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COMPONENT.OPTION=VALUE", help="An option to check with; may be given again."),
    ] = None,
    weights: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="Weights to check with.")] = None,
    weights_dir: WeightsDirOption = None,
) -> None:
    """Runs the suites and prints a table."""
    from dpe_toolkit.rendering.device import resolve_device

    registry, names = _registry(target)
    entries = _entries(registry, target, names)
    if target is not None and names is None:
        named = {info.name for info in registry.plugins if target in (info.name, info.distribution)}
        names = named | {entry.plugin for entry in entries}
    infos = [info for info in registry.plugins if names is None or info.name in names]
    path = _weights_path(weights, weights_dir or user_data_dir() / "weights")
    options = parse_assignments(assignments)
    _check_options(entries, options)
    checked = list(_check_all(registry, entries, options, path, str(resolve_device(device))))
    faults = [f"plugin {info.label}: {info.fault}" for info in infos if info.fault]
    faults += [
        f"plugin {info.label} does not state DPE_API_VERSION; write DPE_API_VERSION = 1 in its module"
        for info in infos
        if info.api_version is None and info.components
    ]
    if as_json:
        say(json.dumps({"components": [asdict(one) for one in checked], "faults": faults}, indent=2))
    else:
        _print(checked, faults)
    if faults or any(one.failed for one in checked):
        raise typer.Exit(_FAILED)


def _registry(target: str | None) -> tuple[Registry, set[str] | None]:
    """The plugins to work with, and the names of those to check; None for all."""
    from dpe_toolkit.delivery.allowed import allowed_plugins, allowed_registry

    if target is None or not Path(target).is_dir():
        return allowed_registry(), None
    from dpe_toolkit.plugins import Registry
    from dpe_toolkit.plugins.folder import folder_sources
    from dpe_toolkit.plugins.loading import installed_sources, load_plugin

    sources = folder_sources(Path(target))
    names = {source.name for source in sources}
    others = [source for source in installed_sources(allowed_plugins()) if source.name not in names]
    return Registry(load_plugin(source) for source in [*sources, *others]), names


def _entries(registry: Registry, target: str | None, names: set[str] | None) -> list[RegisteredComponent]:
    """The components to check.

    Raises:
        OptionsError: nothing is called that.
    """
    every = [entry for plugin in registry.plugins for entry in plugin.components]
    if names is not None or target is None:
        return [entry for entry in every if names is None or entry.plugin in names]
    owners = {plugin.name for plugin in registry.plugins if target in (plugin.name, plugin.distribution)}
    found = [entry for entry in every if entry.plugin in owners] or [
        entry for entry in every if entry.component.name == target
    ]
    if not found and not owners:
        known = {plugin.name for plugin in registry.plugins} | {entry.component.name for entry in every}
        raise OptionsError(
            f"no plugin or component is called {target!r}, and it is no folder",
            nearest_names(target, known),
            "run 'dpe plugins list'",
        )
    return found


def _weights_path(named: str | None, folder: Path) -> Path | None:
    if named is None:
        return None
    from dpe_toolkit.planning.weights import WeightsPlaces

    return WeightsPlaces(folder=folder, base_dir=Path.cwd(), named=named).find(named, "command line")


def _check_options(entries: Sequence[RegisteredComponent], options: dict[tuple[str, str], object]) -> None:
    """One message for what would fail every check.

    Raises:
        OptionsError: an option of nothing that is checked, or one that its component does not take.
    """
    for target, _ in options:
        names = {name for entry in entries for name in (entry.component.name, entry.component.kind)}
        if target not in names:
            wrong = f"--set names {target!r}, which is not among what is checked"
            raise OptionsError(wrong, nearest_names(target, names), "correct the --set")
    for entry in entries:
        entry.component.options.parse(_given(entry, options), owner=entry.component.name)


def _given(entry: RegisteredComponent, options: dict[tuple[str, str], object]) -> dict[str, object]:
    named = {entry.component.name, entry.component.kind}
    return {option: value for (target, option), value in options.items() if target in named}


def _check_all(
    registry: Registry,
    entries: Sequence[RegisteredComponent],
    options: dict[tuple[str, str], object],
    weights: Path | None,
    device: str,
) -> Iterator[Checked]:
    from rich.progress import Progress

    with Progress(console=notes_console(), transient=True, disable=not notes_console().is_terminal) as bars:
        task = bars.add_task("check", total=len(entries))
        for entry in entries:
            bars.update(task, description=f"check {entry.component.kind} {entry.component.name}")
            yield _check(registry, entry, _given(entry, options), weights, device)
            bars.advance(task)


def _check(
    registry: Registry, entry: RegisteredComponent, options: dict[str, object], weights: Path | None, device: str
) -> Checked:
    from dpe_toolkit.testing import ms_per_frame, run_suite, suite_for

    component = entry.component
    kin = [other.component for info in registry.plugins if info.name == entry.plugin for other in info.components]
    partners = [other for other in kin if [one.kind for one in kin].count(other.kind) == 1 and other is not component]
    takes = "weights" in component.options.model_fields
    suite = suite_for(
        component,
        options=options,
        weights=weights if takes else None,
        partners=partners,
        device=device,
        installed=registry,
    )
    identity = (entry.plugin, component.kind, component.name)
    try:
        suite.code_space()
        if takes and weights is None:
            suite.make()
    except DpeError as error:
        # What cannot be made without weights is no fault of it.
        return Checked(*identity, 0, 0, 0, None, (), f"{error.wrong}; {error.action}")
    results = list(run_suite(suite))
    faults = tuple(f"{result.check}: {result.detail}" for result in results if result.state == "failed")
    passed, skipped = (sum(result.state == state for result in results) for state in ("ok", "skipped"))
    return Checked(*identity, passed, len(faults), skipped, None if faults else ms_per_frame(suite), faults)


def _print(checked: Sequence[Checked], faults: Sequence[str]) -> None:
    columns = ("plugin", "kind", "component", "checks", "ms a frame", "result")
    print_table(columns, [_row(one) for one in checked])
    for one in checked:
        if one.lacking:
            note(f"{one.kind} {one.component} was not checked: {one.lacking}", label="note")
        for fault in one.faults:
            note(f"{one.kind} {one.component}: {fault}", label="error", style="bold red")
    for text in faults:
        note(text, label="error", style="bold red")


def _row(one: Checked) -> tuple[str, ...]:
    total = one.passed + one.failed
    speed = "" if one.ms_per_frame is None else f"{one.ms_per_frame:.2f}"
    result = "not checked" if one.lacking else f"{one.failed} failed" if one.failed else "ok"
    return (one.plugin, one.kind, one.component, f"{one.passed} of {total}", speed, result)
