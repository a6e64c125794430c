"""Curves over the amount of an edit: does expression follow, does pose stay, at every strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dpe_research.evaluation.cases import Case, EditKind
from dpe_research.evaluation.measures import Measures
from dpe_research.evaluation.methods import Method
from dpe_research.evaluation.references import References
from dpe_research.evaluation.scoring import Scores, score_results

__all__ = ["AMOUNTS", "AmountSweep"]

AMOUNTS = (0.25, 0.5, 0.75, 1.0, 1.5)
_EDITS: tuple[EditKind, ...] = ("expression", "pose")


@dataclass(slots=True)
class AmountSweep:
    """What edits by part of the way moved, of the first few pairs of each group."""

    pairs_per_group: int
    most_pairs: int
    scores: dict[tuple[str, float], Scores] = field(default_factory=dict)
    """(method, amount) to what was measured."""
    _num_pairs: int = 0

    def choose(self, cases: Sequence[Case]) -> list[Case]:
        """The cases of a group that are swept; none when there are enough."""
        wanted = [case for case in cases if case.edit in _EDITS]
        numbers = list(dict.fromkeys(case.position for case in wanted))
        numbers = numbers[: max(0, min(self.pairs_per_group, self.most_pairs - self._num_pairs))]
        self._num_pairs += len(numbers)
        return [case for case in wanted if case.position in numbers]

    def run(
        self,
        method: Method,
        cases: Sequence[Case],
        references: References,
        measures: Measures,
        persons: Mapping[str, str],
    ) -> None:
        """Edits the cases at every amount."""
        if not cases:
            return
        for amount in AMOUNTS:
            edited = method.edit(cases, references.true(cases), amount=amount)
            scores = self.scores.setdefault((method.name, amount), Scores(method.name, method.note))
            scores.add(cases, score_results(cases, edited, references, measures, persons), edited)

    def mean(self, method: str, amount: float, edit: EditKind, key: str) -> float | None:
        """The mean of a value over the pairs of one kind of edit; None where nothing was measured."""
        scores = self.scores.get((method, amount))
        values = np.zeros(0) if scores is None else scores.column(key, edit)
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else None
