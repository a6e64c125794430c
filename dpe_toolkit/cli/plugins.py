"""``dpe plugins``: what is installed, and the options of each component."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, cast

import typer

from dpe_toolkit.cli import plugin_check, plugin_new, plugin_schema
from dpe_toolkit.cli.group import GuardedGroup, plugin_commands
from dpe_toolkit.cli.screen import help_text, note, print_table, say
from dpe_toolkit.core.errors import OptionsError, nearest_names

if TYPE_CHECKING:
    from dpe_toolkit.plugins import PluginInfo, RegisteredComponent

__all__ = ["app"]

_LIST = help_text("List the plugins and their components.", examples=("dpe plugins list", "dpe plugins list --json"))
_SHOW = help_text(
    "Show a plugin or a component, with every option that --set and timelines may give.",
    examples=("dpe plugins show face_mesh", "dpe plugins show feather --json"),
)

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]

app = typer.Typer(help="What is installed, its options, and new plugins.", no_args_is_help=True)
app.command("new", help=plugin_new.HELP)(plugin_new.new_plugin)
app.command("schema", help=plugin_schema.HELP)(plugin_schema.print_schema)
app.command("check", help=plugin_check.HELP)(plugin_check.check_plugins)


@app.command("list", help=_LIST)
def list_plugins(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """Prints each plugin with its components, and what is wrong with those that did not load."""
    from dpe_toolkit.delivery.allowed import allowed_registry

    registry = allowed_registry()
    if as_json:
        from dpe_toolkit.plugins.listing import plugin_records

        say(json.dumps(plugin_records(registry), indent=2))
        return
    rows = [
        (plugin.name, plugin.version, entry.component.kind, entry.component.name, entry.component.summary)
        for plugin in registry.plugins
        for entry in plugin.components
    ]
    rows += [
        (plugin.name, plugin.version, "hooks", "", ", ".join(plugin.hooks))
        for plugin in registry.plugins
        if not plugin.components and plugin.hooks
    ]
    print_table(("plugin", "version", "kind", "component", "what it does"), sorted(rows, key=lambda row: row[0]))
    _print_faults(registry.plugins)
    commands = cast("GuardedGroup", context.find_root().command)
    notes = [(plugin.name, text) for plugin in registry.plugins for text in plugin.notes]
    for name, text in [*notes, *plugin_commands(registry, commands.commands)[1]]:
        note(f"plugin {name}: {text}", label="note", style="yellow")
    if registry.left_out:
        note(f"installed, and not allowed here (DPE_PLUGINS): {', '.join(registry.left_out)}", label="note")


@app.command("show", help=_SHOW)
def show_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Plugin or component.")], *, as_json: JsonOption = False
) -> None:
    """Prints all that is known of the plugin, or of the components, of that name."""
    from dpe_toolkit.delivery.allowed import allowed_registry

    registry = allowed_registry()
    found = [plugin for plugin in registry.plugins if name in (plugin.name, plugin.distribution)]
    every = [entry for plugin in registry.plugins for entry in plugin.components]
    entries = [entry for plugin in found for entry in plugin.components]
    entries = entries or [entry for entry in every if entry.component.name == name]
    if not (found or entries):
        known = {plugin.name for plugin in registry.plugins} | {entry.component.name for entry in every}
        raise OptionsError(
            f"no plugin or component is called {name!r}", nearest_names(name, known), "run 'dpe plugins list'"
        )
    if as_json:
        from dpe_toolkit.plugins.listing import component_record

        say(json.dumps([component_record(entry) for entry in entries], indent=2))
    else:
        infos = {plugin.name: plugin for plugin in registry.plugins}
        for entry in entries:
            _print_component(entry, infos[entry.plugin])
    _print_faults(found)


def _print_component(entry: RegisteredComponent, plugin: PluginInfo) -> None:
    from dpe_toolkit.plugins.listing import option_rows

    component = entry.component
    stated = "not stated" if plugin.api_version is None else str(plugin.api_version)
    space = component.space.id if component.space else "depends on its weights" if component.space_of else ""
    declared = [("gives", ", ".join(component.gives)), ("needs", ", ".join(component.needs))]
    say(f"{component.kind} {component.name}: {component.summary}")
    say(f"  plugin {entry.plugin} {entry.version}, of {plugin.distribution or 'no distribution'}, API {stated}")
    for label, text in (("licence", component.licence), ("source", component.source), ("code space", space), *declared):
        if text:
            say(f"  {label}: {text}")
    rows = list(option_rows(component.name, component.options))
    if rows:
        print_table(("option", "default", "accepts", "what it does"), rows)
    say("")


def _print_faults(plugins: tuple[PluginInfo, ...] | list[PluginInfo]) -> None:
    for plugin in plugins:
        if plugin.fault:
            note(f"plugin {plugin.name} {plugin.version}: {plugin.fault}", label="error", style="bold red")
