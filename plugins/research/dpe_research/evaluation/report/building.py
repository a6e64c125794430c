"""From what a run measured to its report."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from torch import Tensor

from dpe_research.evaluation.amounts import AMOUNTS
from dpe_research.evaluation.cases import ProtocolName
from dpe_research.evaluation.measures import Measures
from dpe_research.evaluation.metrics import IDENTICAL_DB, MetricInfo
from dpe_research.evaluation.report.disentanglement import EDITS_ALONE, movement_table, picture_table, swapped_methods
from dpe_research.evaluation.report.model import BadFrame, Curve, Report, ReportTable, Series
from dpe_research.evaluation.report.tables import TITLES, protocol_table
from dpe_research.evaluation.running import Outcome

__all__ = ["build_report"]

_MOST_POINTS = 400


def build_report(
    protocol: ProtocolName,
    outcome: Outcome,
    measures: Measures,
    *,
    data: str,
    created: str,
    tool: str,
    settings: dict[str, str],
) -> Report:
    """The report of one protocol.

    Args:
        protocol: which.
        outcome: what was measured.
        measures: what measured.
        data: the dataset, in words.
        created: date and time.
        tool: program and version.
        settings: what was asked for, to be shown.
    """
    tables: tuple[ReportTable, ...]
    if protocol == "synthetic":
        moves = [movement_table(edit, outcome, measures) for edit in EDITS_ALONE]
        tables = (picture_table(outcome, measures), *moves)
        curves = _amount_curves(outcome, measures)
    else:
        tables = (protocol_table(protocol, outcome, measures),)
        curves = _frame_curves(protocol, outcome, tables[0])
    return Report(
        protocols=(protocol,),
        data=data,
        created=created,
        tool=tool,
        settings=settings,
        tables=tables,
        curves=tuple(curves),
        worst=tuple(_bad_frames(outcome)),
        notes=tuple(_notes(outcome, measures)),
    )


def _notes(outcome: Outcome, measures: Measures) -> list[str]:
    notes = [f"{column.label} was not measured: {measures.absent[column.key]}." for column in _absent(measures)]
    if outcome.num_true_unseen:
        notes.append(
            f"Regressor {measures.regressor_name!r} saw no face in {outcome.num_true_unseen} of {outcome.num_true} "
            "true pictures; what is compared with them has no reading."
        )
    notes += [
        f"{scores.method}: {scores.num_missing} of {len(scores.cases)} results are missing and count in no mean "
        f"({scores.why_missing})."
        for scores in outcome.scores.values()
        if scores.num_missing
    ]
    notes += [
        f"{name}: its expression edit moves pose and its pose edit moves expression. Its branches look swapped: run "
        "again with the other --branch."
        for name in swapped_methods(outcome, measures)
    ]
    return notes


def _absent(measures: Measures) -> list[MetricInfo]:
    columns = (*measures.picture_columns, *measures.face_columns)
    return [column for column in columns if column.key in measures.absent]


def _frame_curves(protocol: ProtocolName, outcome: Outcome, table: ReportTable) -> list[Curve]:
    """Each metric by frame of the driver, mean over clips."""
    curves = []
    for _, column in table.columns:
        series = []
        for scores in outcome.scores.values():
            places = np.array([case.position for case in scores.cases])
            found = _by_place(places, scores.column(column.key))
            if found is not None:
                series.append(Series(name=scores.method, x=found[0], y=found[1]))
        if series and max(len(line.x) for line in series) > 1:
            label = f"{column.label} ({column.unit})" if column.unit else column.label
            title = f"{column.label} per frame"
            curves.append(Curve(title=title, x_label="frame of the driver", y_label=label, series=tuple(series)))
    return curves


def _by_place(
    places: np.ndarray[tuple[int], np.dtype[np.int64]], values: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[tuple[float, ...], tuple[float | None, ...]] | None:
    known = ~np.isnan(values)
    if not known.any():
        return None
    frames = np.unique(places[known])
    kept = np.where(np.isposinf(values), IDENTICAL_DB, values)
    sums = np.bincount(places[known], kept[known])[frames]
    means = sums / np.bincount(places[known])[frames]
    step = max(1, math.ceil(len(frames) / _MOST_POINTS))
    starts = range(0, len(frames), step)
    return (
        tuple(float(frames[start : start + step].mean()) for start in starts),
        tuple(float(means[start : start + step].mean()) for start in starts),
    )


def _amount_curves(outcome: Outcome, measures: Measures) -> list[Curve]:
    spread = outcome.spread
    if spread is None or not spread.means:
        return []
    face = measures.expression_quantity(spread.means)
    methods = list(dict.fromkeys(name for name, _ in outcome.sweep.scores))
    curves = []
    edits: tuple[tuple[Literal["expression", "pose"], str, str], ...] = (
        ("expression", face, "pose"),
        ("pose", "pose", face),
    )
    for edit, meant, leaked in edits:
        lines = []
        for quantity, dashed in ((meant, False), (leaked, True)):
            word = "pose" if quantity == "pose" else "expression"
            for name in methods:
                means = [outcome.sweep.mean(name, amount, edit, f"{quantity}_moved") for amount in AMOUNTS]
                shares = [None if mean is None else spread.share(quantity, mean) for mean in means]
                if any(share is not None for share in shares):
                    lines.append(Series(name=f"{name}: {word}", x=AMOUNTS, y=tuple(shares), dashed=dashed))
        if lines:
            title = f"{TITLES[edit]}: what moves, by amount (dashed: leakage)"
            curves.append(
                Curve(title=title, x_label="amount of the edit", y_label="movement (spreads)", series=tuple(lines))
            )
    return curves


def _bad_frames(outcome: Outcome) -> list[BadFrame]:
    found = []
    for name, worst in outcome.worst.items():
        for kept in worst.kept:
            pictures = [("source", kept.source), ("driver", kept.driver), ("result", kept.result)]
            pictures += [] if kept.truth is None else [("truth", kept.truth)]
            found.append(
                BadFrame(
                    method=name,
                    label=f"{kept.case.group}, {kept.case.stem}",
                    metric=f"{worst.metric.label} {kept.value:.3g} {worst.metric.unit}".strip(),
                    pictures=tuple((role, _data_address(picture)) for role, picture in pictures),
                )
            )
    return found


def _data_address(picture: Tensor) -> str:
    rgb = np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
    done, content = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert done
    return f"data:image/png;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"


def joined(reports: Sequence[Report]) -> Report:
    """Several reports as one, in their order; settings of each keep its protocol's name."""
    first = reports[0]
    named = {
        f"{'+'.join(report.protocols)}: {key}": value for report in reports for key, value in report.settings.items()
    }
    return first.model_copy(
        update={
            "protocols": tuple(dict.fromkeys(name for report in reports for name in report.protocols)),
            "data": "; ".join(dict.fromkeys(report.data for report in reports)),
            "created": max(report.created for report in reports),
            "settings": named,
            "tables": tuple(table for report in reports for table in report.tables),
            "curves": tuple(curve for report in reports for curve in report.curves),
            "worst": tuple(frame for report in reports for frame in report.worst),
            "notes": tuple(dict.fromkeys(note for report in reports for note in report.notes)),
        }
    )
