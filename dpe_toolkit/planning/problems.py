"""Collecting what is wrong with a plan while it is built."""

from __future__ import annotations

from dataclasses import dataclass, field

from dpe_toolkit.plans.problems import Problem

__all__ = ["ProblemList"]


@dataclass(frozen=True, slots=True)
class ProblemList:
    """Problems in the order in which they were found."""

    items: list[Problem] = field(default_factory=list)

    def refuse(self, where: str, wrong: str, expected: str, action: str) -> None:
        """Adds one that forbids the render."""
        self.items.append(Problem(where=where, wrong=wrong, expected=expected, action=action))

    def warn(self, where: str, wrong: str, action: str = "") -> None:
        """Adds one that is only worth knowing."""
        self.items.append(Problem(severity="warning", where=where, wrong=wrong, action=action))
