"""JSON schemas of project files and effects, with the options of every installed component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from dpe_toolkit.delivery.files import refuse_output
from dpe_toolkit.editing.stages import CHAIN_KINDS, SHOT_KINDS
from dpe_toolkit.media import written_whole
from dpe_toolkit.planning.settings import ProjectConfig
from dpe_toolkit.plugins import Registry
from dpe_toolkit.timeline import EffectSpec

__all__ = ["Of", "schema_of", "schema_text", "write_schema"]

Of = Literal["project", "effect"]


def write_schema(text: str, output: Path) -> None:
    """Writes a schema, whole or not at all.

    Raises:
        OptionsError: it cannot be written there.
        MediaError: there is no room for it.
    """
    refuse_output(output)
    with written_whole(output) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def schema_text(of: Of, registry: Registry) -> str:
    """The schema as JSON."""
    return json.dumps(schema_of(of, registry), indent=2)


def schema_of(of: Of, registry: Registry) -> dict[str, Any]:
    """The schema, with components named under their kinds and with their options."""
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
