"""``dpe link``: puts a driver under a clip of an existing timeline."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpe_toolkit.cli.choices import AmountChoices, PerformanceChoices, TimelineArgument
from dpe_toolkit.cli.ranges import parse_span
from dpe_toolkit.cli.screen import help_text, note
from dpe_toolkit.core.errors import OptionsError, TimelineError

if TYPE_CHECKING:
    from dpe_toolkit.core.timing import Span
    from dpe_toolkit.timeline import Performance
    from dpe_toolkit.timeline.document import TimeRange

__all__ = ["HELP", "run"]

HELP = help_text(
    "Link a driver to a clip of a timeline.",
    "Writes the timeline with the edit in it, and beside it a .dpe.json from which the edit is found again after an "
    "editing program dropped what it does not know. The media are not touched.",
    examples=(
        "dpe link cut.otio --clip sh010 --driver smile.mp4 -o cut_dpe.otio",
        "dpe link cut.otio --clip 'sh010#2' --driver sad.mp4 --start 2s -o v2.otio",
    ),
)


def run(
    timeline: TimelineArgument,
    *,
    clip: Annotated[
        str, typer.Option(metavar="NAME", help="Clip to edit; where several share a name, NAME#2 is the second.")
    ],
    driver: Annotated[Path, typer.Option(metavar="FILE", help="Footage of the performance.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Timeline to write, .otio.")],
    frames: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Only this part of the clip, from its first frame: 10:40, 1s:2s or timecode."),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Find the driver's start by the sound, as 'dpe sync' does.")
    ] = False,
    performance: PerformanceChoices,
    amounts: AmountChoices,
) -> None:
    """Writes the timeline and says under which id the edit stands."""
    from dpe_toolkit.cli.edit import read_performance
    from dpe_toolkit.timeline import link_clip

    played = read_performance(driver, performance, amounts)
    span = None if frames is None else _part_of(timeline, clip, frames)
    if sync:
        if performance.start != "0":
            raise OptionsError("--start and --sync are both given", "one of them", "leave one out")
        played = _synced(played, timeline, clip, span)
    identity = link_clip(timeline, output, clip=clip, performance=played, span=span)
    note(f"{output} (clip {clip!r}, edit {identity})", label="wrote", style="green")


def _synced(played: Performance, timeline: Path, clip: str, span: Span | None) -> Performance:
    """The performance, begun where its sound meets that of the clip, or of a part of it.

    Raises:
        AnalysisError: no start is clearly the best.
        OptionsError: the driver begins after the clip does.
    """
    from dpe_toolkit.cli.sync import heard_clip
    from dpe_toolkit.media.sound.sync import match_sound

    match = match_sound(heard_clip(timeline, clip), played.driver.path)
    start_s = match.shift_s
    if span is not None:
        start_s += Fraction(span.start) / _extent(timeline, clip).rate
    start = round(start_s * played.driver.rate)
    if start < 0:
        raise OptionsError(
            f"the driver begins {-float(start_s):.3f} s after the clip does",
            "a driver that is there from the first frame on",
            "edit only the part that it covers, with --frames",
            path=played.driver.path,
        )
    note(f"the driver's frame {start} is the clip's first (confidence {match.confidence:.2f})", label="found")
    return replace(played, start=start)


def _part_of(timeline: Path, clip: str, frames: str) -> Span:
    """The part of a clip that was typed, in frames from the clip's first.

    Raises:
        TimelineError: no clip of that name has a range.
        OptionsError: the text is no run of frames of it.
    """
    extent = _extent(timeline, clip)
    count, start = (round(seconds * extent.rate) for seconds in (extent.duration_s, extent.start_s))
    return parse_span(frames, extent.rate, num_frames=count, start_frame=start)


def _extent(timeline: Path, clip: str) -> TimeRange:
    """The range of a clip.

    Raises:
        TimelineError: no clip of that name has a range.
    """
    from dpe_toolkit.timeline import read_timeline, walk_clips

    name, _, number = clip.rpartition("#")
    wanted = {clip, name} if number.isdecimal() else {clip}
    shown = (
        found.range or found.media.available
        for found in walk_clips(read_timeline(timeline).stack)
        if found.name in wanted
    )
    extent = next((extent for extent in shown if extent is not None), None)
    if extent is None:
        raise TimelineError(
            f"no clip {clip!r} with a known range",
            "the name of a clip",
            "run 'dpe plan' to see the names",
            path=timeline,
        )
    return extent
