"""How a driver lies in time under a shot."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.timing import Span, parse_time
from dpe_toolkit.planning.intervals import Drive
from dpe_toolkit.planning.media import KnownMedia, MediaLibrary, clip_label, media_origin_s, problem_of
from dpe_toolkit.planning.problems import ProblemList
from dpe_toolkit.planning.recover import FoundEdit
from dpe_toolkit.plans.take import Take
from dpe_toolkit.timeline import Clip, EffectSpec, MediaMoment

__all__ = ["Driven", "EditedShot", "check_length", "find_driver", "seconds_in"]


@dataclass(frozen=True, slots=True)
class EditedShot:
    """The shot whose edit is to be settled."""

    clip: Clip
    drive: Drive | None
    """The driver track's clip at the shot's first output frame, where one lies over it."""
    found: FoundEdit | None
    """The clip's own edit, None where only a driver track says something."""
    source: KnownMedia
    take: Take
    """Its take, without the edit."""
    rate: Fraction
    """Frames a second of the timeline."""
    in_s: Fraction
    """Start of the clip's range, from the media's first frame."""
    skip_s: Fraction = Fraction(0)
    """Time of the clip, from the start of its range, at the shot's first output frame."""
    clip_speed: Fraction = Fraction(1)
    """Seconds of the clip that pass in one second of the output."""

    @property
    def source_span(self) -> Span:
        """Media frames of the shot."""
        return self.take.source_span

    @property
    def row_s(self) -> Fraction:
        """Time of the clip, from the start of its range, at the shot's first row."""
        if self.take.held_rate is not None:
            return self.skip_s
        return self.source_span.start / self.source.plan.rate - self.in_s

    @property
    def first_row_at(self) -> Fraction:
        """Output frame, counted from the shot's first, at which the first row is shown; it may lie before it."""
        line = self.take.time
        if line.step == 0:
            return Fraction(0)
        return (self.source_span.start + int(line.step < 0) - line.start) / line.step

    @property
    def speed(self) -> Fraction:
        """Seconds of the media that pass in one second of the output."""
        return self.take.time.step * self.rate / self.source.plan.rate

    @property
    def where(self) -> str:
        """How problems call it."""
        return clip_label(self.clip.name)


@dataclass(frozen=True, slots=True)
class Driven:
    """The driver of a shot."""

    media: KnownMedia
    origin_s: Fraction
    """Media time of the driver's first frame."""
    start_s: Fraction
    """Driver time, from its first frame, at the shot's first row."""
    stop_s: Fraction | None = None
    """End of the part of the driver that may be used, None where all may."""
    retime: Fraction = Fraction(1)
    """Driver seconds in a second of the shot's media."""


def find_driver(shot: EditedShot, spec: EffectSpec, library: MediaLibrary, problems: ProblemList) -> Driven | None:
    """The driver of a shot, None where there is none that can be used."""
    if shot.drive is not None:
        return _by_track(shot, shot.drive, spec, library, problems)
    return _by_effect(shot, spec, library, problems)


def check_length(driven: Driven, shot: EditedShot, when_short: str, problems: ProblemList) -> None:
    """Adds a problem where the driver does not cover the shot."""
    name, duration_s = driven.media.plan.path.name, driven.media.duration_s
    first_s = driven.start_s if driven.retime >= 0 else _at(driven, shot, len(shot.take.rows) - 1)
    # In the handle of a dissolve a driver that begins with the clip is not there yet.
    handle_s = max(Fraction(0), -shot.row_s) * driven.retime
    if driven.retime > 0 and first_s < 0 <= first_s + handle_s and when_short != "error":
        first_s = Fraction(0)
    if not -1 / driven.media.plan.rate < first_s < duration_s:
        problems.refuse(
            shot.where,
            f"its driver {name!r} would start at {_text(first_s)}",
            f"a start inside its {_text(duration_s)}",
            "correct the driver's start",
        )
    elif driven.stop_s is not None and (missing := _missing(driven, shot, driven.stop_s)):
        problems.refuse(
            shot.where,
            f"the stated part of its driver {name!r} ends {missing} frames before the shot",
            "a part as long as the shot",
            "lengthen the part, or give the whole file, for whose end 'when_short' speaks",
        )
    elif missing := _missing(driven, shot, duration_s):
        wrong = f"its driver {name!r} ends {missing} frames before the shot"
        if when_short == "error":
            action = "choose another start, driver or 'when_short'"
            problems.refuse(shot.where, wrong, "a driver as long as the shot", action)
        else:
            problems.warn(shot.where, f"{wrong} (when_short: {when_short})")


