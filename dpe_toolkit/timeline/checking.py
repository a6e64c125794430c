"""Validation that reports every fault of a person's input at once instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dpe_toolkit.editing.checking import faults_in
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
        faults = faults_in(model, error)
    problems = tuple(Problem(where=where, wrong=one.wrong, expected=one.expected, action=action) for one in faults)
    faulty = {one.field for one in faults}
    kept = {key: value for key, value in values.items() if key not in faulty}
    try:
        return model.model_validate(kept), problems
    except ValidationError:
        return None, problems
