"""The effect ``dpe.expression``: what a shot asks for, as its metadata stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from dpe_toolkit.editing.stages import SHOT_KINDS
from dpe_toolkit.face.choice import FaceChoice, parse_face
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline.checking import check_model
from dpe_toolkit.timeline.keyed import Keys, MatteSpec
from dpe_toolkit.timeline.moments import (
    DrivingMedia,
    MediaMoment,
    MediaStretch,
    Moment,
    Schema,
    exact_seconds,
    known_names,
    read_media,
)

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

_ACTION = "correct the metadata of the effect"


def _read_face(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return FaceChoice(by="index", index=value)
    return parse_face(value) if isinstance(value, str) else value


Face = Annotated[FaceChoice, BeforeValidator(_read_face)]
Amount = Annotated[float, Field(ge=0, le=3)]
Regions = Annotated[dict[str, Amount], known_names("region", REGIONS)]
ComponentNames = Annotated[dict[str, str | tuple[str, ...]], known_names("kind of component", SHOT_KINDS)]
ComponentOptions = dict[str, dict[str, object]]
WhenShort = Literal["hold", "loop", "passthrough", "error"]
Audio = Literal["source", "driver", "mix", "none"]
MissingFace = Literal["passthrough", "hold", "error"]


class Driving(Schema):
    """The performance and how it lies in time."""

    media: Annotated[DrivingMedia, BeforeValidator(read_media)] | None = None
    """None where a driver track says it."""
    start: Moment | None = None
    """Driver time that the clip's first frame shows; None means the start of the range or file."""
    retime: float = Field(default=1.0, gt=0, le=100)
    """Driver seconds that pass in a second of the shot."""
    when_short: WhenShort = "hold"


class FacesSpec(Schema):
    """Which face is meant where a frame shows several."""

    source: Face = FaceChoice()
    driver: Face = FaceChoice()


class NeutralSpec(Schema):
    """Frames that show each person at rest; None lets the analysis estimate it."""

    source: Moment | None = None
    driver: Moment | None = None


class EffectSpec(Schema):
    """All that a shot can ask for. Unknown fields are refused, so that a misspelling is never ignored."""

    schema_version: int = Field(default=EFFECT_SCHEMA, alias="schema")
    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    consent: str = ""
    """What the person shown agreed to, in free text."""
    driving: Driving | None = None
    expression: Amount = 1.0
    pose: Amount = 0.0
    mode: Literal["absolute", "relative"] = "absolute"
    regions: Regions = Field(default_factory=dict)
    """Weight of each region; one that is not named weighs 1."""
    face: FacesSpec = FacesSpec()
    neutral: NeutralSpec = NeutralSpec()
    missing_face: MissingFace = "passthrough"
    audio: Audio = "source"
    """Whose sound is heard while the clip is."""
    fade_frames: int = Field(default=5, ge=0, le=250)
    mattes: Annotated[tuple[MatteSpec, ...], Field(max_length=100)] = ()
    """Where in the picture the edit may show; none is everywhere."""
    keys: Keys = Field(default_factory=dict)
    """What changes inside the shot, in the source's time; it goes before the amount of that name."""
    components: ComponentNames = Field(default_factory=dict)
    """Kind to name, or to names where a shot has a list of that kind."""
    options: ComponentOptions = Field(default_factory=dict)
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
