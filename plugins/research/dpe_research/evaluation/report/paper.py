"""What the paper prints of itself and of others, in tables of its own below ours.

The numbers were measured on other clips, and AED and APD by another reader of faces: as a row of our tables they would
look like results of the run. So they stand apart, and nothing in them counts as the best of a column.

Source: Pang et al., DPE: Disentanglement of Pose and Expression for General Video Portrait Editing, CVPR 2023,
tables 1 to 3. The fifth and sixth columns of table 3 are headed APD and AED in print; by their size beside those of
tables 1 and 2 they are AED and APD, and are shown so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dpe_research.evaluation.cases import ProtocolName
from dpe_research.evaluation.metrics import MetricInfo
from dpe_research.evaluation.report.model import Report, ReportCell, ReportRow, ReportTable
from dpe_research.evaluation.report.tables import TITLES

__all__ = ["PAPER_TITLES", "add_paper"]

PAPER_TITLES: dict[ProtocolName, str] = {
    name: f"{TITLES[name]}, as the paper prints it: other data" for name in ("self", "cross", "expression", "pose")
}
"""Protocol to the title of the paper's table for it."""

_CAPTION = (
    "Not measured here. Pang et al., CVPR 2023, table {number}: clips of VoxCeleb and HDTF, 15 pairs of an image and a "
    "video, 6,000 frames a method; AED and APD are distances of a 3D morphable model's coefficients, as PIRenderer has "
    "them. Other clips, other sizes and another reader of faces: no number of it can be set against one of the run."
)
_SAME, _CROSS = "same identity", "cross identity"
_EDIT = (*((_SAME, key) for key in ("csim", "aed", "apd")), *((_CROSS, key) for key in ("csim", "aed", "apd")))
_LABELS = {"csim": "CSIM", "lpips": "LPIPS", "psnr": "PSNR", "ssim": "SSIM", "aed": "AED (3DMM)", "apd": "APD (3DMM)"}
_UNITS = {"psnr": "dB"}
_HIGHER = frozenset({"csim", "psnr", "ssim"})


@dataclass(frozen=True, slots=True)
class _Printed:
    """A table of the paper, or the part of it that belongs to a protocol."""

    number: int
    columns: tuple[tuple[str, str], ...]
    """(heading, metric)."""
    rows: Mapping[str, tuple[float, ...]]
    """Method to its numbers, in the order of the columns."""


_PRINTED: dict[ProtocolName, _Printed] = {
    "expression": _Printed(
        1,
        _EDIT,
        {
            "PIRenderer": (0.9075, 0.1205, 0.01254, 0.9133, 0.2674, 0.01182),
            "StyleHEAT": (0.8320, 0.1511, 0.01551, 0.8489, 0.2701, 0.01695),
            "DPE": (0.9091, 0.1133, 0.01720, 0.9204, 0.2660, 0.02464),
        },
    ),
    "pose": _Printed(
        2,
        _EDIT,
        {
            "PIRenderer": (0.9055, 0.0972, 0.01718, 0.8406, 0.1397, 0.02533),
            "StyleHEAT": (0.8358, 0.1285, 0.02975, 0.8058, 0.1577, 0.03025),
            "DPE": (0.9192, 0.0807, 0.02459, 0.8798, 0.1250, 0.03630),
        },
    ),
    "self": _Printed(
        3,
        tuple((_SAME, key) for key in ("csim", "lpips", "psnr", "ssim", "aed", "apd")),
        {
            "FOMM": (0.8960, 0.1536, 31.1134, 0.6251, 0.1000, 0.01100),
            "PIRenderer": (0.8829, 0.1713, 30.7609, 0.5541, 0.1110, 0.01698),
            "LIA": (0.8906, 0.1458, 31.3371, 0.6397, 0.0998, 0.01160),
            "DaGAN": (0.8910, 0.1599, 30.3022, 0.5904, 0.1036, 0.01202),
            "DPE": (0.8965, 0.1587, 31.3631, 0.6422, 0.1000, 0.01087),
        },
    ),
    "cross": _Printed(
        3,
        tuple((_CROSS, key) for key in ("csim", "aed", "apd")),
        {
            "FOMM": (0.8101, 0.2570, 0.02592),
            "PIRenderer": (0.8215, 0.2458, 0.02677),
            "LIA": (0.8094, 0.2659, 0.02601),
            "DaGAN": (0.8032, 0.2584, 0.02639),
            "DPE": (0.8303, 0.2612, 0.02565),
        },
    ),
}


def add_paper(report: Report) -> Report:
    """The report with the paper's table below that of each protocol that the paper has."""
    tables: list[ReportTable] = []
    for table in report.tables:
        tables.append(table)
        protocol = next((name for name in _PRINTED if TITLES[name] == table.title), None)
        if protocol is not None:
            tables.append(_table(protocol))
    return report.model_copy(update={"tables": tuple(tables)})


def _table(protocol: ProtocolName) -> ReportTable:
    printed = _PRINTED[protocol]
    source = f"Pang et al., CVPR 2023, table {printed.number}"
    keys = [_key(heading, metric) for heading, metric in printed.columns]
    return ReportTable(
        title=PAPER_TITLES[protocol],
        caption=_CAPTION.format(number=printed.number),
        columns=tuple((heading, _column(heading, metric)) for heading, metric in printed.columns),
        rows=tuple(
            ReportRow(
                method=method,
                published=source,
                cells={key: ReportCell(value=value) for key, value in zip(keys, values, strict=True)},
            )
            for method, values in printed.rows.items()
        ),
    )


def _column(heading: str, metric: str) -> MetricInfo:
    return MetricInfo(
        key=_key(heading, metric),
        label=_LABELS[metric],
        unit=_UNITS.get(metric, ""),
        higher_is_better=metric in _HIGHER,
        about="As printed.",
    )


def _key(heading: str, metric: str) -> str:
    """Keys are a table's own: the same metric of one and of another person are two."""
    return f"paper_{heading.partition(' ')[0]}_{metric}"
