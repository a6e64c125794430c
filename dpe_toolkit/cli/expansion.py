"""Lets a command take a group of options as one parameter, each of which becomes an option of its own."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints, runtime_checkable

__all__ = ["OptionGroup", "expand_options"]

R = TypeVar("R")


@runtime_checkable
class OptionGroup(Protocol):
    """What makes options of a parameter, and the parameter's value of what was typed; it annotates the parameter."""

    def parameters(self) -> list[inspect.Parameter]:
        """The options."""

    def pack(self, values: Mapping[str, object]) -> object:
        """The value, from what was typed for each option of the command, the group's own among them."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a dataclass, each an option, or a group of some."""

    made: type

    def parameters(self) -> list[inspect.Parameter]:
        hints = get_type_hints(self.made, include_extras=True)
        found = []
        for field in dataclasses.fields(self.made):
            group = _group_of(hints[field.name])
            plain = inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
            )
            found += [plain] if group is None else group.parameters()
        return found

    def pack(self, values: Mapping[str, object]) -> object:
        hints = get_type_hints(self.made, include_extras=True)
        names = [field.name for field in dataclasses.fields(self.made)]
        return self.made(**{name: _packed(name, hints[name], values) for name in names})


def expand_options(command: Callable[..., R]) -> Callable[..., R]:
    """A function for typer, with each group of options among ``command``'s parameters replaced by these options.

    A group is a dataclass, whose fields it takes, or a parameter that an `OptionGroup` annotates. Two
    commands that take the same group take the same options, by construction. All parameters of the result
    are keyword-only, which is how typer calls.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    names = list(inspect.signature(command).parameters)
    for name, parameter in inspect.signature(command).parameters.items():
        group = _group_of(hints[name])
        plain = parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += [plain] if group is None else group.parameters()

    @functools.wraps(command)
    def expanded(**values: object) -> R:
        return command(**{name: _packed(name, hints[name], values) for name in names})

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by inspect
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del expanded.__wrapped__
    return expanded


def _group_of(hint: Any) -> OptionGroup | None:
    """What makes options of a parameter so annotated, None where it is an option itself."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _Fields(hint)
    noted = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((note for note in noted if isinstance(note, OptionGroup)), None)


def _packed(name: str, hint: Any, values: Mapping[str, object]) -> object:
    """The value of a parameter, from what was typed for it or for each option of its group."""
    group = _group_of(hint)
    return values[name] if group is None else group.pack(values)
