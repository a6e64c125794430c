"""Cases: what is edited by what, and what the result ought to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dpe_research.evaluation.footage import FrameRef

__all__ = ["PROTOCOLS", "Case", "EditKind", "Group", "ProtocolName"]

ProtocolName = Literal["self", "cross", "expression", "pose", "synthetic"]
PROTOCOLS: tuple[ProtocolName, ...] = ("self", "cross", "expression", "pose", "synthetic")

EditKind = Literal["expression", "pose", "both", "in-turn"]
"""``both``: the driver's whole motion; ``in-turn``: the expression edit, then the pose edit of its result."""


@dataclass(frozen=True, slots=True)
class Case:
    """One picture that a method has to make."""

    group: str
    """Name of what it belongs to: a clip, or ``SOURCE__DRIVER``."""
    stem: str
    """File name of its result without suffix, in the folder of its group."""
    edit: EditKind
    source: FrameRef
    driver: FrameRef
    truth: FrameRef | None
    """The true picture, where there is one."""
    position: int
    """Place along the group: frame of the driver, or number of the pair."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are read together."""

    name: str
    cases: tuple[Case, ...]

    @property
    def frames(self) -> tuple[FrameRef, ...]:
        """Every true frame that the cases name, once, in order."""
        named = {ref for case in self.cases for ref in (case.source, case.driver, case.truth) if ref is not None}
        return tuple(sorted(named))
