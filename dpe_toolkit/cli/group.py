"""The command group: turns every fault into one clear message, and finds commands of plugins."""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from dpe_toolkit.cli.screen import note, notes_console
from dpe_toolkit.core.errors import DpeError, OptionsError, PlanError
from dpe_toolkit.delivery.messages import in_words

if TYPE_CHECKING:
    from collections.abc import Collection

    from typer._click.core import Command, Context

    from dpe_toolkit.plugins import Registry

__all__ = ["DEBUG_FLAG", "ELSEWHERE", "GuardedGroup"]

DEBUG_FLAG = "--debug"
_FAILED = 1
ELSEWHERE = dict.fromkeys(("dataset", "train", "evaluate"), "dpe-research")
"""Commands that a distribution beside the toolkit brings, to the distribution."""


class GuardedGroup(TyperGroup):
    """Runs commands so that no fault ends in a traceback, unless ``--debug`` asks for it."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """The arguments, with ``--debug`` taken from wherever it stands."""
        asked = DEBUG_FLAG in args
        return super().parse_args(ctx, [DEBUG_FLAG] * asked + [arg for arg in args if arg != DEBUG_FLAG])

    def invoke(self, ctx: Context) -> Any:  # the signature of the base class
        """Runs the command.

        Raises:
            typer.Exit: with the exit code of the fault, after its message was printed.
        """
        try:
            return super().invoke(ctx)
        except DpeError as error:
            self._show_traceback(ctx)
            print_fault(error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            note("stopped; no file under the output's name was begun or changed", label="interrupted", style="yellow")
            raise typer.Exit(_FAILED) from interrupt
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as error:
            self._show_traceback(ctx)
            print_unexpected(error)
            raise typer.Exit(_FAILED) from error

    def list_commands(self, ctx: Context) -> list[str]:
        """Own commands, then those of plugins."""
        own = super().list_commands(ctx)
        return [*own, *(name for name in sorted(self._plugin_commands) if name not in own)]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command of that name. Plugins are loaded for it only where none of our own has it.

        Raises:
            OptionsError: a distribution that is not there, or not let in, would bring the command.
        """
        found = super().get_command(ctx, cmd_name) or self._plugin_commands.get(cmd_name)
        if found is None and cmd_name in ELSEWHERE and not ctx.resilient_parsing:
            raise _is_elsewhere(cmd_name, ELSEWHERE[cmd_name])
        return found

    @cached_property
    def _plugin_commands(self) -> dict[str, Command]:
        """Loaded once a process: help asks for each command by its name."""
        from dpe_toolkit.delivery.allowed import allowed_registry

        return plugin_commands(allowed_registry(), self.commands)[0]

    def _show_traceback(self, ctx: Context) -> None:
        if ctx.params.get("debug"):
            notes_console().print_exception(show_locals=False)


def print_fault(error: DpeError) -> None:
    """Prints an error of the toolkit: each problem of a plan on a line of its own."""
    if isinstance(error, PlanError):
        for problem in error.problems:
            note(problem, label="error", style="bold red")
    note(in_words(error), label="error", style="bold red")


def print_unexpected(error: Exception) -> None:
    """Prints an exception that nobody foresaw, and how to learn more of it."""
    note(f"{type(error).__name__}: {error}", label="unexpected error", style="bold red")
    note(f"This is a fault of the program or of a plugin. Add {DEBUG_FLAG} to see the traceback and the log.")


def _is_elsewhere(command: str, distribution: str) -> OptionsError:
    """Says what to do so that a command is there that a distribution of ours brings."""
    wrong = f"'dpe {command}' is a command of the distribution {distribution}"
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return OptionsError(f"{wrong}, which is not installed", "", f"run pip install {distribution}")
    return OptionsError(
        f"{wrong}, whose plugin was not loaded", "", "see what 'dpe plugins list' and the variable DPE_PLUGINS say"
    )


def plugin_commands(registry: Registry, own: Collection[str]) -> tuple[dict[str, Command], list[tuple[str, str]]]:
    """Commands that plugins bring, by name, and for those left out the plugin and the reason.

    Args:
        registry: the plugins. One that fails at it stops no other.
        own: names that are taken.
    """
    claimed: dict[str, dict[str, Command]] = {}
    faults: list[tuple[str, str]] = []
    for plugin, register in registry.callers("dpe_register_commands"):
        extra = typer.Typer()
        # typer makes a group, and not a lone command, where there is a callback.
        extra.callback()(lambda: None)
        try:
            register(app=extra)
            found = typer.main.get_group(extra).commands
        except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
            faults.append((plugin, f"its commands cannot be registered: {type(error).__name__}: {error}"))
            continue
        for name, command in found.items():
            claimed.setdefault(name, {})[plugin] = command
    commands: dict[str, Command] = {}
    for name, held in claimed.items():
        others = ["dpe itself"] * (name in own) + [f"plugin {plugin!r}" for plugin in held]
        if len(others) == 1:
            commands[name] = next(iter(held.values()))
            continue
        for plugin in held:
            taken = " and ".join(other for other in others if other != f"plugin {plugin!r}")
            faults.append((plugin, f"its command {name!r} is left out, since {taken} has one of that name"))
    return commands, faults
