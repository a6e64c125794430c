"""The tables of the grid protocol: pictures against truth, then what each branch moved."""

from __future__ import annotations

import math

import numpy as np

from dpe_research.evaluation.cases import EditKind
from dpe_research.evaluation.measures import SEEN, Measures
from dpe_research.evaluation.metrics import Cell, MetricInfo
from dpe_research.evaluation.movement import Spread, movement_ratio
from dpe_research.evaluation.report.model import ReportCell, ReportRow, ReportTable
from dpe_research.evaluation.report.tables import cell_of, joined_columns, mean_of, row_note, why_empty
from dpe_research.evaluation.running import Outcome
from dpe_research.evaluation.scoring import Scores

__all__ = ["EDITS_ALONE", "movement_table", "picture_table", "ratio_of", "swapped_methods"]

_HEADINGS: tuple[tuple[EditKind, str], ...] = (
    ("expression", "Expression edit"),
    ("pose", "Pose edit"),
    ("in-turn", "Expression, then pose"),
)
EDITS_ALONE: tuple[EditKind, ...] = ("expression", "pose")
"""The edits of one branch each."""
_SEEN_AS_SWAPPED = 0.8
_LEAST_MOVED = 0.1
_NOTHING_MOVED = "the edit moved nothing"
_HARDLY_MOVED = "the edit moved less than a tenth of what was wanted"


def picture_table(outcome: Outcome, measures: Measures) -> ReportTable:
    """PSNR and other picture metrics of each kind of edit against its true picture."""
    own = (*measures.picture_columns, measures.face_columns[0])
    columns = joined_columns((heading, [_keyed(column, edit) for column in own]) for edit, heading in _HEADINGS)
    rows = []
    for scores in outcome.scores.values():
        cells = {
            f"{edit}_{column.key}": cell_of(mean_of(scores, column.key, measures, edit))
            for edit, _ in _HEADINGS
            for column in own
        }
        rows.append(ReportRow(method=scores.method, note=row_note(scores), cells=cells))
    return ReportTable(
        title="Edits against their true pictures",
        caption="The expression edit of source S by driver D ought to be the picture with the pose of S and the "
        "expression of D; the pose edit that with the pose of D and the expression of S; one after the other, D.",
        columns=columns,
        rows=tuple(rows),
    )


def movement_table(edit: EditKind, outcome: Outcome, measures: Measures) -> ReportTable:
    """Leakage, follow, error and ratio of one kind of edit, by the regressor's reading."""
    heading = dict(_HEADINGS)[edit]
    columns = joined_columns([(heading, _movement_columns(edit, measures))])
    rows = [
        ReportRow(
            method=scores.method, note=row_note(scores), cells=_movement_cells(scores, edit, outcome.spread, measures)
        )
        for scores in outcome.scores.values()
    ]
    spread = outcome.spread
    told = (
        "The spread of the set was not measured."
        if spread is None or not spread.means
        else _spread_text(spread, measures)
    )
    return ReportTable(
        title=f"What the {heading.lower()} moves",
        caption="Readings of results against readings of the true pictures by the same regressor. The row 'true "
        f"pictures' is the noise floor: nothing leaks there but the reading, and no ratio is read beyond it. {told}",
        columns=columns,
        rows=tuple(rows),
    )


def ratio_of(scores: Scores, spread: Spread | None, edit: EditKind, measures: Measures) -> Cell:
    """How far an edit moved what it is for, over how far it moved the other, both in spreads of the set."""
    if spread is None or not spread.means:
        return Cell.missing(why_empty(scores, "pose_moved", measures))
    face = measures.expression_quantity(spread.means)
    pose, expression = (mean_of(scores, f"{name}_moved", measures, edit) for name in ("pose", face))
    if pose.value is None or expression.value is None:
        return pose if pose.value is None else expression
    shares = spread.share("pose", pose.value), spread.share(face, expression.value)
    meant, leaked = shares if edit == "pose" else shares[::-1]
    quantity = "pose" if edit == "pose" else face
    wanted = mean_of(scores, f"{quantity}_wanted", measures, edit).value
    if leaked > 0 and wanted is not None and max(shares) < _LEAST_MOVED * spread.share(quantity, wanted):
        return Cell.missing(_HARDLY_MOVED)
    ratio = movement_ratio(meant, leaked)
    return Cell.missing(_NOTHING_MOVED) if math.isnan(ratio) else Cell(ratio, pose.count)


