"""What a measured number is: its name, unit and direction, and a number or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

__all__ = ["IDENTICAL_DB", "Cell", "MetricInfo", "average"]

IDENTICAL_DB = 100.0
"""What a frame without any error counts in the mean of a PSNR; a mean over such frames alone stays infinite."""


class MetricInfo(BaseModel):
    """One column of a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    """Name in JSON and CSV."""
    label: str
    """Name in tables."""
    unit: str = ""
    higher_is_better: bool | None = None
    """None where neither end is good in itself."""
    about: str = ""
    """What was computed, in a sentence."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, or why it was not measured."""

    value: float | None
    """Mean over ``count`` pictures; may be infinite."""
    count: int = 0
    why: str = ""
    """Why there is no value; empty where there is one."""

    @classmethod
    def missing(cls, why: str) -> Cell:
        """A cell without a number."""
        return cls(None, 0, why)


def average(values: npt.NDArray[np.float64], *, empty: str) -> Cell:
    """The mean of the values that are no NaN.

    Infinite values count `IDENTICAL_DB`, so that one frame without error does not make a mean infinite; where all
    are infinite the mean is too.

    Args:
        values: (N,); NaN where nothing was measured.
        empty: why there is no mean where all are NaN.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return Cell.missing(empty)
    if np.isposinf(known).all():
        return Cell(math.inf, len(known))
    return Cell(float(np.where(np.isposinf(known), IDENTICAL_DB, known).mean()), len(known))
