"""From OpenTimelineIO's objects to plain data, collecting what cannot be understood on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import opentimelineio as otio  # type: ignore[import-untyped] # ships no types

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.timing import snap_rate
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline.document import (
    EFFECT_NAME,
    METADATA_KEY,
    Clip,
    EffectRecord,
    Gap,
    Item,
    MediaReference,
    Stack,
    TimeRange,
    Track,
    Transition,
)
from dpe_toolkit.timeline.effect import exact_seconds
from dpe_toolkit.timeline.walking import rendered_edit

__all__ = ["Converter", "as_plain"]

_SLOWEST_SPEED, _FASTEST_SPEED = 0.0001, 1000


def as_plain(value: Any) -> object:
    """Metadata as plain data.

    Times become ``{"value", "rate"}``, ranges ``{"start_time", "duration"}``, media references and clips
    ``{"url", "available_range", ...}``; other objects become the name of their class in angle brackets.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, otio.opentime.RationalTime):
        return {"value": value.value, "rate": value.rate}
    if isinstance(value, otio.opentime.TimeRange):
        return {"start_time": as_plain(value.start_time), "duration": as_plain(value.duration)}
    if isinstance(value, otio.schema.Clip):
        plain: dict[str, object] = {"url": "", **_named(value.name), **_plain_reference(value.media_reference)}
        if value.source_range is not None:
            plain["source_range"] = as_plain(value.source_range)
        return plain
    if isinstance(value, otio.core.MediaReference):
        return {"url": "", **_plain_reference(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [as_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _named(name: str) -> dict[str, object]:
    return {"name": name} if name else {}


def _plain_reference(reference: Any) -> dict[str, object]:
    plain: dict[str, object] = {}
    if isinstance(reference, otio.schema.ExternalReference):
        plain["url"] = reference.target_url
    if getattr(reference, "available_range", None) is not None:
        plain["available_range"] = as_plain(reference.available_range)
    return plain


class Converter:
    """One reading of one file; ``problems`` fills as it goes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def stack(self, value: Any) -> Stack:
        """A stack with all that is in it."""
        return Stack(value.name, tuple(self._item(child) for child in value), **self._shared(value, "stack"))

    def seconds(self, value: Any, where: str) -> Fraction:
        """A time in seconds; zero, with a problem, where it is none."""
        try:
            return exact_seconds(value.value, value.rate)
        except ValueError as error:
            self._complain(where, str(error), "a finite value and a rate above zero")
            return Fraction(0)

    def _item(self, value: Any) -> Item:
        if isinstance(value, otio.schema.Clip):
            return self.clip(value)
        if isinstance(value, otio.schema.Gap):
            return Gap(self._duration(value))
        if isinstance(value, otio.schema.Transition):
            return self._transition(value)
        if isinstance(value, otio.schema.Track):
            children = tuple(self._item(child) for child in value)
            return Track(value.name, value.kind, children, **self._shared(value, "track"))
        if isinstance(value, otio.schema.Stack):
            return self.stack(value)
        self._complain(_where("item", value), f"it is a {type(value).__name__}", "a clip, gap, transition or stack")
        return Gap(Fraction(0))

    def _transition(self, value: Any) -> Transition:
        where = _where("transition", value)
        before_s = max(Fraction(0), self.seconds(value.in_offset, where))
        behind_s = max(Fraction(0), self.seconds(value.out_offset, where))
        return Transition(value.name, value.transition_type, before_s, behind_s)

    def _duration(self, gap: Any) -> Fraction:
        found = self._range(gap.source_range, "gap") if gap.source_range is not None else None
        if found is None:
            self._complain("gap", "it has no duration", "a source range")
        return found.duration_s if found else Fraction(0)

    def clip(self, value: Any) -> Clip:
        """A clip."""
        where = _where("clip", value)
        media = self._media(value.media_reference, where)
        return Clip(value.name, media, **self._shared(value, "clip"), rendered=_rendered(value))

    def _shared(self, value: Any, kind: str) -> dict[str, Any]:
        where = _where(kind, value)
        return {
            "range": None if value.source_range is None else self._range(value.source_range, where),
            "effects": tuple(_effect(effect) for effect in value.effects if effect.enabled and not _is_idle(effect)),
            "markers": tuple(marker.name for marker in value.markers),
            "enabled": bool(value.enabled),
        }

    def _media(self, reference: Any, where: str) -> MediaReference:
        available = getattr(reference, "available_range", None)
        found = None if available is None else self._range(available, where)
        if isinstance(reference, otio.schema.ExternalReference):
            return MediaReference("external", reference.target_url, found)
        if isinstance(reference, otio.schema.MissingReference) or reference is None:
            return MediaReference("missing", available=found)
        if isinstance(reference, otio.schema.GeneratorReference):
            return MediaReference("generator", available=found, name=reference.generator_kind)
        if isinstance(reference, otio.schema.ImageSequenceReference):
            return self._sequence(reference, found, where)
        return MediaReference("other", available=found)

    def _sequence(self, reference: Any, available: TimeRange | None, where: str) -> MediaReference:
        step = max(1, int(reference.frame_step))
        first = int(reference.start_frame)
        last = ""
        if available is not None:
            last = str(first + (max(1, int(reference.number_of_images_in_sequence())) - 1) * step)
        folder = reference.target_url_base
        folder += "" if not folder or folder.endswith("/") else "/"
        number = f"{first:0{max(1, int(reference.frame_zero_padding))}d}"
        every = f"x{step}" if step > 1 else ""
        url = f"{folder}{reference.name_prefix}[{number}-{last}{every}]{reference.name_suffix}"
        rate = None
        try:
            rate = snap_rate(reference.rate) / step
        except (OptionsError, ValueError, OverflowError):
            self._complain(where, f"its image sequence runs at rate {reference.rate}", "a rate above zero")
        policies = {"MissingFramePolicy.hold": "hold", "MissingFramePolicy.black": "black"}
        missing: Any = policies.get(str(reference.missing_frame_policy), "error")
        return MediaReference("image sequence", url, available, rate, missing)

    def _range(self, value: Any, where: str) -> TimeRange | None:
        start, duration = value.start_time, value.duration
        try:
            found = TimeRange(
                exact_seconds(start.value, start.rate),
                exact_seconds(duration.value, duration.rate),
                snap_rate(duration.rate),
            )
            if found.duration_s < 0:
                raise ValueError(f"duration {duration.value} at rate {duration.rate} is below zero")
        except ValueError as error:
            self._complain(where, str(error), "finite values, rates above zero and a duration of zero or more")
            return None
        return found

    def _complain(self, where: str, wrong: str, expected: str) -> None:
        self.problems.append(Problem(where=where, wrong=wrong, expected=expected, action="correct the timeline"))


def _where(kind: str, value: Any) -> str:
    return f"{kind} {value.name!r}" if getattr(value, "name", "") else kind


def _rendered(clip: Any) -> dict[str, object] | None:
    plain = as_plain(rendered_edit(clip))
    if not isinstance(plain, dict):
        return None
    original = clip.media_references().get(str(plain.get("original", "")))
    return {**plain, "original_url": getattr(original, "target_url", "")}


def _is_idle(effect: Any) -> bool:
    return type(effect) is otio.schema.LinearTimeWarp and effect.time_scalar == 1


def _effect(effect: Any) -> EffectRecord:
    name = effect.name or effect.effect_name or type(effect).__name__
    metadata = effect.metadata.get(METADATA_KEY)
    if isinstance(effect, otio.schema.FreezeFrame) or getattr(effect, "time_scalar", 1) == 0:
        return EffectRecord("time", name, "a freeze frame", speed=Fraction(0))
    if isinstance(effect, otio.schema.LinearTimeWarp):
        detail = f"a speed change to {effect.time_scalar:g}"
        return EffectRecord("time", name, detail, speed=_exact_speed(effect.time_scalar))
    if isinstance(effect, otio.schema.TimeEffect):
        return EffectRecord("time", name, f"a {type(effect).__name__}")
    # Hosts rename effects; metadata of ours is ours under any name.
    if effect.effect_name == EFFECT_NAME or metadata is not None:
        plain = as_plain(metadata)
        return EffectRecord("dpe", name, metadata=plain if isinstance(plain, dict) else {})
    return EffectRecord("other", name)


def _exact_speed(scalar: float) -> Fraction | None:
    """The fraction that a host rounded to ``scalar``; None for what is no speed."""
    if not math.isfinite(scalar) or not _SLOWEST_SPEED <= abs(scalar) <= _FASTEST_SPEED:
        return None
    return Fraction(scalar).limit_denominator(1_000_000)
