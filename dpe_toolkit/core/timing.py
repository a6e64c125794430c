"""Exact time: frame spans, frame rates as fractions, timecode.

Time is an integer frame index or a `Fraction` of seconds, never a float: 30000/1001 frames a second
drift by a frame in nine minutes when written as 29.97.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dpe_toolkit.core.errors import OptionsError

__all__ = [
    "Span",
    "format_timecode",
    "frame_at",
    "nominal_rate",
    "parse_time",
    "snap_rate",
]

_NTSC_DENOMINATOR = 1001
_SNAP_TOLERANCE = Fraction(1, 2000)
_TIMECODE = re.compile(r"^(\d{1,3}):([0-5]?\d):([0-5]?\d)([:;])(\d{1,3})$")
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)s$")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open run of frames: ``start`` is in it, ``stop`` is not."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.stop < self.start:
            raise ValueError(f"a span ends at or after its start, got {self.start}:{self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.start <= frame < self.stop

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def intersect(self, other: Span) -> Span:
        """The frames in both; empty (at this span's clamped start) where they do not meet."""
        start = max(self.start, other.start)
        return Span(start, max(start, min(self.stop, other.stop)))

    def shift(self, frames: int) -> Span:
        """The same run, ``frames`` later."""
        return Span(self.start + frames, self.stop + frames)

    def split(self, size: int) -> Iterator[Span]:
        """Consecutive spans of at most ``size`` frames that cover this one in order."""
        if size < 1:
            raise ValueError(f"a span is split into pieces of at least 1 frame, got {size}")
        for start in range(self.start, self.stop, size):
            yield Span(start, min(start + size, self.stop))


def snap_rate(rate: float | Fraction) -> Fraction:
    """The exact frame rate meant by ``rate``: 29.97 is 30000/1001, 25.0 is 25.

    Timelines store rates as doubles. A rate within 1/2000 of a whole number, or of a whole number
    times 1000/1001, is that number; anything else is kept as the nearest fraction with a
    denominator of at most 1001.

    Raises:
        OptionsError: the rate is not above zero.
    """
    exact = Fraction(rate)
    if exact <= 0:
        raise OptionsError(f"the frame rate is {rate}", "a rate above zero", "correct the rate of the clip or timeline")
    whole = Fraction(round(exact))
    if whole and abs(exact - whole) < _SNAP_TOLERANCE:
        return whole
    ntsc = Fraction(round(exact * _NTSC_DENOMINATOR / 1000) * 1000, _NTSC_DENOMINATOR)
    if ntsc and abs(exact - ntsc) < _SNAP_TOLERANCE * 2:
        return ntsc
    return exact.limit_denominator(_NTSC_DENOMINATOR)


def nominal_rate(rate: Fraction) -> int:
    """The whole number of frames that timecode counts in a second: 30 for 30000/1001."""
    return max(1, round(rate))


def frame_at(seconds: Fraction, rate: Fraction) -> int:
    """The index of the frame on screen at ``seconds``: frame i covers [i, i+1) / rate."""
    return int((seconds * rate) // 1)


def format_timecode(frame: int, rate: Fraction, *, drop_frame: bool = False) -> str:
    """``frame`` as ``HH:MM:SS:FF``; with ``drop_frame`` as ``HH:MM:SS;FF`` for 29.97 and 59.94."""
    base = nominal_rate(rate)
    number = frame + (_dropped_before(frame, base) if drop_frame else 0)
    minutes, rest = divmod(number, base * 60)
    seconds, frames = divmod(rest, base)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{';' if drop_frame else ':'}{frames:02d}"


def _dropped_before(frame: int, base: int) -> int:
    """How many timecode numbers were skipped before ``frame`` (SMPTE ST 12-1 drop-frame counting)."""
    drop = base // 15
    per_minute = base * 60 - drop
    per_ten = base * 600 - 9 * drop
    tens, rest = divmod(frame, per_ten)
    return 9 * drop * tens + (drop * ((rest - drop) // per_minute) if rest >= drop else 0)


def parse_time(text: str, rate: Fraction, *, start_frame: int = 0) -> int:
    """The frame index that a person typed as frames, seconds or timecode.

    Args:
        text: ``120`` (frames), ``4.8s`` (seconds) or ``01:00:04:20`` / ``01:00:04;20`` (timecode).
        rate: frames a second of the media concerned.
        start_frame: frame number of the media's own start timecode, subtracted from a timecode.

    Raises:
        OptionsError: the text is none of the three, or lies before the start.
    """
    value = text.strip()
    if value.isdigit():
        return int(value)
    if match := _SECONDS.match(value):
        return frame_at(Fraction(match[1]), rate)
    if match := _TIMECODE.match(value):
        frame = _timecode_frame(match, rate) - start_frame
        if frame >= 0:
            return frame
        start = format_timecode(start_frame, rate)
        raise OptionsError(f"timecode {value} is before the start {start}", f"a timecode from {start} on")
    raise OptionsError(
        f"{text!r} is no time",
        "frames (120), seconds (4.8s) or timecode (00:00:04:20)",
        "write the time in one of these forms",
    )


def _timecode_frame(match: re.Match[str], rate: Fraction) -> int:
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
    base = nominal_rate(rate)
    if frames >= base:
        raise OptionsError(f"timecode {match[0]} has frame {frames}", f"a frame below {base} at this rate")
    total_minutes = hours * 60 + minutes
    number = (total_minutes * 60 + seconds) * base + frames
    if match[4] == ":":
        return number
    drop = base // 15
    if seconds == 0 and frames < drop and total_minutes % 10:
        raise OptionsError(
            f"timecode {match[0]} does not exist", f"drop-frame counting skips frames 0 to {drop - 1} here"
        )
    return number - drop * (total_minutes - total_minutes // 10)
