"""Rows that were printed elsewhere, to stand beside ours, marked as other data.

A CSV file with a header and the columns ``protocol, method, metric, value, source``. They become rows of our tables,
which is for whoever gives the file to answer for; what the paper prints has tables of its own (`paper`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from dpe_research.evaluation.cases import PROTOCOLS
from dpe_research.evaluation.report.model import Report, ReportCell, ReportRow
from dpe_research.evaluation.report.tables import TITLES
from dpe_toolkit.api import OptionsError, nearest_names

__all__ = ["PublishedValue", "add_published", "read_published"]

PublishedValue = tuple[str, str, str, float, str]
"""Protocol, method, metric, value, source."""

_COLUMNS = ("protocol", "method", "metric", "value", "source")
_LARGEST_BYTES = 2**22


def read_published(path: Path) -> tuple[PublishedValue, ...]:
    """The values of a file.

    Raises:
        OptionsError: it cannot be read, or a line is none of such values.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is larger than 4 MiB")
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise OptionsError(
            f"the published rows cannot be read: {error}",
            f"a CSV file with the columns {', '.join(_COLUMNS)}",
            "correct --published",
            path=path,
        ) from error
    return tuple(_value(row, path, number) for number, row in enumerate(rows, 2))


def _value(row: dict[str, str], path: Path, number: int) -> PublishedValue:
    cells = [(row.get(name) or "").strip() for name in _COLUMNS]
    try:
        value = float(cells[3])
    except ValueError:
        value = math.nan
    if not all(cells) or cells[0] not in PROTOCOLS or not math.isfinite(value):
        raise OptionsError(
            f"line {number} of the published rows is {cells}",
            f"{', '.join(_COLUMNS)}, none of them empty; protocols are {', '.join(PROTOCOLS)}; value is a number",
            "correct the line; a value without a source is not shown",
            path=path,
        )
    return cells[0], cells[1], cells[2], value, cells[4]


def add_published(report: Report, values: Sequence[PublishedValue]) -> Report:
    """The report with the published rows of its protocols below ours.

    Raises:
        OptionsError: a value is of a metric that its table has not.
    """
    tables = []
    for table in report.tables:
        protocol = next((name for name in report.protocols if TITLES[name] == table.title), None)
        own = [value for value in values if value[0] == protocol]
        keys = [column.key for _, column in table.columns]
        for _, _, metric, _, _ in own:
            if metric not in keys:
                raise OptionsError(
                    f"there is no metric {metric!r} in the table of {protocol!r}",
                    nearest_names(metric, keys),
                    "correct the published rows: metrics are named as in report.json",
                )
        named = list(dict.fromkeys((method, source) for _, method, _, _, source in own))
        rows = [
            ReportRow(
                method=method,
                published=source,
                cells={
                    metric: ReportCell(value=value)
                    for _, name, metric, value, where in own
                    if (name, where) == (method, source)
                },
            )
            for method, source in named
        ]
        tables.append(table.model_copy(update={"rows": (*table.rows, *rows)}))
    return report.model_copy(update={"tables": tuple(tables)})
