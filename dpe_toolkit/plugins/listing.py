"""What is known of plugins and components, as plain values for programs and as rows for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from dpe_toolkit.core.errors import OptionsError, nearest_names
from dpe_toolkit.editing.options import PluginOptions
from dpe_toolkit.editing.stages import SHOT_KINDS
from dpe_toolkit.plugins.loading import PluginInfo, RegisteredComponent
from dpe_toolkit.plugins.registry import Registry

__all__ = ["component_record", "components_called", "option_rows", "plugin_records"]


def plugin_records(registry: Registry) -> list[dict[str, object]]:
    """Each plugin with its components; those that are installed and not allowed come last, without any."""
    return [*map(_plugin_record, registry.plugins), *map(_left_out_record, registry.left_out)]


def _plugin_record(plugin: PluginInfo) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "licence": plugin.licence,
        "api_version": plugin.api_version,
        "fault": plugin.fault,
        "hooks": plugin.hooks,
        "notes": plugin.notes,
        "components": [component_record(entry) for entry in plugin.components],
    }


def _left_out_record(name: str) -> dict[str, object]:
    fault = "not allowed here (DPE_PLUGINS)"
    empty = dict.fromkeys(("distribution", "version", "licence"), "")
    return {"name": name, **empty, "api_version": None, "fault": fault, "components": []}


def component_record(entry: RegisteredComponent) -> dict[str, object]:
    """A component as plain values, with the JSON schema of its options."""
    component = entry.component
    return {
        "kind": component.kind,
        "name": component.name,
        "plugin": entry.plugin,
        "version": entry.version,
        "summary": component.summary,
        "licence": component.licence,
        "source": component.source,
        "space": component.space.id if component.space else None,
        "family": component.family,
        "gives": component.gives,
        "needs": component.needs,
        "default": component.default,
        "options": component.options.model_json_schema(),
    }


def components_called(registry: Registry, target: str, chosen: Sequence[tuple[str, str]]) -> list[RegisteredComponent]:
    """The components that a word means: by kind, by name, or by family.

    Args:
        registry: where they are looked for.
        target: the word.
        chosen: (kind, name) of components that are named besides, which a kind then means.

    Raises:
        OptionsError: nothing is called that.
    """
    if named := [registry.find(kind, name) for kind, name in chosen if kind == target]:
        return named
    if target in SHOT_KINDS:
        # Which one it will be, the timeline may say: every one's options are taken, and planning checks them.
        return [*registry.components(target).values()]
    every = [entry for kind in SHOT_KINDS for entry in registry.components(kind).values()]
    found = [entry for entry in every if target in (entry.component.name, entry.full_name, entry.component.family)]
    if not found:
        known = {*SHOT_KINDS, *(entry.component.name for entry in every)}
        raise OptionsError(f"no component is called {target!r}", nearest_names(target, known), "correct the flag")
    return found


def option_rows(name: str, options: type[PluginOptions]) -> Iterator[tuple[str, str, str, str]]:
    """Name, default, what it accepts and what it does, for each option of a component."""
    properties = options.model_json_schema().get("properties", {})
    for field, schema in properties.items():
        default = json.dumps(schema["default"]) if "default" in schema else "required"
        yield f"{name}.{field}", default, _accepted(schema), str(schema.get("description", ""))


def _accepted(schema: dict[str, object]) -> str:
    """What a field takes, in short: type and bounds, or the words to choose from."""
    if isinstance(choices := schema.get("enum"), list):
        return ", ".join(map(str, choices))
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]}" for key, sign in bounds.items() if key in schema]
    return " ".join([str(schema.get("type", "value")), *limits])
