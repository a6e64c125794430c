"""Flags made from models: a field's type, bounds, default and description are those of its flag."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from dpe_toolkit.delivery.ranges import parse_face
from dpe_toolkit.editing.checking import read_model
from dpe_toolkit.editing.stages import SHOT_KINDS, STAGES
from dpe_toolkit.face.choice import FaceChoice

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

__all__ = ["KindFlags", "ModelFlags", "field_option", "flag_parameter", "option_parameter"]

_BOUNDS = {"ge": "min", "le": "max", "gt": "min", "lt": "max"}
_SIMPLE = (bool, int, float, str)
_METAVARS: Mapping[object, str] = {float: "AMOUNT", int: "COUNT", str: "TEXT", dict: "NAMES", FaceChoice: "WHICH"}


@dataclass(frozen=True, slots=True)
class ModelFlags:
    """Every field of a model as a flag. What is not typed stays unset."""

    model: type[BaseModel]
    panel: str

    def parameters(self) -> list[inspect.Parameter]:
        """One option a field, None where it is not given."""
        return [
            flag_parameter(name, field, f"--{name.replace('_', '-')}", panel=self.panel)
            for name, field in self.model.model_fields.items()
        ]

    def pack(self, values: Mapping[str, object]) -> BaseModel:
        """The model of what was typed; the one place where it is checked.

        Raises:
            OptionsError: a value that the model does not take.
        """
        names = [name for name in self.model.model_fields if values[name] is not None]
        return read_model(self.model, {name: values[name] for name in names})


@dataclass(frozen=True, slots=True)
class KindFlags:
    """A flag for each kind of component that a shot may name, given again for several of those that it may have."""

    panel: str

    def parameters(self) -> list[inspect.Parameter]:
        """One option a kind, None where it is not given."""
        return [
            option_parameter(
                row.kind,
                list[str] if row.many else str,
                typer.Option(metavar="NAME", help=row.words, rich_help_panel=self.panel),
            )
            for row in STAGES
            if row.named_by_shots
        ]

    def pack(self, values: Mapping[str, object]) -> dict[str, object]:
        """Kind to name, or to names in order, for the kinds that were named."""
        named = {kind: values[kind] for kind in SHOT_KINDS if values[kind]}
        return {kind: tuple(name) if isinstance(name, list) else name for kind, name in named.items()}


def flag_parameter(name: str, field: FieldInfo, *flags: str, panel: str) -> inspect.Parameter:
    """The field as typer takes an option of a command, None where it is not given."""
    held = _held(field)
    more: dict[str, Any] = {"metavar": _extra(field, "metavar") or _METAVARS.get(get_origin(held) or held)}
    if held is FaceChoice:
        more["parser"] = parse_face
    hint = held if held is FaceChoice else field_hint(field)
    return option_parameter(name, hint, field_option(field, *flags, panel=panel, **more))


def option_parameter(name: str, hint: Any, option: object) -> inspect.Parameter:
    """A parameter for `typer`, None where its option is not given."""
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[hint | None, option]
    )


def field_hint(field: FieldInfo) -> Any:
    """The type that typer reads a flag as: the field's own where it is simple, else text, as --set takes it."""
    held = _held(field)
    if get_origin(held) is Literal and all(isinstance(word, str) for word in get_args(held)):
        return held
    return held if held in _SIMPLE else str


def field_option(field: FieldInfo, *flags: str, panel: str, **more: Any) -> object:
    """The field as an option of typer: its bounds, its description and what holds where it is not given."""
    limits: dict[str, float] = {}
    if field.annotation in (int, float):
        for bound in field.metadata:
            limits |= {way: getattr(bound, key) for key, way in _BOUNDS.items() if hasattr(bound, key)}
    value = field.get_default(call_default_factory=True, validated_data={})
    words = [field.description, None if value is None or value == {} else f"Default: {_shown(value)}."]
    make: Callable[..., object] = typer.Option
    return make(*flags, help=" ".join(filter(None, words)), rich_help_panel=panel, show_default=False, **limits, **more)


def _held(field: FieldInfo) -> Any:
    """The type of a field's value, without None."""
    held: Any = field.annotation
    if get_origin(held) in (Union, types.UnionType):
        parts = [part for part in get_args(held) if part is not type(None)]
        return parts[0] if len(parts) == 1 else str
    return held


def _extra(field: FieldInfo, name: str) -> object:
    """What a field says for flags alone."""
    extra = field.json_schema_extra
    return extra.get(name) if isinstance(extra, Mapping) else None


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value or "none"
    return str(value) if isinstance(value, FaceChoice) else json.dumps(value, default=str)
