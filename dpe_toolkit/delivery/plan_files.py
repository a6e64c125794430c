"""Plans in files: written on one machine, read and checked on the one that renders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dpe_toolkit.core.errors import MediaError, OptionsError, PlanError, first_line
from dpe_toolkit.core.files import replaced
from dpe_toolkit.delivery.files import refuse_output
from dpe_toolkit.media import file_digest
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem

if TYPE_CHECKING:
    from dpe_toolkit.plugins import Registry

__all__ = ["PLAN_SUFFIX", "faults_here", "read_plan", "write_plan"]

PLAN_SUFFIX = ".json"


def read_plan(path: Path) -> RenderPlan:
    """The plan in a file that `write_plan` wrote.

    Raises:
        PlanError: the file cannot be read, or holds no plan.
    """
    action = "write one with 'dpe plan TIMELINE -o plan.json'"
    try:
        return RenderPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PlanError(
            f"file {str(path)!r}: the plan cannot be read: {error.strerror or error}", "the file of a plan", action
        ) from error
    except ValidationError as error:
        (first, *_) = error.errors()
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first_line(error)
        raise PlanError(f"file {str(path)!r} holds no plan ({reason})", "the file of a plan", action) from error


def write_plan(made: RenderPlan, output: Path, *, reads: Iterable[Path] = ()) -> Path:
    """Writes the plan as JSON, whole or not at all, and returns its path.

    Raises:
        OptionsError: the file cannot be written, has another suffix, or is one of ``reads``.
    """
    if output.suffix.lower() != PLAN_SUFFIX:
        raise OptionsError(f"{output.name!r} is no plan", "a name in .json", "rename the output", path=output)
    refuse_output(output, reads=reads)
    try:
        with replaced(output) as temporary:
            temporary.write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionsError(
            f"the plan cannot be written: {error.strerror or error}", "room for it", "choose another", path=output
        ) from error
    return output


def faults_here(made: RenderPlan, registry: Registry) -> tuple[Problem, ...]:
    """What a plan needs that this machine lacks, or has otherwise; the plan's own problems are left out."""
    found = (*_changed_files(made), *_missing_components(made, registry), *registry.check_plan(made))
    return tuple(dict.fromkeys(problem for problem in found if problem not in made.problems))


def _changed_files(made: RenderPlan) -> Iterator[Problem]:
    files = {media.path: media.digest for media in made.media() if media.missing_images is None}
    files |= {part.path: part.digest for track in made.sound or () for part in track.parts}
    files |= {choice.weights: "" for _, choice in _components(made) if choice.weights is not None}
    for path, digest in files.items():
        try:
            held = file_digest(path)
        except MediaError:
            yield Problem(
                where=f"file {str(path)!r}",
                wrong="the plan reads it, and it is not here",
                expected="every file under the name that it had where the plan was made",
                action="put it there, or plan again on this machine",
            )
        else:
            if digest and held != digest:
                yield Problem(
                    where=f"file {str(path)!r}",
                    wrong="it is not the file that the plan was made of",
                    expected=digest,
                    action="put that file there, or plan again",
                )


def _missing_components(made: RenderPlan, registry: Registry) -> Iterator[Problem]:
    for shot, choice in _components(made):
        entry = registry.components(choice.kind).get(choice.name)
        wrong = f"{choice.kind} {choice.name!r} of plugin {choice.plugin} {choice.version}"
        action = f"install {choice.plugin} {choice.version}"
        if entry is None or entry.plugin != choice.plugin:
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


def _components(made: RenderPlan) -> Iterator[tuple[str, ComponentChoice]]:
    """Every component that works at the plan, with the shot that names it."""
    for shot in made.leaves():
        if shot.edit is not None:
            yield from ((shot.name, choice) for choice in shot.edit.choices)
