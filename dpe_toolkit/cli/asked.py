"""From what was typed to what `dpe_toolkit.delivery` takes, and from what it tells to lines on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dpe_toolkit.cli.choices import PartChoices
from dpe_toolkit.cli.machine import MachineChoices
from dpe_toolkit.cli.progress import ProgressBars
from dpe_toolkit.cli.screen import note, print_problems
from dpe_toolkit.delivery.choices import PlanChoices, RunChoices
from dpe_toolkit.delivery.events import Event, FileWritten, Remark, Tell, Warned
from dpe_toolkit.editing.settings import EditSettings

if TYPE_CHECKING:
    from dpe_toolkit.delivery.video import RenderReport

__all__ = ["plan_choices", "print_report", "printing", "running"]


def plan_choices(amounts: EditSettings, parts: PartChoices | None = None) -> PlanChoices:
    """What was typed of the plan."""
    parts = parts or PartChoices()
    return PlanChoices(
        edit=amounts,
        options=tuple(parts.assignments or ()),
        components=parts.components,
        weights=parts.weights,
        weights_dir=parts.weights_dir,
        project=parts.project,
        media_roots=tuple(parts.media_root or ()),
        fit=parts.fit,
        gaps=parts.gaps,
    )


@contextmanager
def running(where: MachineChoices) -> Iterator[RunChoices]:
    """Where the work is done, with bars of its progress and lines of what is told, unless they are not wanted."""
    with ProgressBars() as bars:
        yield RunChoices(
            device=where.device,
            cache_dir=where.cache_dir,
            colour=where.colour,
            progress=None if where.quiet else bars,
            tell=printing(quiet=where.quiet, bars=bars),
        )


def printing(*, quiet: bool = False, bars: ProgressBars | None = None) -> Tell:
    """Prints events; a quiet program keeps files that were written to itself."""

    def tell(event: Event) -> None:
        if bars is not None:
            bars.rest()
        match event:
            case Warned(problems):
                print_problems(problems)
            case Remark(text, label):
                note(text, label=label)
            case FileWritten(path, detail, kept) if not quiet:
                named = f"{path} ({detail})" if detail else str(path)
                note(named, label="kept, since it was finished" if kept else "wrote", style="green")

    return tell


def print_report(report: RenderReport) -> None:
    """Says where the results are, what was edited, and how fast it went."""
    for shot in report.shots:
        frames = sum(stop - start for start, stop in shot.edited_output_frames)
        note(f"{shot.name}: {frames} frames edited")
        for gap in shot.missing:
            start, stop = gap.media_frames
            note(f"{shot.name}: no face in frames {start}:{stop} of the {gap.role}, {gap.treatment}", label="note")
    if report.num_passed:
        note(f"{report.num_passed} of {report.num_frames} frames copied as they are stored")
    seconds = report.analysis_s + report.render_s
    speed = f"{report.num_frames} frames in {seconds:.1f} s, {report.frames_per_s:.1f} a second"
    note(f"{report.output} ({speed})", label="wrote", style="green")
    note(f"{report.edits}", label="wrote", style="green")
