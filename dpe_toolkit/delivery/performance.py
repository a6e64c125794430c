"""A driver and where it lies: read from a file, placed by its sound, linked to a clip of a timeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.errors import OptionsError, TimelineError, nearest_names
from dpe_toolkit.core.timing import Span, parse_time
from dpe_toolkit.delivery.choices import Placement, PlanChoices
from dpe_toolkit.delivery.events import Remark, Tell, log_event
from dpe_toolkit.delivery.files import as_usage
from dpe_toolkit.delivery.ranges import parse_span
from dpe_toolkit.editing.options import OptionValue, group_options
from dpe_toolkit.editing.settings import ComponentOptions
from dpe_toolkit.media import media_plan, probe
from dpe_toolkit.media.sound.sync import HeardPart, SoundMatch, match_sound
from dpe_toolkit.planning.flatten import picture_clips
from dpe_toolkit.planning.media import media_origin_s
from dpe_toolkit.timeline import Clip, Performance, find_media, link_clip, read_timeline, walk_clips
from dpe_toolkit.timeline.document import TimeRange

__all__ = ["SyncReport", "find_sync", "heard_clip", "link_driver", "read_performance"]

_TIMELINES = (".otio", ".otioz", ".otiod")


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Where a driver must begin to be heard together with what is heard in a clip."""

    match: SoundMatch
    heard: str
    """Name of the clip or the file."""
    rate: Fraction
    """Frames a second of the driver."""

    @property
    def start(self) -> int:
        """0-based frame of the driver at the clip's first moment; below 0 where it begins later than the clip."""
        return round(self.match.shift_s * self.rate)


def read_performance(driver: Path, place: Placement, choices: PlanChoices) -> Performance:
    """The driver's file and all that was asked of the edit, as a timeline stores it.

    Raises:
        OptionsError: the driver cannot be read, or something that was asked for is not accepted.
    """
    with as_usage():
        media = media_plan(driver)
    return Performance(
        driver=media,
        start=parse_time(place.start, media.rate, start_frame=media.start_frame),
        settings=choices.edit,
        retime=place.retime,
        neutral=place.neutral,
        components=choices.components,
        options=_effect_options(choices),
    )


def _effect_options(choices: PlanChoices) -> ComponentOptions:
    """Component to option to value, as an effect keeps them: what was asked for, and the weights."""
    given = list(choices.options)
    if choices.weights is not None:
        # The timeline may lie elsewhere than the working folder that a path starts in.
        named = Path(choices.weights).absolute() if Path(choices.weights).is_file() else choices.weights
        given.append(OptionValue("generator", "weights", str(named)))
    return group_options(given)


def link_driver(
    timeline: Path,
    driver: Path,
    output: Path,
    *,
    clip: str,
    place: Placement,
    choices: PlanChoices,
    frames: str | None = None,
    sync: bool = False,
    tell: Tell = log_event,
) -> str:
    """Writes the timeline with an edit of one of its clips, and returns the edit's id.

    Args:
        timeline: an .otio file, or another form of it.
        driver: footage of the performance.
        output: the new timeline, an .otio file.
        clip: name of the clip; ``NAME#2`` is the second of that name.
        place: how the driver lies.
        choices: of the edit.
        frames: only this part of the clip, from its first frame.
        sync: find the driver's start by the sound.
        tell: who is told what was found.

    Raises:
        TimelineError: the timeline cannot be read or written, or has no such clip.
        OptionsError: something that was asked for is not accepted.
        AnalysisError: no start is clearly the best.
    """
    played = read_performance(driver, place, choices)
    span = None if frames is None else _part_of(timeline, clip, frames)
    if sync:
        if place.start != "0":
            raise OptionsError("--start and --sync are both given", "one of them", "leave one out")
        played = _synced(played, timeline, clip, span, tell)
    return link_clip(timeline, output, clip=clip, performance=played, span=span)


def find_sync(source: Path, driver: Path, clip: str | None = None) -> SyncReport:
    """Where the driver must begin to be heard together with footage, or with a clip of a timeline.

    Raises:
        OptionsError: a file cannot be read, or a clip is named of something that is no timeline.
        TimelineError: there is no such clip, or it has no media.
        AnalysisError: no start is clearly the best.
    """
    if source.suffix.lower() in _TIMELINES:
        part, name = heard_clip(source, clip), clip or source.stem
    elif clip is not None:
        raise OptionsError("--clip is given, and SOURCE is no timeline", "a timeline", "leave out --clip", path=source)
    else:
        with as_usage():
            part, name = HeardPart(source, Fraction(0), probe(source).duration_s), source.name
    with as_usage():
        rate = probe(driver).rate
    return SyncReport(match_sound(part, driver), name, rate)


def heard_clip(timeline: Path, name: str | None) -> HeardPart:
    """The sound that belongs to the images of a clip.

    Args:
        timeline: the timeline.
        name: of the clip, or None where the timeline has one.

    Raises:
        TimelineError: there is no such clip, or it has no media.
        MediaError: its media cannot be read.
    """
    doc = read_timeline(timeline)
    clip = _named(picture_clips(doc.stack), name, timeline)
    if not clip.media.url:
        raise TimelineError("it has no media", "a clip of footage", "relink it", clip=clip.name, path=timeline)
    path = find_media(clip.media.url, doc.folders)
    duration_s = probe(path).duration_s
    if clip.range is None:
        return HeardPart(path, Fraction(0), duration_s)
    stated_s = clip.media.available.start_s if clip.media.available is not None else None
    start_s = clip.range.start_s - media_origin_s(stated_s, clip.range.start_s, media_plan(path))
    return HeardPart(path, start_s, min(clip.range.duration_s, duration_s - start_s))


def _named(clips: list[Clip], name: str | None, timeline: Path) -> Clip:
    known = nearest_names(name or "", {clip.name for clip in clips})
    if name is None:
        if len(clips) == 1:
            return clips[0]
        raise TimelineError(f"it has {len(clips)} clips", known, "say which, with --clip", path=timeline)
    base, _, number = name.rpartition("#")
    found = [clip for clip in clips if clip.name == name]
    if not found and number.isdecimal() and int(number):
        found = [clip for clip in clips if clip.name == base][int(number) - 1 :][:1]
    if len(found) != 1:
        wrong = f"there is no picture clip {name!r}" if not found else f"{len(found)} clips are called {name!r}"
        raise TimelineError(wrong, known, f"correct --clip; {name}#2 is the second of that name", path=timeline)
    return found[0]


def _synced(played: Performance, timeline: Path, clip: str, span: Span | None, tell: Tell) -> Performance:
    """The performance, begun where its sound meets that of the clip, or of a part of it.

    Raises:
        AnalysisError: no start is clearly the best.
        OptionsError: the driver begins after the clip does.
    """
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
    tell(Remark(f"the driver's frame {start} is the clip's first (confidence {match.confidence:.2f})", "found"))
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
