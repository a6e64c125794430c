"""How the clips of a dataset were found: for people, and for the next run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dpe_research.dataset.index import DatasetIndex
from dpe_research.dataset.settings import BuildSettings
from dpe_research.dataset.stretches import StretchReport
from dpe_toolkit.api import DatasetError

__all__ = ["BuildReport", "read_report", "report_path", "report_rows"]

REPORT_SCHEMA = 1


class BuildReport(BaseModel):
    """Every stretch that was looked at, with what became of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_version: int = Field(default=REPORT_SCHEMA, alias="schema", ge=1, le=REPORT_SCHEMA)
    settings: BuildSettings
    stretches: tuple[StretchReport, ...]

    def to_json(self) -> str:
        """The content of ``report.json``."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def report_path(folder: Path) -> Path:
    """Where the report of the dataset in ``folder`` lies."""
    return folder / "report.json"


def read_report(folder: Path) -> BuildReport:
    """The report of a dataset.

    Raises:
        DatasetError: it cannot be read.
    """
    path = report_path(folder)
    try:
        return BuildReport.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DatasetError(
            "the report of the dataset cannot be read",
            "the file that 'dpe dataset build' wrote",
            "delete it to look at all footage anew (clips that are there are kept), or name another folder",
            path=path,
        ) from error


def report_rows(report: BuildReport, index: DatasetIndex) -> list[tuple[str, str, str, str]]:
    """A line for each video: name, frames looked at, what was kept, what was dropped and why."""
    frames_of = {clip.id: clip.num_frames for clip in index.clips}
    rows = []
    sources = dict.fromkeys(one.source for one in report.stretches)
    for source in sources:
        stretches = [one for one in report.stretches if one.source == source]
        kept = [clip for one in stretches for clip in one.clips]
        dropped: Counter[str] = Counter()
        for one in stretches:
            for left in one.dropped:
                dropped[left.reason] += left.num_frames
        rows.append(
            (
                source,
                str(sum(one.stop - one.start for one in stretches)),
                _clips(len(kept), sum(frames_of.get(clip, 0) for clip in kept)),
                _told(dropped) or "nothing",
            )
        )
    return rows


def _clips(count: int, frames: int) -> str:
    return f"{count} {'clip' if count == 1 else 'clips'}, {frames} frames" if count else "nothing"


def _told(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {frames}" if frames else reason for reason, frames in sorted(dropped.items()))
