"""The frames in which a method did worst, kept as pictures."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
from torch import Tensor

from dpe_research.evaluation.cases import Case
from dpe_research.evaluation.methods import Edited
from dpe_research.evaluation.metrics import MetricInfo
from dpe_research.evaluation.references import References

__all__ = ["KeptCase", "WorstCases"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KeptCase:
    """One bad result with what it was made of, uint8 (3, S, S)."""

    case: Case
    value: float
    source: Tensor
    driver: Tensor
    result: Tensor
    truth: Tensor | None


@dataclass(slots=True)
class WorstCases:
    """The worst few results of one method by one metric; at most one a group, so that clips differ."""

    metric: MetricInfo
    num_kept: int
    _heap: list[tuple[float, int, KeptCase]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def add(self, cases: Sequence[Case], values: FloatArray, edited: Edited, references: References) -> None:
        """Looks at the results of one group."""
        badness = -values if self.metric.higher_is_better else values
        known = np.flatnonzero(edited.present & ~np.isnan(badness) & np.isfinite(badness))
        if not len(known) or self.num_kept < 1:
            return
        row = int(known[badness[known].argmax()])
        if len(self._heap) == self.num_kept and self._heap[0][0] >= badness[row]:
            return
        source, driver, _ = references.true([cases[row]])
        truth = cases[row].truth
        shown = None if truth is None else references.pictures[references.rows[truth]].clone()
        kept = KeptCase(
            cases[row], float(values[row]), source[0].clone(), driver[0].clone(), edited.pictures[row].clone(), shown
        )
        heapq.heappush(self._heap, (float(badness[row]), next(self._order), kept))
        if len(self._heap) > self.num_kept:
            heapq.heappop(self._heap)

    @property
    def kept(self) -> list[KeptCase]:
        """The worst first."""
        return [entry[2] for entry in sorted(self._heap, key=lambda entry: (-entry[0], entry[1]))]
