"""The files of a report, each of which appears whole or not at all."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from dpe_research.evaluation.report.building import joined
from dpe_research.evaluation.report.model import Report
from dpe_research.evaluation.report.page import page_of
from dpe_research.evaluation.scoring import Scores
from dpe_toolkit.api import OptionsError
from dpe_toolkit.api.footage import written_whole

__all__ = ["FILES", "read_reports", "write_frames", "write_report"]

FILES = ("report.json", "report.csv", "report.html")
_FRAMES = "frames.csv"
_LARGEST_BYTES = 2**28
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def write_report(folder: Path, report: Report) -> tuple[Path, ...]:
    """Writes the report as JSON, CSV and HTML into a folder, which is made where it is missing.

    Raises:
        OptionsError: the folder cannot be made.
        MediaError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionsError(
            f"the folder cannot be made ({error.strerror or error})",
            "a folder that exists or can be made",
            "choose another --output",
            path=folder,
        ) from error
    content = (report.model_dump_json(by_alias=True, indent=1) + "\n", _long_table(report), page_of(report))
    return tuple(_write(folder / name, text) for name, text in zip(FILES, content, strict=True))


def write_frames(folder: Path, scores: Sequence[Scores]) -> Path:
    """Writes every number of every result as ``frames.csv``; empty where nothing was measured."""
    keys = list(dict.fromkeys(key for one in scores for key in one.values))
    lines: list[Iterable[object]] = [("method", "group", "result", "edit", *keys)]
    for one in scores:
        columns = [one.column(key) for key in keys]
        for row, case in enumerate(one.cases):
            numbers = (_number(float(column[row])) for column in columns)
            lines.append((one.method, case.group, case.stem, case.edit, *numbers))
    return _write(folder / _FRAMES, _csv(lines))


def read_reports(paths: Sequence[Path]) -> Report:
    """One report of several JSON files, or of folders that hold a ``report.json``.

    Raises:
        OptionsError: one of them is no report.
    """
    return joined([_read(path / FILES[0] if path.is_dir() else path) for path in paths])


def _read(path: Path) -> Report:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is larger than 256 MiB")
        return Report.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        fault = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else error
        raise OptionsError(
            f"it is no report: {fault}",
            "the folder or report.json of an earlier 'dpe evaluate'",
            "correct the path, or evaluate again",
            path=path,
        ) from error


def _long_table(report: Report) -> str:
    lines: list[Iterable[object]] = [
        ("table", "heading", "method", "metric", "unit", "value", "count", "why_not_measured", "published_in")
    ]
    for table in report.tables:
        for row in table.rows:
            for heading, column in table.columns:
                cell = row.cells.get(column.key)
                if cell is not None:
                    value = "" if cell.value is None else _number(cell.value)
                    lines.append(
                        (table.title, heading, row.method, column.key, column.unit, value)
                        + (cell.count, cell.why, row.published)
                    )
    return _csv(lines)


def _csv(lines: Iterable[Iterable[object]]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerows([_harmless(cell) for cell in line] for line in lines)
    return content.getvalue()


def _harmless(cell: object) -> object:
    """Names that a spreadsheet would take for a formula are kept as text."""
    text = str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULAS) and not _is_number(text) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _write(path: Path, text: str) -> Path:
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return path
