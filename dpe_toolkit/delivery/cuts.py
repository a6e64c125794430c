"""Timelines that changed elsewhere: edits carried over to a newer cut, media that were moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import MediaError, OptionsError
from dpe_toolkit.core.outputs import Output, expect_outputs
from dpe_toolkit.delivery.files import refuse_no_folders, refuse_output
from dpe_toolkit.media import probe
from dpe_toolkit.planning.conform import ConformedShot, conform
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline import (
    TimelineDoc,
    format_of,
    read_sidecar,
    read_timeline,
    sidecar_path,
    walk_clips,
    write_conformed,
)
from dpe_toolkit.timeline.relink import FileTimes, Relinked, relink

__all__ = ["ConformReport", "RelinkReport", "conform_cut", "relink_media"]


@dataclass(frozen=True, slots=True)
class ConformReport:
    """What became of each edit in a newer cut."""

    output: Path
    shots: tuple[ConformedShot, ...]
    problems: tuple[Problem, ...]
    """Of the edits that were read."""
    loses: str
    """What the format of the output does not keep, in words; empty where it keeps all."""

    @property
    def is_settled(self) -> bool:
        """True where no edit was lost or may belong to several clips."""
        return not self.problems and all(shot.status not in ("lost", "ambiguous") for shot in self.shots)


@dataclass(frozen=True, slots=True)
class RelinkReport:
    """What became of each media reference of a timeline."""

    output: Path
    media: tuple[Relinked, ...]

    @property
    def is_settled(self) -> bool:
        """True where every file is known."""
        return all(one.status not in ("missing", "ambiguous") for one in self.media)


def conform_cut(old: Path, new: Path, output: Path, *, form: str | None = None) -> ConformReport:
    """Writes the newer cut with the edits of the old one, and says what became of each.

    Args:
        old: the cut that holds the edits, with its sidecar.
        new: the newer cut.
        output: the timeline to write.
        form: its format; None takes that of its suffix.

    Raises:
        TimelineError: a cut cannot be read, or the output not be written.
        OptionsError: an unknown format, or an output that is read.
    """
    kind = format_of(output, form)
    # A cut of the same name in another format shares its sidecar, which holds the edits of the old one.
    beside = Output(path=sidecar_path(output), name="the sidecar")
    expect_outputs([Output(path=output), beside], (old, new, sidecar_path(old)), error=OptionsError)
    former = read_timeline(old)
    rate = _rate(former)
    sidecar, faults = read_sidecar(old)
    found = conform(former, sidecar, read_timeline(new, rate=rate))
    write_conformed(old, new, output, found.edits, kind=kind, rate=rate)
    return ConformReport(output, tuple(found.shots), (*faults, *found.problems), kind.loss)


def relink_media(timeline: Path, search: Sequence[Path], output: Path) -> RelinkReport:
    """Writes the timeline with missing media looked up in folders, and says what was found.

    Args:
        timeline: the timeline.
        search: folders, looked through with all that is in them.
        output: the timeline to write, an .otio file.

    Raises:
        TimelineError: the timeline cannot be read, or the output not be written.
        OptionsError: a folder that is none, or an output that is read.
    """
    refuse_no_folders(search, "--search")
    refuse_output(output, reads=[timeline])
    return RelinkReport(output, tuple(relink(timeline, output, search, _times)))


def _rate(doc: TimelineDoc) -> Fraction | None:
    """Frames a second in which most clips of a cut count."""
    ranges = [clip.range or clip.media.available for clip in walk_clips(doc.stack)]
    counted = Counter(held.rate for held in ranges if held is not None)
    return counted.most_common(1)[0][0] if counted else None


def _times(path: Path) -> FileTimes | None:
    try:
        info = probe(path)
    except MediaError:
        return None
    return FileTimes(info.start_frame / info.rate, info.num_frames / info.rate)
