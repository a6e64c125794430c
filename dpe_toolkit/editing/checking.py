"""Faults of what a person typed or a file holds, in a model's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import ErrorDetails

from dpe_toolkit.core.errors import OptionsError, nearest_names

__all__ = ["Fault", "faults_in", "known_names", "read_model"]

Model = TypeVar("Model", bound=BaseModel)
_LONGEST_SHOWN = 80


class Fault(NamedTuple):
    """One value that a model does not take."""

    field: str
    """The outermost field that it stands in, as it is written; empty where the whole is wrong."""
    wrong: str
    expected: str


def faults_in(model: type[BaseModel], error: ValidationError) -> tuple[Fault, ...]:
    """Every fault that ``model`` found; an unknown field is answered with the nearest of those at its place."""
    return tuple(_fault(model, details) for details in error.errors(include_url=False, include_context=False))


def read_model(model: type[Model], values: Mapping[str, object], *, action: str = "correct the option") -> Model:
    """The model made from ``values``, which are checked here and nowhere behind.

    Raises:
        OptionsError: the first value that is not accepted, in the words of what read it, else with ``action``
            as what to do about it.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        told = getattr(error.errors()[0].get("ctx", {}).get("error"), "__cause__", None)
        if isinstance(told, OptionsError):
            raise told from error
        _, wrong, expected = faults_in(model, error)[0]
        raise OptionsError(wrong, expected, action) from error


def known_names(kind: str, names: Sequence[str]) -> BeforeValidator:
    """Refuses keys that are none of ``names``, with the nearest."""

    def check(value: object) -> object:
        if isinstance(value, Mapping):
            for name in value:
                if name not in names:
                    raise ValueError(f"there is no {kind} {name!r}; {nearest_names(str(name), names)}")
        return value

    return BeforeValidator(check)


def _fault(model: type[BaseModel], details: ErrorDetails) -> Fault:
    place = details["loc"]
    path, field = ".".join(map(str, place)), str(place[0]) if place else ""
    if details["type"] == "extra_forbidden":
        known = _fields_at(model, place[:-1])
        expected = nearest_names(str(place[-1]), known) if known else "no such field"
        return Fault(field, f"there is no field {path!r}", expected)
    if details["type"] == "missing":
        return Fault(field, f"field {path!r} is missing", "")
    shown = repr(details["input"])
    shown = shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 3] + "..."
    expected = details["msg"].removeprefix("Value error, ")
    return Fault(field, f"{path or 'the value'} = {shown} is not accepted", expected)


def _fields_at(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Names of the fields of the model that stands at ``path`` inside ``model``, as they are written."""
    for part in path:
        names = {info.alias or name: info for name, info in model.model_fields.items()}
        info = names.get(str(part))
        options = [] if info is None else [info.annotation, *get_args(info.annotation)]
        inner = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return [info.alias or name for name, info in model.model_fields.items()]
