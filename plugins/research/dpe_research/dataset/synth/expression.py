"""Expressions of the synthetic face: activities in [0, 1], named as face models name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import OptionsError, nearest_names
from dpe_toolkit.api.face import BLENDSHAPE_NAMES

__all__ = ["ACTED_NAMES", "NEUTRAL", "Expression"]

ACTED_NAMES: tuple[str, ...] = tuple(
    name
    for name in BLENDSHAPE_NAMES
    if not name.startswith(("_neutral", "mouthDimple", "mouthPress", "jawForward", "mouthClose", "mouthShrugUpper"))
)
"""The activities that the synthetic face shows; the others of `BLENDSHAPE_NAMES` are always 0."""


@dataclass(frozen=True, slots=True)
class Expression:
    """How strongly each of `BLENDSHAPE_NAMES` is active."""

    amounts: tuple[float, ...]
    """52 numbers in [0, 1]; Left and Right in the names are the person's, whose left is on the picture's right."""

    @classmethod
    def of(cls, amounts: Mapping[str, float]) -> Self:
        """The expression with the named activities, such as ``{"jawOpen": 0.5}``, and no others.

        Raises:
            OptionsError: a name is none of `ACTED_NAMES`, or an amount lies outside [0, 1].
        """
        for name, amount in amounts.items():
            if name not in ACTED_NAMES:
                raise OptionsError(
                    f"the synthetic face has no activity {name!r}",
                    "a name it can act",
                    nearest_names(name, ACTED_NAMES),
                )
            if not 0 <= amount <= 1:
                raise OptionsError(f"{name} is {amount}", "an amount in [0, 1]", "scale the amounts of the expression")
        return cls(tuple(float(amounts.get(name, 0.0)) for name in BLENDSHAPE_NAMES))

    def __getitem__(self, name: str) -> float:
        return self.amounts[BLENDSHAPE_NAMES.index(name)]

    def as_array(self) -> npt.NDArray[np.float32]:
        """(52,) amounts in the order of `BLENDSHAPE_NAMES`, as the truth of a blendshape reading."""
        return np.array(self.amounts, np.float32)


NEUTRAL = Expression((0.0,) * len(BLENDSHAPE_NAMES))
"""Lips closed, eyes open and ahead."""
