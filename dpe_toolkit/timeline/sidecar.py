"""The file beside a timeline that remembers its edits where a host drops what it does not know."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.timeline.atomic import write_text
from dpe_toolkit.timeline.checking import check_model
from dpe_toolkit.timeline.moments import Stretch

__all__ = ["SIDECAR_SCHEMA", "Sidecar", "SidecarShot", "read_sidecar", "sidecar_path", "write_sidecar"]

SIDECAR_SCHEMA = 1
_LARGEST_BYTES = 64 * 2**20


class SidecarShot(BaseModel):
    """One edited shot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    """Id of the effect; markers call it ``dpe:<id>`` in any case."""
    clip: str = ""
    media: str = ""
    """Source media as the timeline names it."""
    source_range: Stretch | None = None
    """Part of the media that the shot shows, in media time."""
    effect: dict[str, object]
    """The effect's metadata as plain data."""


class Sidecar(BaseModel):
    """All edited shots of one timeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = Field(default=SIDECAR_SCHEMA, alias="schema", ge=1, le=SIDECAR_SCHEMA)
    timeline: str = ""
    shots: tuple[SidecarShot, ...] = ()


def sidecar_path(timeline: Path) -> Path:
    """Where the sidecar of ``timeline`` lies: ``cut.dpe.json`` beside ``cut.otio``, whatever its format."""
    return timeline.with_suffix(".dpe.json")


def read_sidecar(timeline: Path) -> tuple[Sidecar, tuple[Problem, ...]]:
    """The sidecar of ``timeline``, empty where there is none, and every fault in it."""
    path = sidecar_path(timeline)
    where = f"sidecar {path.name!r}"
    if not path.is_file():
        return Sidecar(), ()
    action = "correct the sidecar, or delete it to go by the timeline alone"
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError(f"it is larger than {_LARGEST_BYTES} bytes")
        values = json.loads(path.read_bytes())
        if not isinstance(values, dict):
            raise TypeError(f"it holds a {type(values).__name__}, not an object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        return Sidecar(), (
            Problem(where=where, wrong=f"it cannot be read: {error}", expected="a JSON object", action=action),
        )
    found, problems = check_model(Sidecar, values, where=where, action=action)
    return found or Sidecar(), problems


def write_sidecar(timeline: Path, name: str, shots: Iterable[dict[str, object]]) -> Path:
    """Writes the sidecar of ``timeline`` in one step and returns its path.

    Args:
        timeline: the file it belongs to.
        name: name of the timeline.
        shots: entries as `SidecarShot` reads them.
    """
    content = {"schema": SIDECAR_SCHEMA, "timeline": name, "shots": list(shots)}
    Sidecar.model_validate(content)
    return write_text(sidecar_path(timeline), json.dumps(content, indent=2, ensure_ascii=False) + "\n")
