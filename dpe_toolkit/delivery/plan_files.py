"""Plans in files: written on one machine, read and checked on the one that renders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dpe_toolkit.core.errors import DpeError, OptionsError
from dpe_toolkit.core.outputs import Output
from dpe_toolkit.delivery.files import refuse_over_plan
from dpe_toolkit.planning.document import read_plan
from dpe_toolkit.plans import document
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem

if TYPE_CHECKING:
    from dpe_toolkit.plugins import RegisteredComponent, Registry

__all__ = ["PLAN_SUFFIX", "open_plan_file", "plan_output", "write_plan"]

PLAN_SUFFIX = ".json"


def open_plan_file(path: Path, registry: Registry) -> RenderPlan:
    """The plan in a file; what it needs and this machine lacks, or has otherwise, stands in its problems.

    Raises:
        PlanError: the file cannot be read, or holds no plan.
    """
    made = read_plan(path)
    found = (*_missing_weights(made), *_missing_components(made, registry), *registry.check_plan(made))
    return made.model_copy(update={"problems": tuple(dict.fromkeys((*made.problems, *found)))})


def plan_output(output: Path) -> Output:
    """The file of a plan, to be written.

    Raises:
        OptionsError: another suffix.
    """
    if output.suffix.lower() != PLAN_SUFFIX:
        raise OptionsError(f"{output.name!r} is no plan", "a name in .json", "rename the output", path=output)
    return Output(path=output)


def write_plan(made: RenderPlan, output: Path) -> Path:
    """Writes the plan as JSON, whole or not at all, and returns its path.

    Raises:
        OptionsError: another suffix, a place that cannot be written, or a file that the plan reads.
        PlanError: there is no room for it.
    """
    refuse_over_plan([plan_output(output)], made, made)
    document.write_plan(made, output)
    return output


def _missing_weights(made: RenderPlan) -> Iterator[Problem]:
    for path in dict.fromkeys(path for _, choice in _components(made) for path in choice.all_weights.values()):
        if not path.exists():
            yield Problem(
                where=f"weights {str(path)!r}",
                wrong="the plan reads them, and they are not here",
                expected="every file under the name that it had where the plan was made",
                action="put them there, or plan again on this machine",
            )


def _missing_components(made: RenderPlan, registry: Registry) -> Iterator[Problem]:
    for shot, choice in _components(made):
        entry = _entry(registry, choice)
        wrong = f"{choice.kind} {choice.name!r} of plugin {choice.plugin} {choice.version}"
        action = f"install {choice.plugin} {choice.version}"
        if entry is None:
            yield Problem(
                where=f"shot {shot!r}",
                wrong=f"{wrong} is not installed here",
                expected="the plugins that the plan names",
                action=action,
            )
        elif entry.version != choice.version:
            yield Problem(
                severity="warning",
                where=f"shot {shot!r}",
                wrong=f"{wrong} is wanted, and {entry.version} is installed",
                expected="the same version, for the same pixels",
                action=action,
            )


def _entry(registry: Registry, choice: ComponentChoice) -> RegisteredComponent | None:
    """The component of that very plugin, whoever else has one of its name."""
    try:
        return registry.find(choice.kind, f"{choice.plugin}:{choice.name}")
    except DpeError:
        return None


def _components(made: RenderPlan) -> Iterator[tuple[str, ComponentChoice]]:
    """Every component that works at the plan, with the shot that names it."""
    for take in made.takes:
        if take.edit is not None:
            yield from ((take.name, choice) for choice in take.edit.choices)