def seconds_in(
    moment: MediaMoment, media: KnownMedia, origin_s: Fraction, *, where: str, problems: ProblemList
) -> Fraction | None:
    """The moment in seconds from the media's first frame, None with a problem where it cannot be read."""
    if moment.seconds is not None:
        return moment.seconds - origin_s
    try:
        frame = parse_time(moment.text, media.plan.rate, start_frame=media.plan.start_frame)
    except OptionsError as error:
        problems.items.append(problem_of(error, where))
        return None
    return frame / media.plan.rate


def _by_effect(shot: EditedShot, spec: EffectSpec, library: MediaLibrary, problems: ProblemList) -> Driven | None:
    driving = spec.driving
    media = driving.media if driving is not None else None
    if driving is None or media is None:
        problems.refuse(
            shot.where,
            "its edit names no driver",
            "'driving' with the driver's media, or a driver track over it",
            "link a driver to the clip",
        )
        return None
    known = library.get(media.url, f"driver of {shot.where}")
    if known is None:
        return None
    start, part = driving.start, media.source_range
    first_s = part.start_s if part is not None else None
    moment_s = start.seconds if start is not None and start.seconds is not None else first_s
    stated_s = media.available_range.start_s if media.available_range is not None else None
    origin_s = media_origin_s(stated_s, moment_s, known.plan)
    begin_s = Fraction(0) if first_s is None else first_s - origin_s
    if start is not None:
        found_s = seconds_in(start, known, origin_s, where=f"driver of {shot.where}", problems=problems)
        begin_s = begin_s if found_s is None else found_s
    retime = Fraction(driving.retime).limit_denominator(1_000_000)
    row_retime = retime * shot.clip_speed if shot.take.held_rate is not None else retime
    shift_s = shot.row_s + (shot.found.shift_s if shot.found else Fraction(0))
    stop_s = None if part is None else part.start_s + part.duration_s - origin_s
    return Driven(known, origin_s, begin_s + shift_s * retime, stop_s, row_retime)


def _by_track(
    shot: EditedShot, drive: Drive, spec: EffectSpec, library: MediaLibrary, problems: ProblemList
) -> Driven | None:
    clip, driving = drive.clip, spec.driving
    if not clip.media.url:
        problems.refuse(
            shot.where, f"its driver {clip.name!r} has no media file", "a clip of a media file", "relink it"
        )
        return None
    if driving is not None and driving.media is not None:
        problems.refuse(
            shot.where,
            f"it has a driver of its own, and {clip.name!r} of a driver track lies over it",
            "one driver",
            "disable one of them",
        )
    elif driving is not None and (driving.start is not None or driving.retime != 1):
        problems.refuse(
            shot.where,
            "its edit states the driver's time, which the driver track states too",
            "one of them",
            "remove 'start' and 'retime' from the effect",
        )
    stated = clip.media.rate or (clip.range.rate if clip.range is not None else None)
    known = library.get(clip.media.url, f"driver {clip_label(clip.name)}", rate=stated, missing=clip.media.missing)
    if known is None:
        return None
    first_s = clip.range.start_s if clip.range is not None else None
    stated_s = clip.media.available.start_s if clip.media.available is not None else None
    origin_s = media_origin_s(stated_s, first_s, known.plan)
    begin_s = Fraction(0) if first_s is None else first_s - origin_s
    start_s = begin_s + drive.skip_s
    if shot.take.held_rate is not None or shot.speed == 0:
        return Driven(known, origin_s, start_s, retime=drive.speed)
    # The track states the driver's time in the output; the edit runs on the media's frames.
    start_s += shot.first_row_at / shot.rate * drive.speed
    return Driven(known, origin_s, start_s, retime=drive.speed / shot.speed)


def _at(driven: Driven, shot: EditedShot, row: int) -> Fraction:
    """Driver time at a row."""
    return driven.start_s + row / shot.take.row_rate * driven.retime


def _missing(driven: Driven, shot: EditedShot, end_s: Fraction) -> int:
    """How many of the shot's rows lie at or behind ``end_s`` of the driver, or before its first frame."""
    rows, step_s = len(shot.take.rows), driven.retime / shot.take.row_rate
    if step_s == 0:
        return 0 if driven.start_s < end_s else rows
    if step_s > 0:
        return max(0, rows - max(0, ceil((end_s - driven.start_s) / step_s)))
    before = max(0, rows - 1 - int(driven.start_s / -step_s // 1))
    return before + max(0, min(rows, int((driven.start_s - end_s) / -step_s // 1) + 1))


def _text(seconds: Fraction) -> str:
    return f"{float(seconds):.3f} s"
