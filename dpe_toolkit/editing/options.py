"""Options of components: one pydantic model each, from which flags, files and schemas follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from dpe_toolkit.core.errors import OptionsError, nearest_names

__all__ = ["NoOptions", "PluginOptions", "parse_assignment"]


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
        named = {key.replace("-", "_"): value for key, value in values.items()}
        for key in named:
            if key not in cls.model_fields:
                raise OptionsError(
                    f"{owner} has no option {key!r}", nearest_names(key, cls.model_fields), "correct the option's name"
                )
        try:
            return cls.model_validate(named)
        except ValidationError as error:
            fault = error.errors()[0]
            field = ".".join(str(part) for part in fault["loc"])
            raise OptionsError(
                f"option {owner}.{field} = {fault['input']!r} is not accepted", fault["msg"], "correct the value"
            ) from error


class NoOptions(PluginOptions):
    """For components that have nothing to choose."""


def parse_assignment(text: str) -> tuple[str, str, object]:
    """Component, option and value of ``component.option=value``, the form of ``--set``.

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
    return component, option.replace("-", "_"), parsed
