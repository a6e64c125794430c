"""The loop of an evaluation: group by group, method by method, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch

from dpe_research.evaluation.amounts import AmountSweep
from dpe_research.evaluation.cases import Case, Group
from dpe_research.evaluation.footage import Footage
from dpe_research.evaluation.measures import Measures
from dpe_research.evaluation.methods import Edited, Method
from dpe_research.evaluation.metrics import MetricInfo
from dpe_research.evaluation.movement import Spread, spread_of
from dpe_research.evaluation.reading import SEEN_SCORE, join_readings, take_rows
from dpe_research.evaluation.references import References, load_references
from dpe_research.evaluation.scoring import Scores, score_results
from dpe_research.evaluation.worst import WorstCases
from dpe_toolkit.api import FaceReading, OptionsError
from dpe_toolkit.api.components import NO_PROGRESS, ProgressSink

__all__ = ["Outcome", "RunSettings", "evaluate_groups"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run is done; none of it changes a number but the seed of the spread."""

    batch_size: int = 16
    num_worst: int = 3
    """Bad frames shown of each method."""
    worst_by: MetricInfo | None = None
    """Metric that says which frames are bad."""
    swept_pairs: int = 0
    """Pairs of a grid that are edited by every amount too."""
    measures_spread: bool = False
    """The spread of the true pictures is wanted."""
    seed: int = 0


@dataclass(slots=True)
class Outcome:
    """Everything that a run measured."""

    scores: dict[str, Scores]
    """By method, in the order of the rows."""
    worst: dict[str, WorstCases]
    sweep: AmountSweep
    spread: Spread | None = None
    num_true: int = 0
    """True pictures that were read."""
    num_true_unseen: int = 0
    """Those among them in which the regressor saw no face."""
    readings: list[FaceReading] = field(default_factory=list)
    """Of the true pictures that were seen, where a spread is wanted."""
    groups: list[str] = field(default_factory=list)
    """Group of each of these."""


def evaluate_groups(
    footage: Footage,
    groups: Sequence[Group],
    methods: Sequence[Method],
    measures: Measures,
    settings: RunSettings,
    *,
    progress: ProgressSink = NO_PROGRESS,
) -> Outcome:
    """Everything measured of every method on every group.

    True pictures are read once and kept for one group at a time, so that memory does not grow with the set.

    Raises:
        OptionsError: two methods have one name.
        DpeError: what stops it, by its place in the tree.
    """
    names = [method.name for method in methods]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise OptionsError(f"two rows are called {repeated!r}", "a name for each", "give another NAME=... for one")
    outcome = Outcome(
        {method.name: Scores(method.name, method.note) for method in methods},
        {name: WorstCases(settings.worst_by, settings.num_worst) for name in names if settings.worst_by},
        AmountSweep(2, settings.swept_pairs),
    )
    persons = {clip.id: clip.identity for clip in footage.clips()}
    progress.started("evaluate", f"{len(methods)} methods", len(methods) * sum(len(group.cases) for group in groups))
    for group in groups:
        references = load_references(footage, group, measures.reader)
        _note_true(outcome, group, references, keep=settings.measures_spread)
        swept = outcome.sweep.choose(group.cases)
        for method in methods:
            edited, values = [], []
            for cases in _batches(group.cases, settings.batch_size):
                made = method.edit(cases, references.true(cases))
                values.append(score_results(cases, made, references, measures, persons))
                outcome.scores[method.name].add(cases, values[-1], made)
                edited.append(made)
                progress.advanced(len(cases))
            _note_worst(outcome, method.name, group, _joined(edited), references)
            if method.has_amounts:
                outcome.sweep.run(method, swept, references, measures, persons)
    if settings.measures_spread and outcome.readings:
        outcome.spread = spread_of(join_readings(outcome.readings), outcome.groups, seed=settings.seed)
    progress.finished()
    return outcome


def _batches(cases: Sequence[Case], size: int) -> Iterator[list[Case]]:
    rest = iter(cases)
    while batch := list(islice(rest, size)):
        yield batch


def _joined(parts: Sequence[Edited]) -> Edited:
    return Edited(torch.cat([part.pictures for part in parts]), np.concatenate([part.present for part in parts]))


def _note_worst(outcome: Outcome, method: str, group: Group, edited: Edited, references: References) -> None:
    worst = outcome.worst.get(method)
    if worst is not None:
        values = outcome.scores[method].column(worst.metric.key)[-len(group.cases) :]
        worst.add(group.cases, values, edited, references)


def _note_true(outcome: Outcome, group: Group, references: References, *, keep: bool) -> None:
    reading = references.reading
    if reading is None:
        return
    seen = torch.nonzero(reading.score >= SEEN_SCORE)[:, 0]
    outcome.num_true += len(reading.score)
    outcome.num_true_unseen += len(reading.score) - len(seen)
    if keep and len(seen):
        outcome.readings.append(take_rows(reading, seen))
        outcome.groups += [group.name] * len(seen)
