"""Typed flags for the options of components: ``--mesh.hold-pose-deg 4`` besides ``--set mesh.hold_pose_deg=4``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from dpe_toolkit.cli.fields import field_hint, field_option, option_parameter
from dpe_toolkit.editing.options import OptionValue
from dpe_toolkit.editing.stages import SHOT_KINDS

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter

    from dpe_toolkit.plugins import RegisteredComponent

__all__ = ["ComponentCommand", "Flags", "flags_of", "named_targets"]

_META = "dpe_toolkit.flags"
_DOTTED = re.compile(r"--(?P<target>[a-z0-9][a-z0-9_/:-]*)\.(?:no-)?(?P<option>[a-z0-9_-]+)(?:=.*)?", re.DOTALL)


class ComponentCommand(TyperCommand):
    """A command that takes the options of components as flags, and shows those of components that are named.

    Plugins are loaded only where such a flag stands, or where help is asked for together with a component.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """The arguments, with flags of components beside what ``--set`` assigns."""
        flags = _flags_wanted(args)
        ctx.meta[_META] = flags.parameters
        rest = super().parse_args(ctx, args)
        given = [flags.assignment(name, ctx.params.pop(name)) for name in flags.meaning if name in ctx.params]
        stated = [one for one in given if one is not None]
        if stated:
            # What is typed as a flag stands behind --set, so that the same option given twice is the flag's.
            ctx.params["assignments"] = [*(ctx.params.get("assignments") or ()), *stated]
        return rest

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Own options, then those of the components that were named."""
        return [*super().get_params(ctx), *ctx.meta.get(_META, ())]


@dataclass(frozen=True, slots=True)
class Flags:
    """Options of a command that stand for options of components."""

    parameters: Sequence[Any]
    meaning: dict[str, tuple[str, str]]
    """Name of the parameter to component (as it was called) and option."""

    def assignment(self, name: str, value: object) -> OptionValue | None:
        """The option that the flag sets; None where it was not given."""
        if value is None or value == []:
            return None
        return OptionValue(*self.meaning[name], _listed(value))


def named_targets(args: Sequence[str]) -> dict[str, list[str]]:
    """What is named on a command line: ``kinds`` (``kind=name``) and ``dotted`` (targets of flags with a dot)."""
    kinds = []
    for kind in SHOT_KINDS:
        for place, word in enumerate(args):
            if word == f"--{kind}" and place + 1 < len(args):
                kinds.append(f"{kind}={args[place + 1]}")
            elif word.startswith(f"--{kind}="):
                kinds.append(word.removeprefix("--"))
    dotted = [match["target"] for word in args if (match := _DOTTED.fullmatch(word))]
    return {"kinds": kinds, "dotted": list(dict.fromkeys(dotted))}


def flags_of(entries: Iterable[tuple[str, RegisteredComponent]]) -> Flags:
    """Flags for components, each with the name by which it is called on the command line."""
    signature: list[inspect.Parameter] = []
    meaning: dict[str, tuple[str, str]] = {}
    for called, entry in entries:
        for option, field in entry.component.options.model_fields.items():
            name = re.sub(r"\W", "_", f"{called}__{option}")
            if name in meaning:
                continue
            meaning[name] = (called, option)
            title = f"Options of {entry.component.kind} {entry.component.name}"
            dashed = option.replace("_", "-")
            flag = f"--{called}.{dashed}"
            if field.annotation is bool:
                flag += f"/--{called}.no-{dashed}"
            signature.append(option_parameter(name, field_hint(field), field_option(field, flag, panel=title)))
    return Flags(_parameters(signature), meaning)


def _flags_wanted(args: Sequence[str]) -> Flags:
    named = named_targets(args)
    asked = {"-h", "--help"} & set(args)
    if not named["dotted"] and not (asked and named["kinds"]):
        return Flags((), {})
    from dpe_toolkit.delivery.allowed import allowed_registry
    from dpe_toolkit.plugins.listing import components_called

    registry = allowed_registry()
    chosen = [(kind, name) for kind, _, name in (pair.partition("=") for pair in named["kinds"])]
    entries = [(target, entry) for target in named["dotted"] for entry in components_called(registry, target, chosen)]
    if asked:
        entries += [(name, registry.find(kind, name)) for kind, name in chosen]
    return flags_of(entries)


def _parameters(signature: list[inspect.Parameter]) -> list[Any]:
    """The parameters that typer makes of a signature: its public way to make some."""
    if not signature:
        return []

    def command(**values: object) -> None: ...

    command.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined] # read by inspect
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return [made for made in typer.main.get_command(app).params if made.name != "help"]


def _listed(value: object) -> object:
    """Lists and tables are typed as JSON, as ``--set`` takes them; what is none goes to the model as it stands."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
