"""The table of a protocol: one row a method, one column a metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dpe_research.evaluation.cases import EditKind, ProtocolName
from dpe_research.evaluation.measures import Measures
from dpe_research.evaluation.metrics import Cell, MetricInfo, average
from dpe_research.evaluation.report.model import ReportCell, ReportRow, ReportTable
from dpe_research.evaluation.running import Outcome
from dpe_research.evaluation.scoring import Scores

__all__ = ["TITLES", "cell_of", "mean_of", "protocol_table", "why_empty"]

TITLES: dict[ProtocolName, str] = {
    "self": "Self-reenactment",
    "cross": "Cross-reenactment",
    "expression": "Expression editing",
    "pose": "Pose editing",
    "synthetic": "Disentanglement on the grid",
}
_CAPTIONS: dict[ProtocolName, str] = {
    "self": "The first frame of each clip, driven by the frames that follow; compared with those frames.",
    "cross": "The first frame of a source, driven by every frame of a driver. CSIM is against the source, AED and APD "
    "are against the driver.",
    "expression": "The first frame of a source with the driver's expression. CSIM and APD are against the source, AED "
    "is against the driver.",
    "pose": "The first frame of a source with the driver's pose. CSIM and AED are against the source, APD is against "
    "the driver.",
    "synthetic": "Pictures of the held-out part of a synthetic set, compared with the true picture of each edit.",
}
_OTHER_PERSON = "the driver is another person, and shapes of two persons differ by build"
_NO_TRUTH = "there is no true picture"


def protocol_table(protocol: ProtocolName, outcome: Outcome, measures: Measures) -> ReportTable:
    """The table of one of the four protocols of the paper."""
    columns = [*(measures.picture_columns if protocol == "self" else ()), *measures.face_columns]
    rows = [_row(scores, columns, measures) for scores in outcome.scores.values()]
    heading = TITLES[protocol]
    return ReportTable(
        title=heading,
        caption=_CAPTIONS[protocol],
        columns=tuple((heading, column) for column in columns),
        rows=tuple(rows),
    )


def _row(scores: Scores, columns: Sequence[MetricInfo], measures: Measures) -> ReportRow:
    cells = {column.key: cell_of(mean_of(scores, column.key, measures)) for column in columns}
    return ReportRow(method=scores.method, note=row_note(scores), cells=cells)


def row_note(scores: Scores) -> str:
    """What the method is, and what of its results is missing or shows no face."""
    parts: list[str] = [scores.note]
    if scores.num_missing:
        parts.append(f"{scores.num_missing} of {len(scores.cases)} results are missing: {scores.why_missing}.")
    if scores.num_unseen:
        parts.append(
            f"No face was seen in {scores.num_unseen} results; they count in no reading, only in picture metrics."
        )
    return " ".join(part for part in parts if part)


def mean_of(scores: Scores, key: str, measures: Measures, edit: EditKind | None = None) -> Cell:
    """The mean of a key, or why there is none."""
    return average(scores.column(key, edit), empty=why_empty(scores, key, measures))


def why_empty(scores: Scores, key: str, measures: Measures) -> str:
    """Why nothing was measured of a method under a key."""
    if key in measures.absent:
        return measures.absent[key]
    if scores.num_missing == len(scores.cases):
        return f"it has no results: {scores.why_missing}" if scores.why_missing else "it has no results"
    if key not in scores.values:
        return _absent_reason(key, measures)
    if key == "aed_mesh" and _crosses(scores):
        return _OTHER_PERSON
    return "no face was seen in any result"


def _absent_reason(key: str, measures: Measures) -> str:
    if measures.reader is None:
        return "no regressor reads faces here"
    if key in ("aed_mesh", "shape_moved", "shape_left"):
        return f"regressor {measures.regressor_name!r} reads no vertices"
    if key == "aed_blendshapes":
        return f"regressor {measures.regressor_name!r} reads no blendshapes"
    return _NO_TRUTH


def _crosses(scores: Scores) -> bool:
    return any(case.source.clip != case.driver.clip for case in scores.cases)


def cell_of(cell: Cell) -> ReportCell:
    """A cell as the report holds it."""
    return ReportCell(value=cell.value, count=cell.count, why=cell.why)


def joined_columns(groups: Iterable[tuple[str, Iterable[MetricInfo]]]) -> tuple[tuple[str, MetricInfo], ...]:
    """Columns with their headings."""
    return tuple((heading, column) for heading, columns in groups for column in columns)
