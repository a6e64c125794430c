"""Lets a command take a dataclass of options, each field of which becomes an option of its own."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import TypeVar, get_type_hints

__all__ = ["expand_options"]

R = TypeVar("R")


def expand_options(command: Callable[..., R]) -> Callable[..., R]:
    """A function for typer, with each dataclass parameter of ``command`` replaced by its fields.

    Two commands that take the same dataclass take the same options, by construction. All parameters of
    the result are keyword-only, which is how typer calls.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        hint = hints[name]
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            groups[name] = hint
            parameters.extend(_fields(hint))
        else:
            parameters.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def expanded(**values: object) -> R:
        packed = {
            name: group(**{field.name: values.pop(field.name) for field in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        return command(**values, **packed)

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del expanded.__wrapped__
    return expanded


def _fields(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(group)
    ]
