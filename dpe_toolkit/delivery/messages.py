"""Errors and problems in the words that an editor reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dpe_toolkit.core.errors import DpeError
from dpe_toolkit.plans.problems import Problem

__all__ = ["in_words", "merge_alike"]

_OFFERS = ("did you mean", "known:", "none is", "expected", "Input should")
_PLACES_SHOWN = 4


def in_words(message: Problem | DpeError) -> str:
    """A message as an editor reads it: what is wrong. Expected: this. Do that.

    ``str()`` of errors and problems keeps the three parts as they were given, for logs and callers.
    """
    expected = message.expected
    if expected and not expected.startswith(_OFFERS):
        expected = f"Expected: {expected}"
    parts = (message.wrong, expected[:1].upper() + expected[1:], message.action[:1].upper() + message.action[1:])
    text = " ".join(part.rstrip(".") + "." for part in parts if part)
    return f"{message.where}: {text}" if message.where else text


def merge_alike(problems: Iterable[Problem]) -> list[Problem]:
    """The problems, with those that differ in their clip alone made one that names the clips."""
    places: dict[Problem, list[str]] = {}
    for problem in problems:
        places.setdefault(problem.model_copy(update={"where": ""}), []).append(problem.where)
    return [problem.model_copy(update={"where": _joined(list(filter(None, held)))}) for problem, held in places.items()]


def _joined(places: Sequence[str]) -> str:
    if len(places) <= _PLACES_SHOWN:
        return " and ".join(filter(None, (", ".join(places[:-1]), *places[-1:])))
    return f"{', '.join(places[:_PLACES_SHOWN])} and {len(places) - _PLACES_SHOWN} more"
