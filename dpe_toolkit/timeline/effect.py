"""The effect ``dpe.expression``: what a shot asks for, as its metadata stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from dpe_toolkit.editing.settings import (
    ComponentNames,
    ComponentOptions,
    DriverEnd,
    EditFields,
    EditSettings,
    Retime,
    Settings,
    ShotFaces,
)
from dpe_toolkit.face.choice import face_text
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline.checking import check_model
from dpe_toolkit.timeline.keyed import Keys, MatteSpec
from dpe_toolkit.timeline.moments import (
    DrivingMedia,
    MediaMoment,
    MediaStretch,
    Moment,
    exact_seconds,
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
    "effect_fields",
    "exact_seconds",
    "parse_effect",
]

EFFECT_SCHEMA = 1
Upgrade = Callable[[dict[str, object]], dict[str, object]]
UPGRADES: Mapping[int, Upgrade] = {}
"""Schema number to the function that turns metadata of that schema into the next one's."""

_ACTION = "correct the metadata of the effect"


class Driving(DriverEnd):
    """The performance and how it lies in time."""

    media: Annotated[DrivingMedia, BeforeValidator(read_media)] | None = None
    """None where a driver track says it."""
    start: Moment | None = None
    """Driver time that the clip's first frame shows; None means the start of the range or file."""
    retime: Retime = 1.0


class FacesSpec(ShotFaces):
    """The faces as the metadata calls them: ``source`` and ``driver``."""

    model_config = ConfigDict(alias_generator=lambda name: name.removesuffix("_face"))


class NeutralSpec(Settings):
    """Frames that show each person at rest; None lets the analysis estimate it."""

    source: Moment | None = None
    driver: Moment | None = None


class EffectSpec(EditFields):
    """All that a shot can ask for."""

    schema_version: int = Field(default=EFFECT_SCHEMA, alias="schema")
    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    driving: Driving | None = None
    face: FacesSpec = FacesSpec()
    neutral: NeutralSpec = NeutralSpec()
    mattes: Annotated[tuple[MatteSpec, ...], Field(max_length=100)] = ()
    """Where in the picture the edit may show; none is everywhere."""
    keys: Keys = Field(default_factory=dict)
    """What changes inside the shot, in the source's time; it goes before the amount of that name."""
    components: ComponentNames = Field(default_factory=dict)
    """Kind to name, or to names where a shot has a list of that kind."""
    options: ComponentOptions = Field(default_factory=dict)
    """Component to its options."""

    @property
    def settings(self) -> EditSettings:
        """What the effect states of the settings, and nothing else; it was checked when the effect was read."""
        parts = (self, self.face, *(() if self.driving is None else (self.driving,)))
        stated = {
            name: getattr(part, name)
            for part in parts
            for name in EditSettings.model_fields.keys() & part.model_fields_set
        }
        return EditSettings().model_copy(update=stated)


def effect_fields(settings: EditSettings) -> dict[str, object]:
    """What ``settings`` state, as plain data where an effect's metadata keeps it."""
    stated = settings.model_dump(include=settings.model_fields_set & EditFields.model_fields.keys(), mode="json")
    if "when_short" in settings.model_fields_set:
        stated["driving"] = {"when_short": settings.when_short}
    faces = {
        name.removesuffix("_face"): face_text(getattr(settings, name))
        for name in ShotFaces.model_fields
        if name in settings.model_fields_set
    }
    return {**stated, **({"face": faces} if faces else {})}


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
