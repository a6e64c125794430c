"""The report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

from dpe_research.evaluation.methods import TruePictures, UneditedSource
from dpe_research.evaluation.metrics import MetricInfo
from dpe_research.evaluation.report.charts import NUM_COLOURS, draw_curve
from dpe_research.evaluation.report.model import Report, ReportCell, ReportRow, ReportTable
from dpe_research.evaluation.report.tables import TITLES

__all__ = ["page_of", "shown_value"]

_TEMPLATE = "page.html.jinja"
_ARROWS = {True: "↑", False: "↓", None: ""}
_NOT_MEASURED = "not measured"
_NO_EDITORS = (TruePictures.name, UneditedSource.name)


def page_of(report: Report) -> str:
    """The page. Names and texts are escaped; nothing in it is fetched from anywhere."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    # The charts are built as XML, where names were escaped already.
    charts = [
        {
            "title": curve.title,
            "svg": Markup(draw_curve(curve, number)),  # made by us as an XML tree
            "legend": [
                {"name": line.name, "colour": place % NUM_COLOURS, "dashed": line.dashed}
                for place, line in enumerate(curve.series)
            ],
        }
        for number, curve in enumerate(report.curves)
    ]
    worst = [(name, list(frames)) for name, frames in groupby(report.worst, key=lambda frame: frame.method)]
    title = f"Evaluation: {', '.join(TITLES[name].lower() for name in report.protocols)}"
    return environment.from_string(source).render(
        report=report,
        title=title,
        tables=[_shown_table(table) for table in report.tables],
        charts=charts,
        worst=worst,
        colours=NUM_COLOURS,
    )


def shown_value(value: float) -> str:
    """A number as people read it."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def printed_value(value: float) -> str:
    """A number that was printed elsewhere: no digit of it is rounded away, and four stand behind the point at least."""
    text = f"{value:.12g}"
    return text if "e" in text or len(text.partition(".")[2]) > 4 else f"{value:.4f}"


@dataclass(frozen=True, slots=True)
class _Heading:
    name: str
    width: int


def _shown_table(table: ReportTable) -> dict[str, object]:
    spans = [(name, list(part)) for name, part in groupby(table.columns, key=lambda entry: entry[0])]
    firsts = {part[0][1].key for _, part in spans} if len(spans) > 1 else set()
    reasons = list(dict.fromkeys(cell.why for row in table.rows for cell in row.cells.values() if cell.why))
    best = {column.key: _best(column, table.rows) for _, column in table.columns}
    return {
        "title": table.title,
        "caption": table.caption,
        "headings": [_Heading(name, len(part)) for name, part in spans],
        "columns": [
            {
                "label": column.label,
                "unit": column.unit,
                "about": column.about,
                "arrow": _ARROWS[column.higher_is_better],
                "first": column.key in firsts,
                "heading": f"{heading}: " if len(spans) > 1 else "",
            }
            for heading, column in table.columns
        ],
        "rows": [_shown_row(row, table, best, firsts, reasons) for row in table.rows],
        "reasons": reasons,
    }


def _shown_row(
    row: ReportRow, table: ReportTable, best: dict[str, float | None], firsts: set[str], reasons: list[str]
) -> dict[str, object]:
    cells = []
    for _, column in table.columns:
        cell = row.cells.get(column.key)
        text, style, hint = _shown_cell(cell, published=bool(row.published))
        wins = cell is not None and cell.value is not None and _contends(row) and cell.value == best[column.key]
        classes = [style, "best" if wins else "", "first" if column.key in firsts else ""]
        number = reasons.index(cell.why) + 1 if cell is not None and cell.why else 0
        cells.append({"text": text, "style": " ".join(filter(None, classes)), "hint": hint, "reason": number})
    note = f"other data, not measured here: {row.published}" if row.published else row.note
    return {"method": row.method, "note": note, "published": bool(row.published), "cells": cells}


def _shown_cell(cell: ReportCell | None, *, published: bool) -> tuple[str, str, str]:
    if cell is None:
        return ("not stated" if published else _NOT_MEASURED), "none", ""
    if cell.value is None:
        return _NOT_MEASURED, "none", cell.why
    if published:
        return printed_value(cell.value), "", ""
    return shown_value(cell.value), "", f"mean of {cell.count} pictures" if cell.count else ""


def _best(column: MetricInfo, rows: Sequence[ReportRow]) -> float | None:
    """The best value among methods that edit; none where one stands alone, or where all are alike."""
    found = [
        cell.value
        for row in rows
        if _contends(row)
        if (cell := row.cells.get(column.key)) is not None and cell.value is not None
    ]
    if len(set(found)) < 2 or column.higher_is_better is None:
        return None
    return max(found) if column.higher_is_better else min(found)


def _contends(row: ReportRow) -> bool:
    """True for measured methods that edit."""
    return not row.published and row.method not in _NO_EDITORS
