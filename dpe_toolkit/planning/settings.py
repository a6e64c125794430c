"""What a shot's settings are and where each came from: command line > effect > project > default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dpe_toolkit.core.errors import OptionsError, nearest_names
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.plans.model import Fit, Gaps
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline import EffectSpec, check_model
from dpe_toolkit.timeline.effect import (
    Amount,
    Audio,
    ComponentNames,
    ComponentOptions,
    Face,
    MissingFace,
    Regions,
    WhenShort,
)

__all__ = [
    "PROJECT_FILE",
    "EditSettings",
    "ProjectConfig",
    "effect_settings",
    "layer_settings",
    "parse_regions",
    "read_project",
]

PROJECT_FILE = "dpe.toml"


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


class EditSettings(BaseModel):
    """Settings of an edit that may be given outside the timeline; only what is set counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    consent: str = ""
    expression: Amount = 1.0
    pose: Amount = 0.0
    mode: Literal["absolute", "relative"] = "absolute"
    regions: Annotated[Regions, BeforeValidator(_read_regions)] = {}
    """Weights, those not named being 1; or a list of names, those not named being 0."""
    when_short: WhenShort = "hold"
    source_face: Face = FaceChoice()
    driver_face: Face = FaceChoice()
    missing_face: MissingFace = "passthrough"
    audio: Audio = "source"
    fade_frames: int = Field(default=5, ge=0, le=250)


class MediaConfig(BaseModel):
    """Where media are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roots: tuple[Path, ...] = ()
    """Folders to look in for media that are not where the timeline says; relative to the project file."""


class PictureConfig(BaseModel):
    """How pictures come into the output's frame; see `dpe_toolkit.plans.model.RenderPlan`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fit: Fit = "fit"
    gaps: Gaps = "black"


class PluginsConfig(BaseModel):
    """Which plugins may be loaded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow: tuple[str, ...] | None = None
    """Names of the only plugins to load; None loads all that are installed."""


class ProjectConfig(BaseModel):
    """A project's own defaults, ``dpe.toml`` beside the timeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = Field(default=1, alias="schema", ge=1, le=1)
    edit: EditSettings = EditSettings()
    components: ComponentNames = {}
    """Kind to name."""
    options: ComponentOptions = {}
    """Component to its options."""
    media: MediaConfig = MediaConfig()
    picture: PictureConfig = PictureConfig()
    plugins: PluginsConfig = PluginsConfig()


def read_project(path: Path | None, timeline: Path) -> tuple[ProjectConfig, tuple[Problem, ...]]:
    """The project's configuration and every fault in it.

    Args:
        path: the file; None takes ``dpe.toml`` beside the timeline, or nothing where there is none.
        timeline: the timeline's file.
    """
    found = path or timeline.absolute().parent / PROJECT_FILE
    where, action = f"project file {found.name!r}", "correct the project file"
    if path is None and not found.exists():
        return ProjectConfig(), ()
    try:
        values = tomllib.loads(found.read_text(encoding="utf-8"))
    except OSError as error:
        return ProjectConfig(), (
            Problem(where=where, wrong=f"{str(found)!r} cannot be read: {error.strerror}", action="check its path"),
        )
    except (ValueError, RecursionError) as error:
        return ProjectConfig(), (Problem(where=where, wrong=f"it is no TOML: {error}", action=action),)
    config, problems = check_model(ProjectConfig, values, where=where, action=action)
    if config is None:
        return ProjectConfig(), problems
    roots = tuple(found.parent / root for root in config.media.roots)
    return config.model_copy(update={"media": MediaConfig(roots=roots)}), problems


def effect_settings(spec: EffectSpec) -> EditSettings:
    """What the effect itself says of the settings."""
    names = EditSettings.model_fields.keys() & spec.model_fields_set
    values: dict[str, object] = {name: getattr(spec, name) for name in names}
    if spec.driving is not None and "when_short" in spec.driving.model_fields_set:
        values["when_short"] = spec.driving.when_short
    for role in spec.face.model_fields_set:
        values[f"{role}_face"] = getattr(spec.face, role)
    return EditSettings.model_validate(values)


def layer_settings(layers: Mapping[str, EditSettings]) -> tuple[EditSettings, dict[str, str]]:
    """The settings that count, and where each came from.

    Args:
        layers: origin to what it sets, the weakest first.
    """
    values: dict[str, object] = {}
    origins = dict.fromkeys(EditSettings.model_fields, "default")
    for origin, layer in layers.items():
        for name in layer.model_fields_set:
            values[name], origins[name] = getattr(layer, name), origin
    return EditSettings.model_validate(values), origins
