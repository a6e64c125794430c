"""Pages that are made from the code when the site is built: commands, hooks, options, schemas, API."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
_API = {
    "api": "What plugins import.",
    "api.commands": "What commands of plugins are made of.",
    "api.components": "Making and calling components outside of a render.",
    "api.face": "The face mesh: vertices, blendshapes, regions and head pose.",
    "api.footage": "Reading media, and finding the faces in it.",
    "api.networks": "The networks and their weights files.",
}
_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)*(?:LICENSE|NOTICE|CONTRIBUTING\.md|timelines/[^)]*|plugins/[^)]*)\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the pages; links of the README to pages are made to fit where it stands now."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {
        "index.md": readme.replace("](docs/", "]("),
        "reference/commands.md": commands(),
        "reference/hooks.md": hooks(),
        "reference/options.md": options(),
        "reference/schemas.md": schemas(),
        "reference/api.md": "\n\n".join(api(f"dpe_toolkit.{name}", what) for name, what in _API.items()),
        "reference/testing.md": api("dpe_toolkit.testing", "What tests of plugins import."),
    }
    for place, text in pages.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to what is no page of the site become words."""
    return _OUTSIDE.sub(r"\1", markdown.replace("](../README.md)", "](index.md)"))


def commands() -> str:
    """The help of every command."""
    from dpe_toolkit.cli import app

    parts = ["# Commands", "What `--help` says, command by command."]
    for words in _commands():
        shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
        parts += [f"## {' '.join(['dpe', *words])}", f"```text\n{shown.output.strip()}\n```"]
    return "\n\n".join(parts)


def _commands() -> Iterator[list[str]]:
    import typer

    from dpe_toolkit.cli import app

    yield []
    group = typer.main.get_group(app)
    context = group.make_context("dpe", [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield [name]
        for inner in getattr(command, "commands", {}):
            yield [name, str(inner)]


def hooks() -> str:
    """Every hook with its arguments and what it is for."""
    from dpe_toolkit.hookspecs import HookSpecs

    parts = ["# Hooks", "What a plugin's module may implement, each marked with `dpe_toolkit.api.hookimpl`."]
    for name, hook in vars(HookSpecs).items():
        if name.startswith("dpe_"):
            signature = str(inspect.signature(hook)).replace("(self, ", "(").replace("(self)", "()").replace("'", "")
            parts += [f"## {name}", f"```python\n{name}{signature}\n```", inspect.getdoc(hook) or ""]
    return "\n\n".join(parts)


def options() -> str:
    """The options of every component that comes with the toolkit."""
    from dpe_toolkit.plugins import load_registry
    from dpe_toolkit.plugins.listing import option_rows

    parts = ["# Options of components", "Of every component that is installed where this page was made."]
    for plugin in load_registry().plugins:
        for entry in plugin.components:
            component = entry.component
            parts += [f"## {component.kind} {component.name}", f"{component.summary} Plugin `{plugin.name}`."]
            rows = list(option_rows(component.name, component.options))
            if rows:
                lines = ["| option | default | accepts | what it does |", "|---|---|---|---|"]
                lines += [f"| `{name}` | `{default}` | {takes} | {text} |" for name, default, takes, text in rows]
                parts.append("\n".join(lines))
    return "\n\n".join(parts)


def schemas() -> str:
    """The JSON schemas of project files and effects, without the options of components."""
    from dpe_toolkit.planning.settings import ProjectConfig
    from dpe_toolkit.timeline import EffectSpec

    parts = ["# Schemas", "`dpe plugins schema` writes these with the options of every installed component."]
    for title, model in (("dpe.toml", ProjectConfig), ("Effect dpe.expression", EffectSpec)):
        parts += [f"## {title}", f"```json\n{json.dumps(model.model_json_schema(), indent=2)}\n```"]
    return "\n\n".join(parts)


def api(module: str, what: str) -> str:
    """What a module exports, by the docstrings."""
    from importlib import import_module

    held = import_module(module)
    parts = [f"# {module}", what]
    for name in held.__all__:
        value = getattr(held, name)
        home = getattr(value, "__module__", module) if callable(value) else module
        if isinstance(home, str) and home.startswith("dpe_toolkit") and callable(value):
            parts += [f"::: {home}.{name}"]
        else:
            parts += [f"### {name}", f"```python\n{name} = {_shortened(value)}\n```"]
    return "\n\n".join(parts)


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]} ..."
