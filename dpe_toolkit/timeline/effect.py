"""The effect ``dpe.expression``: what a shot asks for, as its metadata stores it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dpe_toolkit.codes import REGIONS
from dpe_toolkit.components import KINDS
from dpe_toolkit.errors import nearest_names
from dpe_toolkit.plan import ExactFraction, FaceChoice, Problem
from dpe_toolkit.timeline.checking import check_model
from dpe_toolkit.timing import snap_rate

__all__ = [
    "EFFECT_SCHEMA",
    "Driving",
    "DrivingMedia",
    "EffectSpec",
    "FacesSpec",
    "MediaMoment",
    "MediaStretch",
    "NeutralSpec",
    "exact_seconds",
    "parse_effect",
]

EFFECT_SCHEMA = 1
Upgrade = Callable[[dict[str, object]], dict[str, object]]
UPGRADES: Mapping[int, Upgrade] = {}
"""Schema number to the function that turns metadata of that schema into the next one's."""

_SLOWEST = 0.001
_LONGEST_S = 366 * 86400
_ACTION = "correct the metadata of the effect"


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


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


class MediaMoment(_Schema):
    """A point in a media file: seconds in the file's own time, or text as people type it."""

    seconds: Fraction | None = None
    """In media time, which may start at a timecode."""
    text: str = ""
    """``120`` (frames from the first), ``4.8s`` (from the first frame) or timecode, where ``seconds`` is None."""


class MediaStretch(_Schema):
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


def _read_media(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def _read_face(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return FaceChoice(by="index", index=value)
    return {"by": value} if isinstance(value, str) else value


def _known(kind: str, names: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, Mapping):
            for name in value:
                if name not in names:
                    raise ValueError(f"there is no {kind} {name!r}; {nearest_names(str(name), names)}")
        return value

    return BeforeValidator(check)


Moment = Annotated[MediaMoment, BeforeValidator(_read_moment)]
Stretch = Annotated[MediaStretch, BeforeValidator(_read_stretch)]
Face = Annotated[FaceChoice, BeforeValidator(_read_face)]
Amount = Annotated[float, Field(ge=0, le=3)]
Regions = Annotated[dict[str, Amount], _known("region", REGIONS)]
ComponentNames = Annotated[dict[str, str], _known("kind of component", KINDS)]
ComponentOptions = dict[str, dict[str, object]]
WhenShort = Literal["hold", "loop", "passthrough", "error"]
Audio = Literal["source", "driver", "mix", "none"]
MissingFace = Literal["passthrough", "hold", "error"]


class DrivingMedia(_Schema):
    """The file that holds the performance."""

    url: str = Field(min_length=1)
    name: str = ""
    available_range: Stretch | None = None
    source_range: Stretch | None = None
    """The part of it that may be used; None means all."""


class Driving(_Schema):
    """The performance and how it lies in time."""

    media: Annotated[DrivingMedia, BeforeValidator(_read_media)] | None = None
    """None where a driver track says it."""
    start: Moment | None = None
    """Driver time that the clip's first frame shows; None means the start of the range or file."""
    retime: float = Field(default=1.0, gt=0, le=100)
    """Driver seconds that pass in a second of the shot."""
    when_short: WhenShort = "hold"


class FacesSpec(_Schema):
    """Which face is meant where a frame shows several."""

    source: Face = FaceChoice()
    driver: Face = FaceChoice()


class NeutralSpec(_Schema):
    """Frames that show each person at rest; None lets the analysis estimate it."""

    source: Moment | None = None
    driver: Moment | None = None


class EffectSpec(_Schema):
    """All that a shot can ask for. Unknown fields are refused, so that a misspelling is never ignored."""

    schema_version: int = Field(default=EFFECT_SCHEMA, alias="schema")
    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    consent: str = ""
    """What the person shown agreed to, in free text."""
    driving: Driving | None = None
    expression: Amount = 1.0
    pose: Amount = 0.0
    mode: Literal["absolute", "relative"] = "absolute"
    regions: Regions = {}
    """Weight of each region; one that is not named weighs 1."""
    face: FacesSpec = FacesSpec()
    neutral: NeutralSpec = NeutralSpec()
    missing_face: MissingFace = "passthrough"
    audio: Audio = "source"
    """Whose sound is heard while the clip is."""
    fade_frames: int = Field(default=5, ge=0, le=250)
    mattes: tuple[object, ...] = ()
    keys: dict[str, object] = {}
    components: ComponentNames = {}
    """Kind to name."""
    options: ComponentOptions = {}
    """Component to its options."""


def parse_effect(
    metadata: Mapping[str, object],
    *,
    where: str,
    upgrades: Mapping[int, Upgrade] = UPGRADES,
    current: int = EFFECT_SCHEMA,
) -> tuple[EffectSpec | None, tuple[Problem, ...]]:
    """The effect that ``metadata`` describes, and every fault in it.

    Args:
        metadata: what stands under ``dpe`` in the effect, as plain data.
        where: the clip, for messages.
        upgrades: schema number to the function that makes the next schema's metadata of it.
        current: schema that `EffectSpec` stands for.
    """
    values = dict(metadata)
    found = values.get("schema", current)
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= current:
        problem = Problem(
            where=where,
            wrong=f"the effect's metadata has schema {found!r}",
            expected=f"a schema from 1 to {current}",
            action="update the toolkit, or write the effect again with this one",
        )
        return None, (problem,)
    for number in range(found, current):
        values = upgrades[number](values)
    return check_model(EffectSpec, values, where=where, action=_ACTION)
