"""Options of components: one pydantic model each, from which flags, files and schemas follow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from dpe_toolkit.core.errors import OptionsError, nearest_names

__all__ = ["NoOptions", "OptionValue", "PluginOptions", "group_options", "parse_assignment", "read_options"]

Options = TypeVar("Options", bound="PluginOptions")


class PluginOptions(BaseModel):
    """Base of every options model: frozen, unknown fields refused, defaults checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @classmethod
    def parse(cls, values: Mapping[str, object], *, owner: str) -> Self:
        """The options with ``values`` put in; strings are read as the field's type.

        Args:
            values: field name to value; dashes in names are taken as underscores.
            owner: name of the component, for messages.

        Raises:
            OptionsError: an unknown name (the nearest is offered) or a value out of bounds.
        """
        options, faults = read_options(cls, values, owner=owner)
        if options is None:
            raise faults[0] from faults[0].__cause__
        return options


class NoOptions(PluginOptions):
    """For components that have nothing to choose."""


def read_options(
    model: type[Options], values: Mapping[str, object], *, owner: str
) -> tuple[Options | None, list[OptionsError]]:
    """As `PluginOptions.parse`, with every fault told and none raised; the options are None where there is one."""
    named = {key.replace("-", "_"): value for key, value in values.items()}
    unknown = [
        OptionsError(
            f"{owner} has no option {key!r}", nearest_names(key, model.model_fields), "correct the option's name"
        )
        for key in named
        if key not in model.model_fields
    ]
    if unknown:
        return None, unknown
    try:
        return model.model_validate(named), []
    except ValidationError as error:
        return None, [_refused(owner, fault, error) for fault in error.errors()]


class OptionValue(NamedTuple):
    """One option of a component, as it was typed; the component's own model reads the value."""

    component: str
    """Name, kind or family."""
    option: str
    """Name of the field."""
    value: object


def group_options(values: Iterable[OptionValue]) -> dict[str, dict[str, object]]:
    """Component to option to value; the last of two for one option counts."""
    grouped: dict[str, dict[str, object]] = {}
    for component, option, value in values:
        grouped.setdefault(component, {})[option.replace("-", "_")] = value
    return grouped


def parse_assignment(text: str) -> OptionValue:
    """The option that ``component.option=value`` sets, the form of ``--set``.

    The value is read as JSON where it is JSON, else taken as text.

    Raises:
        OptionsError: the text has another form.
    """
    target, equals, value = text.partition("=")
    component, dot, option = target.strip().rpartition(".")
    if not (equals and dot and component and option):
        raise OptionsError(
            f"{text!r} is no assignment", "component.option=value, e.g. feather.feather_px=12", "correct the --set"
        )
    try:
        parsed: object = json.loads(value)
    except ValueError:
        parsed = value.strip()
    return OptionValue(component, option.replace("-", "_"), parsed)


def _refused(owner: str, fault: ErrorDetails, cause: ValidationError) -> OptionsError:
    """One fault of a value, in the model's words."""
    field = ".".join(str(part) for part in fault["loc"])
    error = OptionsError(
        f"option {owner}.{field} = {fault['input']!r} is not accepted", fault["msg"], "correct the value"
    )
    error.__cause__ = cause
    return error
