"""What is said while the work goes on, for a program that prints it and for one that does not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dpe_toolkit.plans.problems import Problem

__all__ = ["Event", "FileWritten", "Remark", "Tell", "Warned", "log_event"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Warned:
    """What a plan or an output warns of, before any work is done."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth knowing that is no problem."""

    text: str
    label: str = "note"
    """In a word, what it is."""


@dataclass(frozen=True, slots=True)
class FileWritten:
    """One of several files is there, whole."""

    path: Path
    detail: str = ""
    """What it holds, in a few words."""
    kept: bool = False
    """An earlier call that was stopped had finished it."""


Event = Warned | Remark | FileWritten
Tell = Callable[[Event], None]
"""Who is told; called in the thread that does the work."""


def log_event(event: Event) -> None:
    """Writes the event to the log of this module, where nobody else is told."""
    match event:
        case Warned(problems):
            _log_problems(problems)
        case Remark(text, _):
            _log.info("%s", text)
        case FileWritten(path, detail, kept):
            _log.info("%s %s (%s)", "kept" if kept else "wrote", path, detail)


def _log_problems(problems: Iterable[Problem]) -> None:
    for problem in problems:
        _log.warning("%s", problem)
