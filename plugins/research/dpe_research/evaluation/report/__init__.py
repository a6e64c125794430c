"""Reports: JSON for programs, CSV for spreadsheets, one HTML page for people."""

from __future__ import annotations

from dpe_research.evaluation.report.building import build_report, joined
from dpe_research.evaluation.report.model import (
    BadFrame,
    Curve,
    Report,
    ReportCell,
    ReportRow,
    ReportTable,
    Series,
)
from dpe_research.evaluation.report.page import page_of, shown_value
from dpe_research.evaluation.report.paper import add_paper
from dpe_research.evaluation.report.published import add_published, read_published
from dpe_research.evaluation.report.writing import read_reports, write_frames, write_report

__all__ = [
    "BadFrame",
    "Curve",
    "Report",
    "ReportCell",
    "ReportRow",
    "ReportTable",
    "Series",
    "add_paper",
    "add_published",
    "build_report",
    "joined",
    "page_of",
    "read_published",
    "read_reports",
    "shown_value",
    "write_frames",
    "write_report",
]
