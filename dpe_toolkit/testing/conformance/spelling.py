"""The ways in which options are written down: command line, project file, timeline, plan."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.files import write_text
from dpe_toolkit.editing.options import PluginOptions, parse_assignment
from dpe_toolkit.planning.settings import ProjectConfig
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.timeline import Clip, parse_effect, read_timeline

__all__ = ["spelled_ways", "toml_value", "varied_options"]

Options = Mapping[str, object]


def varied_options(model: type[PluginOptions], base: Options) -> Iterator[dict[str, object]]:
    """The options ``base``, and for each field ``base`` with other values of that field that are accepted."""
    yield dict(base)
    for name, schema in model.model_json_schema().get("properties", {}).items():
        for value in _candidates(schema):
            values = {**base, name: value}
            try:
                model.parse(values, owner="")
            except OptionsError:
                continue
            yield values


def spelled_ways(component: str, values: Options) -> dict[str, Options]:
    """The same options after each way through which a user can give them."""
    return {
        "--set": _through_flags(component, values),
        "the project's TOML": _through_toml(component, values),
        "the timeline's effect": _through_timeline(component, values),
        "the plan": _through_plan(component, values),
    }


def toml_value(value: object) -> str:
    """A value as TOML writes it; tables stand in one line.

    Raises:
        TypeError: TOML has no such value (None, for one).
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"TOML cannot hold {value!r}")


def _candidates(schema: Mapping[str, object]) -> Iterator[object]:
    if isinstance(words := schema.get("enum"), list):
        yield from words
    elif schema.get("type") == "boolean":
        yield from (True, False)
    elif schema.get("type") in ("integer", "number"):
        bounds = [schema[key] for key in ("minimum", "maximum") if key in schema]
        yield from bounds
        yield from (1, 0.5)
    elif schema.get("type") == "string":
        yield 'a "quoted" text'


def _through_flags(component: str, values: Options) -> Options:
    typed = [parse_assignment(f"{component}.{name}={json.dumps(value)}") for name, value in values.items()]
    return {option: value for _, option, value in typed}


def _through_toml(component: str, values: Options) -> Options:
    lines = [f"{name} = {toml_value(value)}" for name, value in values.items() if value is not None]
    text = "\n".join([f"[options.{json.dumps(component)}]", *lines])
    return ProjectConfig.model_validate(tomllib.loads(text)).options[component]


def _through_timeline(component: str, values: Options) -> Options:
    metadata = {"dpe": {"schema": 1, "id": "e1", "options": {component: dict(values)}}}
    effect = {"OTIO_SCHEMA": "Effect.1", "effect_name": "dpe.expression", "metadata": metadata}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "a", "effects": [effect]}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut.otio"
        write_text(path, json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}))
        (first,) = read_timeline(path).stack.children[0].children  # type: ignore[union-attr] # the track written above
    if not isinstance(first, Clip):
        raise TypeError(f"the clip was read as {first!r}")
    spec, problems = parse_effect(first.effects[0].metadata, where="a")
    return spec.options[component] if spec is not None else {"problems": problems}


def _through_plan(component: str, values: Options) -> Options:
    choice = ComponentChoice(kind="detector", name=component, plugin="a", version="0", options=dict(values))
    return ComponentChoice.model_validate_json(choice.model_dump_json()).options
