"""Where each value of a plan came from."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.model import RenderPlan

__all__ = ["ExplainRow", "explain"]


class ExplainRow(NamedTuple):
    """One value of one edited shot."""

    shot: str
    what: str
    """Field of the edit, ``components.<kind>``, or ``<kind>.<option>``."""
    value: str
    origin: str
    """``default``, ``project``, ``effect``, ``marker``, ``sidecar``, ``driver track``, ``command line``, or
    ``generator`` for a component that came along with it."""


def explain(plan: RenderPlan) -> list[ExplainRow]:
    """Every value of every edited shot with its origin, in the plan's order."""
    return [
        ExplainRow(take.name, what, value, origin)
        for take in plan.takes
        if take.edit is not None
        for what, value, origin in _rows(take.edit)
    ]


def _rows(edit: EditPlan) -> list[tuple[str, str, str]]:
    rows = []
    for what, origin in edit.origins.items():
        kind = what.removeprefix("components.")
        if kind == what:
            rows.append((what, _show(edit, what), origin))
        for choice in edit.chains.get(kind, (edit.components[kind],) if kind in edit.components else ()):
            rows.append((what, f"{choice.name} ({choice.plugin} {choice.version})", origin))
            rows += [
                (f"{kind}.{option}", str(choice.options.get(option, "")), held)
                for option, held in choice.origins.items()
            ]
    return rows


def _show(edit: EditPlan, field: str) -> str:
    if field == "driver":
        return str(edit.driver.path)
    value = getattr(edit, field)
    if field == "regions":
        return ", ".join(f"{region} {weight:g}" for region, weight in value.items())
    if field == "keys":
        return ", ".join(f"{name} at {len(keys)} times" for name, keys in value.items())
    if field == "mattes":
        return ", ".join(f"{len(one.polygons)} polygons" if one.media is None else one.media.path.name for one in value)
    if isinstance(value, FaceChoice):
        return str(value)
    if isinstance(value, Fraction):
        return f"{float(value):.6g}"
    return "estimated" if value is None else str(value)
