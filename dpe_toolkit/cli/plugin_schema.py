"""``dpe plugins schema``: what editors of text complete and check a project file with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dpe_toolkit.cli.screen import help_text, note, say
from dpe_toolkit.editing.stages import CHAIN_KINDS, SHOT_KINDS

if TYPE_CHECKING:
    from dpe_toolkit.plugins import Registry

__all__ = ["HELP", "print_schema", "schema_of"]

HELP = help_text(
    "Print the JSON schema of a project file, or of a timeline's effect, with every installed component's options.",
    "Text editors that know JSON schemas complete and check what you type: name the file in the first line of "
    "dpe.toml, as '#:schema dpe.schema.json'.",
    examples=("dpe plugins schema -o dpe.schema.json", "dpe plugins schema --of effect"),
)

Of = Literal["project", "effect"]


def print_schema(
    *,
    of: Annotated[Of, typer.Option(help="Of dpe.toml, or of the metadata of an effect.")] = "project",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
) -> None:
    """Prints or writes the schema."""
    from dpe_toolkit.cli.allowed import allowed_registry
    from dpe_toolkit.cli.named import refuse_output

    text = json.dumps(schema_of(of, allowed_registry()), indent=2)
    if output is None:
        say(text)
        return
    refuse_output(output)
    from dpe_toolkit.media import written_whole

    with written_whole(output) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    note(str(output), label="wrote", style="green")


def schema_of(of: Of, registry: Registry) -> dict[str, Any]:
    """The schema, with components named under their kinds and with their options."""
    from dpe_toolkit.planning.settings import ProjectConfig
    from dpe_toolkit.timeline import EffectSpec

    schema = (ProjectConfig if of == "project" else EffectSpec).model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    known = {kind: _names(kind, registry) for kind in SHOT_KINDS}
    schema["properties"]["components"] = {"type": "object", "additionalProperties": False, "properties": known}
    schema["properties"]["options"] = {"type": "object", "properties": _options(registry)}
    return schema


def _names(kind: str, registry: Registry) -> dict[str, Any]:
    """The installed components of a kind: one of their names, or a list of them where a shot may have several."""
    one = {"type": "string", "enum": sorted(registry.components(kind))}
    return {"anyOf": [one, {"type": "array", "items": one}]} if kind in CHAIN_KINDS else one


def _options(registry: Registry) -> dict[str, Any]:
    """Component, kind or family to the options it takes; those of several that share a name are put together."""
    found: dict[str, Any] = {}
    for kind in SHOT_KINDS:
        for name, entry in registry.components(kind).items():
            properties = entry.component.options.model_json_schema().get("properties", {})
            for target in {name, kind, entry.component.family} - {""}:
                held = found.setdefault(target, {"type": "object", "additionalProperties": False, "properties": {}})
                held["properties"] = properties | held["properties"]
    return dict(sorted(found.items()))
