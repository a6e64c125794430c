"""What is asked of a method under evaluation, and the two methods that edit nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.evaluation.cases import Case

__all__ = ["Edited", "Method", "TruePictures", "UneditedSource", "as_bytes", "as_floats"]


@dataclass(frozen=True, slots=True)
class Edited:
    """The results of N cases."""

    pictures: Tensor
    """(N, 3, S, S) uint8 RGB; anything where ``present`` is False."""
    present: npt.NDArray[np.bool_]
    """(N,) False where the method gave no result."""
    why: str = ""
    """Why some are missing."""


class Method(Protocol):
    """Makes the pictures of cases, or has them."""

    @property
    def name(self) -> str:
        """Name of its row."""
        ...

    @property
    def note(self) -> str:
        """What it is, in a sentence."""
        ...

    @property
    def has_amounts(self) -> bool:
        """True where it can edit by part of the way, so that curves over the amount can be drawn."""
        ...

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        """The results of N cases.

        Args:
            cases: what is wanted.
            true: (N, 3, S, S) uint8 pictures of the sources, of the drivers and of the truths; the last is None
                where there is none. A method that makes pictures looks at the first two alone.
            amount: share of the edit; 1 is the whole.
        """
        ...


class UneditedSource:
    """Gives every source back: what any method has to beat."""

    name = "unedited source"
    note = "The source as it was: an edit that does nothing."
    has_amounts = False

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        """The sources."""
        return _whole(true[0])


class TruePictures:
    """Gives the truth: what a perfect method would be read to have, so what is left is noise of the reading."""

    name = "true pictures"
    note = "The true picture in place of a result: its numbers are the noise floor of the reading."
    has_amounts = False

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        """The truths; nothing where there are none."""
        if true[2] is None:
            sources = true[0]
            assert sources is not None
            return Edited(sources, np.zeros(len(cases), np.bool_), "these pairs have no true picture")
        return _whole(true[2])


def _whole(pictures: Tensor | None) -> Edited:
    assert pictures is not None
    return Edited(pictures, np.ones(len(pictures), np.bool_))


def as_floats(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] float32 of uint8 ones."""
    return pictures.float() / 255


def as_bytes(pictures: Tensor) -> Tensor:
    """uint8 pictures of those in [0, 1]: all methods are measured at 8 bits, as other people's results come."""
    return (pictures.float().clamp(0, 1) * 255).round().to(torch.uint8).cpu()
