"""Moments, ranges and media as metadata stores them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field

from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.core.timing import snap_rate
from dpe_toolkit.editing.settings import Settings

__all__ = [
    "DrivingMedia",
    "MediaMoment",
    "MediaStretch",
    "Moment",
    "Stretch",
    "exact_seconds",
    "read_media",
]

_SLOWEST = 0.001
_LONGEST_S = 366 * 86400


def exact_seconds(value: float, rate: float) -> Fraction:
    """``value`` frames at ``rate`` in seconds; rates are snapped, so that 29.97 means 30000/1001.

    Raises:
        ValueError: a number is not finite, the rate below one in a thousand seconds, or the time longer
            than a year.
    """
    if math.isfinite(value) and math.isfinite(rate) and rate >= _SLOWEST:
        seconds = Fraction(value).limit_denominator(1_000_000) / snap_rate(rate)
        if abs(seconds) <= _LONGEST_S:
            return seconds
    raise ValueError(f"time {value} at rate {rate} is no time")


class MediaMoment(Settings):
    """A point in a media file: seconds in the file's own time, or text as people type it."""

    seconds: Fraction | None = None
    """In media time, which may start at a timecode."""
    text: str = ""
    """``120`` (frames from the first), ``4.8s`` (from the first frame) or timecode, where ``seconds`` is None."""


class MediaStretch(Settings):
    """A range of a media file, in media time."""

    start_s: ExactFraction
    duration_s: Annotated[ExactFraction, Field(ge=0)]


def _read_moment(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        return MediaMoment(text=str(value))
    if isinstance(value, Mapping) and set(value) == {"value", "rate"}:
        return MediaMoment(seconds=_seconds(value))
    return value


def _seconds(value: object) -> Fraction:
    if isinstance(value, Mapping):
        number, rate = value.get("value"), value.get("rate")
        if isinstance(number, int | float) and isinstance(rate, int | float):
            return exact_seconds(number, rate)
    raise ValueError(f"{value!r} is no time; expected a value and a rate")


def _read_stretch(value: object) -> object:
    if isinstance(value, Mapping) and "start_time" in value and "duration" in value:
        return MediaStretch(start_s=_seconds(value["start_time"]), duration_s=_seconds(value["duration"]))
    return value


def read_media(value: object) -> object:
    """A path as text, as media."""
    return {"url": value} if isinstance(value, str) else value


Moment = Annotated[MediaMoment, BeforeValidator(_read_moment)]
Stretch = Annotated[MediaStretch, BeforeValidator(_read_stretch)]


class DrivingMedia(Settings):
    """The file that holds the performance."""

    url: str = Field(min_length=1)
    name: str = ""
    available_range: Stretch | None = None
    source_range: Stretch | None = None
    """The part of it that may be used; None means all."""
