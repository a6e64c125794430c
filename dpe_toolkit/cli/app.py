"""The program: its commands, and the options that stand before them."""

from __future__ import annotations

from typing import Annotated

import typer

from dpe_toolkit import __version__
from dpe_toolkit.cli import (
    animate,
    conform,
    doctor,
    edit,
    faces,
    link,
    plan,
    plugins,
    relink,
    render,
    still,
    sync,
    weights,
)
from dpe_toolkit.cli.expansion import expand_options
from dpe_toolkit.cli.flags import ComponentCommand
from dpe_toolkit.cli.group import DEBUG_FLAG, GuardedGroup
from dpe_toolkit.cli.screen import help_text, say, show_log

__all__ = ["app", "main"]

_HELP = help_text(
    "Replaces an actor's expression, shot by shot, from the timeline you already have.",
    "A driver is footage of a performance. Its expression goes onto the face of a source; head pose, background, "
    "sound and everything else stay the source's.",
    "Exit codes: 0 done, 1 failed while working, 2 something asked for is wrong and nothing was started.",
    examples=(
        "dpe edit actor.mp4 smile.mp4 -o edited.mp4",
        "dpe plan cut.otio",
        "dpe render cut.otio -o edited.mov",
    ),
)

app = typer.Typer(
    name="dpe",
    cls=GuardedGroup,
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        say(f"dpe_toolkit {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG_FLAG, help="Show the log, and tracebacks of errors. May stand anywhere.")
    ] = False,
) -> None:
    if debug:
        show_log()


for _name, _module in (
    ("render", render),
    ("plan", plan),
    ("edit", edit),
    ("animate", animate),
    ("link", link),
    ("still", still),
    ("sync", sync),
    ("faces", faces),
):
    app.command(_name, help=_module.HELP, cls=ComponentCommand if _module is not link else None)(
        expand_options(_module.run)
    )
app.command("conform", help=conform.HELP)(conform.run)
app.command("relink", help=relink.HELP)(relink.run)
app.command("doctor", help=doctor.HELP)(expand_options(doctor.run))
app.add_typer(plugins.app, name="plugins")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Runs ``dpe`` with the arguments of the process, and exits with its code."""
    app()
