"""What an edit is: one model, of which flags, project files, effects, schemas and plans take their fields.

A field stands here once, with its type, bounds, default and description. The parts of the model are the
parts of an effect's metadata: `EditFields` stand in it as they do in a project file, `DriverEnd` and
`ShotFaces` inside of others. Values are checked where they come in, by whoever reads them; `layer_settings`
and the plan trust them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dpe_toolkit.core.errors import OptionsError, nearest_names
from dpe_toolkit.editing.checking import known_names
from dpe_toolkit.editing.stages import SHOT_KINDS
from dpe_toolkit.face.choice import FACE_FORMS, FaceChoice, parse_face
from dpe_toolkit.face.regions import REGIONS

__all__ = [
    "Amount",
    "ComponentNames",
    "ComponentOptions",
    "DriverEnd",
    "EditFields",
    "EditSettings",
    "Face",
    "MatteEdge",
    "Retime",
    "Settings",
    "ShotFaces",
    "layer_settings",
    "parse_regions",
]

Amount = Annotated[float, Field(ge=0, le=3)]
"""How much of the driver an edit takes over, or what a region of the face weighs in it; 1 is all, as it is."""
Retime = Annotated[float, Field(gt=0, le=100, description="Driver seconds that pass in one second.")]


def parse_regions(text: str) -> dict[str, float]:
    """Weights from ``mouth,brows`` or ``mouth=0.5,brows``: what is named counts, the rest weighs 0.

    Raises:
        OptionsError: a name is no region, or a weight no number.
    """
    weights = dict.fromkeys(REGIONS, 0.0)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if name not in REGIONS:
            raise OptionsError(f"there is no region {name!r}", nearest_names(name, REGIONS), "correct the regions")
        try:
            weights[name] = float(value) if equals else 1.0
        except ValueError as error:
            raise OptionsError(
                f"weight {value!r} of region {name!r} is no number", "e.g. mouth=0.5", "correct the regions"
            ) from error
    return weights


def _read_regions(value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        value = ",".join(map(str, value))
    if isinstance(value, str):
        try:
            return parse_regions(value)
        except OptionsError as error:
            raise ValueError(str(error)) from error
    return value


def _read_face(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return FaceChoice(by="index", index=value)
    return parse_face(value) if isinstance(value, str) else value


Regions = Annotated[
    dict[str, Amount],
    known_names("region", REGIONS),
    BeforeValidator(_read_regions, json_schema_input_type=dict[str, Amount] | list[str] | str),
]
Face = Annotated[FaceChoice, BeforeValidator(_read_face, json_schema_input_type=FaceChoice | str | int)]
ComponentNames = Annotated[dict[str, str | tuple[str, ...]], known_names("kind of component", SHOT_KINDS)]
"""Kind to name, or to names in order for a kind of which a shot may have several."""
ComponentOptions = dict[str, dict[str, object]]
"""Component (its name, kind or family) to option to value, which the component's own model checks."""


class Settings(BaseModel):
    """Base of what people state: unknown fields are refused, so that a misspelling is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class EditFields(Settings):
    """What is done to the face, under the same names in every form."""

    expression: Amount = Field(default=1.0, description="Share of the driver's expression: 0 none, 1 all, 2 twice.")
    pose: Amount = Field(default=0.0, description="Share of the driver's head pose.")
    regions: Regions = Field(
        default_factory=dict,
        description=f"Only these parts of the face: {', '.join(REGIONS)}. A part may have a share: mouth=0.5,brows.",
    )
    """Weights, those not named being 1; or a list of names, those not named being 0."""
    mode: Literal["absolute", "relative"] = Field(
        default="absolute",
        description="absolute: the driver's expression. relative: what the driver changes from a neutral face, "
        "added to the source's expression.",
    )
    missing_face: Literal["passthrough", "hold", "error"] = Field(
        default="passthrough",
        description="Where no face is found: show the source, hold the last expression, or stop.",
    )
    fade_frames: int = Field(
        default=5, ge=0, le=250, description="Cross-fade where an edit starts or stops, or the face is lost."
    )
    audio: Literal["source", "driver", "mix", "none"] = Field(
        default="source",
        description="Whose sound is heard in edited shots: the source's, the driver's, both, or none.",
    )
    consent: str = Field(default="", description="What the person shown agreed to; stored with the edit.")


class DriverEnd(Settings):
    """What happens where the performance is too short."""

    when_short: Literal["hold", "loop", "passthrough", "error"] = Field(
        default="hold", description="What happens where the driver ends before the clip."
    )


class ShotFaces(Settings):
    """Which face is meant where a frame shows several."""

    source_face: Face = Field(default=FaceChoice(), description=f"Which face of the source: {FACE_FORMS}.")
    driver_face: Face = Field(default=FaceChoice(), description=f"Which face of the driver: {FACE_FORMS}.")


class EditSettings(ShotFaces, DriverEnd, EditFields):
    """All that can be asked of an edit, wherever it is asked. Only what was set counts: ``model_fields_set``."""


class MatteEdge(Settings):
    """How a matte ends."""

    feather_px: float = Field(
        default=8.0, ge=0, le=1000, description="Width of the soft edge, inwards, in pixels of the source."
    )
    invert: bool = Field(default=False, description="The edit shows outside of the matte.")


def layer_settings(layers: Mapping[str, EditSettings]) -> tuple[EditSettings, dict[str, str]]:
    """The settings that count, and where each came from.

    Args:
        layers: origin to what it sets, the weakest first.
    """
    settings, origins = EditSettings(), dict.fromkeys(EditSettings.model_fields, "default")
    for origin, layer in layers.items():
        settings = settings.model_copy(update={name: getattr(layer, name) for name in layer.model_fields_set})
        origins |= dict.fromkeys(layer.model_fields_set, origin)
    return settings, origins
