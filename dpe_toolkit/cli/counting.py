"""A progress bar over frames, for commands that do one thing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dpe_toolkit.cli.screen import note, notes_console

__all__ = ["counted_frames"]

_TELLING_S = 0.2
"""Time below which a speed says nothing."""


@contextmanager
def counted_frames(verb: str, total: int) -> Iterator[Callable[[int], None]]:
    """Gives what to tell of frames that are done, drawn as a bar in a terminal, else one line at the end."""
    console = notes_console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    began = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task(verb, total=total)
        yield lambda frames: bars.advance(task, frames)
    spent = time.monotonic() - began
    speed = f", {total / spent:.1f} a second" if spent > _TELLING_S else ""
    note(f"{verb}: {total} frames{speed}")