def swapped_methods(outcome: Outcome, measures: Measures) -> list[str]:
    """Methods whose expression edit moves pose and whose pose edit moves expression."""
    found = []
    for scores in outcome.scores.values():
        ratios = [ratio_of(scores, outcome.spread, edit, measures).value for edit in ("expression", "pose")]
        if all(ratio is not None and ratio < _SEEN_AS_SWAPPED for ratio in ratios):
            found.append(scores.method)
    return found


def _movement_columns(edit: EditKind, measures: Measures) -> list[MetricInfo]:
    meant, other = ("expression", "pose") if edit == "expression" else ("pose", "expression")
    about = f"by regressor '{measures.regressor_name}'"
    leaks = {
        "pose": (
            ("pose", "degrees", "angle of the rotation between the heads"),
            ("shift", "% of width", "distance of the heads' centres"),
        ),
        "expression": (
            ("shape", "mesh units", "mean distance of the vertices, pose taken out; 1 is about 1 mm"),
            ("code", _code_unit(measures), "root mean square difference of the expression code"),
        ),
    }
    columns = [
        MetricInfo(
            key=f"{edit}_{name}_moved",
            label=f"{other} leakage" if name == other else f"{other} leakage ({name})",
            unit=unit,
            higher_is_better=False,
            about=f"Movement of the {other} away from the source's, which ought to be none: {what}, {about}.",
        )
        for name, unit, what in leaks[other]
    ]
    off = (("pose", "pose", "degrees"), ("shape", "expression", "mesh units"))
    columns += [
        MetricInfo(
            key=f"{edit}_{name}_left",
            label=f"{word} off truth",
            unit=unit,
            higher_is_better=False,
            about=f"Distance of the {word} from that of the true picture of the edit, {about}.",
        )
        for name, word, unit in off
    ]
    follows = ("pose",) if meant == "pose" else ("shape", "code")
    columns += [
        MetricInfo(
            key=f"{edit}_{name}_follow",
            label=f"{meant} follow" if name == meant else f"{meant} follow ({name})",
            about=f"Share of the wanted movement that happened, {about}; 1 is right.",
        )
        for name in follows
    ]
    return [
        _keyed(SEEN, edit),
        *columns,
        MetricInfo(
            key=f"{edit}_ratio",
            label=f"{meant} / {other}",
            unit="ratio",
            higher_is_better=True,
            about=f"Movement of the {meant} in spreads of the set over that of the {other} in spreads, {about}; none "
            "where both are less than a tenth of the wanted movement, since then noise is divided by noise.",
        ),
    ]


def _movement_cells(scores: Scores, edit: EditKind, spread: Spread | None, measures: Measures) -> dict[str, ReportCell]:
    cells: dict[str, ReportCell] = {}
    for column in _movement_columns(edit, measures):
        part = column.key.removeprefix(f"{edit}_")
        if part == "ratio":
            cell = ratio_of(scores, spread, edit, measures)
        elif part.endswith("_follow"):
            cell = _follow(scores, part.removesuffix("_follow"), edit, measures)
        else:
            cell = mean_of(scores, part, measures, edit)
        cells[column.key] = cell_of(cell)
    return cells


def _follow(scores: Scores, quantity: str, edit: EditKind, measures: Measures) -> Cell:
    """Ratio of sums, so that pairs with hardly any wanted movement count hardly at all."""
    along, way = scores.column(f"{quantity}_along", edit), scores.column(f"{quantity}_way", edit)
    known = ~np.isnan(along) & ~np.isnan(way)
    total = float(way[known].sum())
    if not known.any() or total <= 0:
        reason = why_empty(scores, f"{quantity}_moved", measures)
        return Cell.missing(reason if not known.any() else "no movement was wanted")
    return Cell(float(along[known].sum()) / total, int(known.sum()))


def _code_unit(measures: Measures) -> str:
    return "regressor units" if measures.calibration is None else "drawn activities"


def _spread_text(spread: Spread, measures: Measures) -> str:
    units = {"pose": "degrees", "shift": "% of the width", "shape": "mesh units", "code": _code_unit(measures)}
    parts = ", ".join(f"{name} {value:.3g} {units[name]}" for name, value in spread.means.items())
    told = f"Spread of the set (mean distance of {spread.num_pairs} random pairs of one person): {parts}."
    calibration = measures.calibration
    if calibration is None:
        return told
    return (
        f"{told} The code is what the reading says was drawn, by a linear map fitted on {calibration.num_pictures} "
        f"true pictures of {calibration.num_persons} persons of the training part; it explains "
        f"{calibration.explained:.0%} of the variance in persons left out. Ratios are of the code and the pose."
    )


def _keyed(column: MetricInfo, edit: EditKind) -> MetricInfo:
    return column.model_copy(update={"key": f"{edit}_{column.key}"})
