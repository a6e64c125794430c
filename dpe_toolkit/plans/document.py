"""Plans in files."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from dpe_toolkit.core.errors import PlanError
from dpe_toolkit.core.files import write_text
from dpe_toolkit.plans.model import PLAN_SCHEMA, RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plans.upgrade import UPGRADES

__all__ = ["is_plan_file", "parse_plan", "write_plan"]

_OLDEST = min(UPGRADES)


def is_plan_file(path: Path) -> bool:
    """True where a file in .json says of itself that it is a plan, whole or damaged; others are timelines."""
    if path.suffix.lower() != ".json":
        return False
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "schema_version" in found and "shots" in found


def write_plan(plan: RenderPlan, path: Path) -> None:
    """Writes a plan, whole or not at all.

    Raises:
        PlanError: it cannot be written there.
    """
    try:
        write_text(path, plan.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise PlanError(
            f"the plan {str(path)!r} cannot be written: {error.strerror or error}",
            "a folder that exists and may be written",
            "choose another name",
        ) from error


def parse_plan(text: str | bytes, where: str) -> RenderPlan:
    """The plan that a file holds; one of a former schema is upgraded, which stands as a warning in its problems.

    Args:
        text: the file's content.
        where: how errors call it.

    Raises:
        PlanError: it holds no plan, one of a newer schema, or a damaged one.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_plan(where, f"is no JSON ({error})") from error
    if not isinstance(data, dict) or "schema_version" not in data or "shots" not in data:
        raise _no_plan(where, "holds no plan")
    schema = data["schema_version"]
    if not isinstance(schema, int) or schema < _OLDEST:
        raise _no_plan(where, f"states schema {schema!r}")
    if schema > PLAN_SCHEMA:
        maker = data.get("toolkit_version", "of unknown age")
        raise PlanError(
            f"{where!r} is a plan of schema {schema}, made by dpe_toolkit {maker}",
            f"a plan of schema {_OLDEST} to {PLAN_SCHEMA}",
            "update dpe_toolkit, or plan the timeline again with this version",
        )
    try:
        for step in range(schema, PLAN_SCHEMA):
            data = UPGRADES[step](data)
        plan = RenderPlan.model_validate(data)
    except (ValidationError, KeyError, ValueError, RecursionError) as error:
        raise PlanError(
            f"the plan {where!r} is damaged: {_reason(error)}",
            f"a plan of schema {schema} as it was written",
            "plan the timeline again",
        ) from error
    if schema == PLAN_SCHEMA:
        return plan
    return plan.model_copy(update={"problems": (*plan.problems, _upgrade_notice(schema, where))})


def _no_plan(where: str, fault: str) -> PlanError:
    return PlanError(
        f"{where!r} {fault}",
        f"a plan of schema {_OLDEST} to {PLAN_SCHEMA}",
        "name a file that 'dpe plan --json' or write_plan() wrote",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else str(first["msg"])
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _upgrade_notice(schema: int, where: str) -> Problem:
    return Problem(
        severity="warning",
        where=f"plan {where!r}",
        wrong=f"it is of schema {schema}, and was upgraded to {PLAN_SCHEMA} while it was read",
        action="plan the timeline again, or write it with write_plan()",
    )
