"""A report as data: what the JSON file holds, and what the page and the CSV files are made of."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dpe_research.evaluation.metrics import MetricInfo

__all__ = ["REPORT_SCHEMA", "BadFrame", "Curve", "Report", "ReportCell", "ReportRow", "ReportTable", "Series"]

REPORT_SCHEMA = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings", populate_by_name=True)


class ReportCell(_Model):
    """A number, or why there is none."""

    value: float | None
    """Infinity is written as a string."""
    count: int = 0
    """Pictures that it is the mean of."""
    why: str = ""


class ReportRow(_Model):
    """One method."""

    method: str
    note: str = ""
    cells: dict[str, ReportCell]
    """Key of a column to its cell; columns that are not there were not stated."""
    published: str = ""
    """Where the row was printed: other data, not measured here. Empty for rows that were measured."""


class ReportTable(_Model):
    """One table. Columns of one ``heading`` stand together under it."""

    title: str
    caption: str
    columns: tuple[tuple[str, MetricInfo], ...]
    """(heading, column)."""
    rows: tuple[ReportRow, ...]


class Series(_Model):
    """One line of a chart."""

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    """None interrupts the line."""
    dashed: bool = False


class Curve(_Model):
    """One chart."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]


class BadFrame(_Model):
    """One result that came out badly."""

    method: str
    label: str
    metric: str
    pictures: tuple[tuple[str, str], ...]
    """(role, PNG as a data address)."""


class Report(_Model):
    """One or more protocols, evaluated."""

    schema_version: int = Field(default=REPORT_SCHEMA, alias="schema", ge=1, le=REPORT_SCHEMA)
    protocols: tuple[Literal["self", "cross", "expression", "pose", "synthetic"], ...]
    data: str
    """Name of the dataset and its split."""
    created: str
    """Date and time, UTC."""
    tool: str
    """Program and version."""
    settings: dict[str, str]
    tables: tuple[ReportTable, ...]
    curves: tuple[Curve, ...] = ()
    worst: tuple[BadFrame, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader must know: what is missing, what cannot be compared, what looks wrong."""
