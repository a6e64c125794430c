"""What a project states, in ``dpe.toml`` beside its timelines: weaker than an effect, stronger than a default."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.editing.settings import ComponentNames, ComponentOptions, EditSettings
from dpe_toolkit.plans.model import Fit, Gaps
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline import check_model

__all__ = ["PROJECT_FILE", "ProjectConfig", "read_project"]

PROJECT_FILE = "dpe.toml"


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
