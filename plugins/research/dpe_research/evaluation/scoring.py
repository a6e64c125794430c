"""From results to numbers, case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.evaluation.cases import Case, EditKind
from dpe_research.evaluation.measures import Measures
from dpe_research.evaluation.methods import Edited
from dpe_research.evaluation.metrics import (
    blendshape_distance,
    expression_distance,
    identity_similarity,
    pose_error_deg,
)
from dpe_research.evaluation.movement import distances, moved
from dpe_research.evaluation.reading import SEEN_SCORE, FaceReader, take_rows
from dpe_research.evaluation.references import References, expression_reference, pose_reference
from dpe_toolkit.api import FaceReading

__all__ = ["Scores", "score_results"]

FloatArray = npt.NDArray[np.float64]


@dataclass(slots=True)
class Scores:
    """Everything measured of one method; grows group by group."""

    method: str
    note: str
    cases: list[Case] = field(default_factory=list)
    values: dict[str, list[FloatArray]] = field(default_factory=dict)
    """Key to parts whose lengths add up to the number of cases; NaN where nothing was measured."""
    num_missing: int = 0
    why_missing: str = ""
    num_unseen: int = 0
    """Results in which the regressor saw no face."""

    def add(self, cases: Sequence[Case], values: Mapping[str, FloatArray], edited: Edited) -> None:
        """Appends what was measured of more cases."""
        before = len(self.cases)
        for key, found in values.items():
            parts = self.values.setdefault(key, [np.full(before, np.nan)] if before else [])
            parts.append(found)
        for key, parts in self.values.items():
            if key not in values:
                parts.append(np.full(len(cases), np.nan))
        self.cases += cases
        self.num_missing += int((~edited.present).sum())
        self.why_missing = edited.why or self.why_missing
        self.num_unseen += int((values["seen"] == 0).sum()) if "seen" in values else 0

    def column(self, key: str, edit: EditKind | None = None) -> FloatArray:
        """(N,) values of a key, of one kind of edit or of all cases."""
        parts = self.values.get(key)
        every = np.full(len(self.cases), np.nan) if not parts else np.concatenate(parts)
        if edit is None:
            return every
        return every[np.fromiter((case.edit == edit for case in self.cases), np.bool_, len(self.cases))]


def score_results(
    cases: Sequence[Case], edited: Edited, references: References, measures: Measures, persons: Mapping[str, str]
) -> dict[str, FloatArray]:
    """Key to (N,) values of N cases; NaN where a result is missing, or no face was seen where one is needed.

    Args:
        cases: what was wanted.
        edited: what a method gave.
        references: the true pictures of the group.
        measures: what measures.
        persons: clip id to identity: shapes are compared within a person only.
    """
    count, there = len(cases), np.flatnonzero(edited.present)
    found: dict[str, FloatArray] = {}
    if not len(there):
        return found
    shown = [cases[row] for row in there.tolist()]
    results = edited.pictures[torch.from_numpy(there)]
    truths = [case.truth for case in shown]
    if all(truth is not None for truth in truths):
        rows = references.pick([truth for truth in truths if truth is not None])
        found |= measures.compare(results, references.pictures[rows])
    if measures.reader is not None and references.reading is not None:
        found |= _face_values(shown, results, references, measures.reader, persons)
    return {key: _spread_out(values, there, count) for key, values in found.items()}


def _face_values(
    cases: Sequence[Case], results: Tensor, references: References, reader: FaceReader, persons: Mapping[str, str]
) -> dict[str, FloatArray]:
    assert references.reading is not None
    wanted_pose = references.pick([pose_reference(case) for case in cases])
    wanted_face = references.pick([expression_reference(case) for case in cases])
    near = references.near_px[wanted_pose] if references.near_px.shape[1] else None
    reading = reader.read(results, near)
    pose, face = take_rows(references.reading, wanted_pose), take_rows(references.reading, wanted_face)
    apart = distances(reading, face)
    values = {"aed_expression": expression_distance(reading, face), "apd": pose_error_deg(reading, pose)}
    if reading.blendshapes.shape[1]:
        values["aed_blendshapes"] = blendshape_distance(reading, face)
    if "shape" in apart:
        same = [persons[case.source.clip] == persons[expression_reference(case).clip] for case in cases]
        values["aed_mesh"] = apart["shape"].where(torch.tensor(same), torch.tensor(torch.nan))
    if references.embeddings is not None:
        points = reading.points_px if reading.points_px.shape[1] else near
        embedded = reader.embed(results, points)
        assert embedded is not None
        persons_rows = references.pick([case.truth or case.source for case in cases])
        values["csim"] = identity_similarity(embedded, references.embeddings[persons_rows])
    seen = _seen(reading) & _seen(pose) & _seen(face)
    numbers = {key: _masked(value, seen) for key, value in values.items()}
    if all(case.truth is not None for case in cases):
        source = take_rows(references.reading, references.pick([case.source for case in cases]))
        seen = seen & _seen(source)
        numbers |= {key: np.where(seen.numpy(), value, np.nan) for key, value in moved(reading, source, face).items()}
    return numbers | {"seen": _seen(reading).double().numpy()}


def _seen(reading: FaceReading) -> Tensor:
    return reading.score >= SEEN_SCORE


def _masked(values: Tensor, seen: Tensor) -> FloatArray:
    return np.where(seen.numpy(), values.cpu().double().numpy(), np.nan)


def _spread_out(values: FloatArray, rows: npt.NDArray[np.int64], count: int) -> FloatArray:
    whole = np.full(count, np.nan)
    whole[rows] = values
    return whole
