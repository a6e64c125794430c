"""What the program says: results on standard output, everything else on standard error."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from dpe_toolkit.delivery.messages import in_words, merge_alike
from dpe_toolkit.plans.problems import Problem

__all__ = ["help_text", "note", "notes_console", "print_problems", "print_table", "say", "show_log"]

_STYLES = {"error": "bold red", "warning": "yellow"}


def say(text: str) -> None:
    """Prints a result on standard output, as it is."""
    Console(highlight=False).print(Text(text), soft_wrap=True)


def notes_console() -> Console:
    """A console on standard error. Made when needed, so that it follows a redirected stream."""
    return Console(stderr=True, highlight=False)


def note(text: str, *, label: str = "", style: str = "") -> None:
    """Prints a message on standard error, after a coloured label."""
    line = Text(f"{label}: ", style=style) if label else Text()
    notes_console().print(line.append(text, style="none"), soft_wrap=True)


def print_problems(problems: Iterable[Problem]) -> None:
    """Prints errors first, then warnings, one a line; what is wrong with several clips alike is said once."""
    for problem in sorted(merge_alike(problems), key=lambda problem: problem.severity != "error"):
        note(in_words(problem), label=problem.severity, style=_STYLES[problem.severity])


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Prints a plain table on standard output; cells wrap where the window is narrow."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def show_log() -> None:
    """Sends the toolkit's log, down to its details, to standard error."""
    handler = RichHandler(console=notes_console(), show_path=False, markup=False)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(name)s: %(message)s", force=True)
    logging.getLogger("dpe_toolkit").setLevel(logging.DEBUG)


def help_text(summary: str, *paragraphs: str, examples: Sequence[str] = ()) -> str:
    """Help of a command whose example lines stay lines (the mark is the one that typer knows)."""
    parts = [summary, *paragraphs]
    if examples:
        parts.append("\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples))
    return "\n\n".join(parts)
