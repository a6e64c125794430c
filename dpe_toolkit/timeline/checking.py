"""Validation that reports every fault of a person's input at once instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dpe_toolkit.core.errors import nearest_names
from dpe_toolkit.plans.problems import Problem

__all__ = ["check_model"]

Model = TypeVar("Model", bound=BaseModel)


def check_model(
    model: type[Model], values: Mapping[str, object], *, where: str, action: str
) -> tuple[Model | None, tuple[Problem, ...]]:
    """The model made from ``values`` and every fault in them.

    Faulty top-level fields are left out, so that the rest can still be judged; where the rest makes no
    model either, None comes back.

    Args:
        model: what the values should be.
        values: plain data.
        where: for `Problem.where`.
        action: what the reader should do about a fault.
    """
    try:
        return model.model_validate(dict(values)), ()
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    problems = tuple(_problem(model, fault, where, action) for fault in faults)
    faulty = {fault["loc"][0] for fault in faults if fault["loc"]}
    kept = {key: value for key, value in values.items() if key not in faulty}
    try:
        return model.model_validate(kept), problems
    except ValidationError:
        return None, problems


def _problem(model: type[BaseModel], fault: ErrorDetails, where: str, action: str) -> Problem:
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _fields_at(model, fault["loc"][:-1])
        expected = nearest_names(str(fault["loc"][-1]), known) if known else "no such field"
        return Problem(where=where, wrong=f"there is no field {path!r}", expected=expected, action=action)
    if fault["type"] == "missing":
        return Problem(where=where, wrong=f"field {path!r} is missing", action=action)
    message = fault["msg"].removeprefix("Value error, ")
    shown = repr(fault["input"])
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return Problem(
        where=where, wrong=f"{path or 'the value'} = {shown} is not accepted", expected=message, action=action
    )


def _fields_at(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Names of the fields of the model that stands at ``path`` inside ``model``."""
    for part in path:
        info = model.model_fields.get(str(part))
        options = [] if info is None else [info.annotation, *get_args(info.annotation)]
        inner = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return [info.alias or name for name, info in model.model_fields.items()]
