"""The command group: turns every fault into one clear message, and finds commands of plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from dpe_toolkit.cli.screen import note, notes_console
from dpe_toolkit.core.errors import DpeError, PlanError
from dpe_toolkit.delivery.messages import in_words

if TYPE_CHECKING:
    from typer._click.core import Command, Context

__all__ = ["DEBUG_FLAG", "GuardedGroup"]

DEBUG_FLAG = "--debug"
_FAILED = 1


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
        return [*own, *(name for name in sorted(_plugin_commands()) if name not in own)]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command of that name. Plugins are loaded for it only where none of our own has it."""
        return super().get_command(ctx, cmd_name) or _plugin_commands().get(cmd_name)

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


def _plugin_commands() -> dict[str, Command]:
    from dpe_toolkit.delivery.allowed import allowed_registry

    extra = typer.Typer()
    # typer makes a group, and not a lone command, where there is a callback.
    extra.callback()(lambda: None)
    allowed_registry().notify("dpe_register_commands", app=extra)
    return dict(typer.main.get_group(extra).commands)
