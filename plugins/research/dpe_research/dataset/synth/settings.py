"""What a synthetic set is made of, as its folder keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dpe_research.dataset.index import Split
from dpe_research.dataset.merging import read_work, write_whole
from dpe_research.dataset.synth.rendering import SMALLEST_PX
from dpe_research.dataset.synth.sampling import Repertoire
from dpe_toolkit.api import DatasetError

__all__ = ["RENDERER", "SETTINGS_NAME", "Person", "SynthSettings", "keep_settings", "people"]

RENDERER: Literal[1] = 1
"""Raised with every change by which the same numbers give another picture."""
SETTINGS_NAME = "synthetic.json"


class SynthSettings(BaseModel):
    """Everything that decides what the set shows, but for how many people are in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    renderer: int = RENDERER
    seed: int = Field(default=0, ge=0, lt=2**31)
    poses: int = Field(default=9, ge=1, le=1000)
    """Poses of each person; the first is frontal."""
    expressions: int = Field(default=9, ge=1, le=1000)
    """Expressions of each person; the first is neutral."""
    size_px: int = Field(default=64, ge=SMALLEST_PX, le=1024)
    reach: float = Field(default=1.0, ge=0, le=1)
    """How far heads turn and move, as `sample_poses` takes it."""
    face_size: float = Field(default=0.54, ge=0.2, le=0.8)
    """Usual width of the face in shares of the picture's width."""
    repertoire: Repertoire = "all"
    """Which expressions people have, as `sample_expressions` takes it."""


class Person(BaseModel):
    """One person of a set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Name of the identity and of its clip."""
    split: Split
    seed: int
    """Of `sample_identity`, `sample_poses` and `sample_expressions`."""


def people(settings: SynthSettings, num_train: int, num_test: int) -> tuple[Person, ...]:
    """The people of a set. Those held out are others than those to train on, and more of either moves nobody."""
    found = []
    splits: tuple[tuple[Split, int], ...] = (("train", num_train), ("test", num_test))
    for number, (split, count) in enumerate(splits):
        for index in range(count):
            seed = int(np.random.SeedSequence([settings.seed, number, index]).generate_state(1)[0])
            found.append(Person(name=f"synth-{settings.seed}-{split}-{index:05d}", split=split, seed=seed))
    return tuple(found)


def keep_settings(folder: Path, settings: SynthSettings) -> None:
    """Notes the settings in the folder of a set, or refuses ones that differ from those noted.

    Raises:
        DatasetError: the set in the folder was begun with other settings.
    """
    path = folder / SETTINGS_NAME
    if not path.is_file():
        write_whole(path, (settings.model_dump_json(indent=1) + "\n").encode())
        return
    begun = read_work(path, SynthSettings)
    if begun == settings:
        return
    old, new = begun.model_dump(), settings.model_dump()
    named = ", ".join(f"{name} {old[name]} (now {new[name]})" for name in old if old[name] != new[name])
    raise DatasetError(
        f"the set was begun with other settings: {named}",
        "the same settings for all people of a set",
        "give those, or name another folder",
        path=folder,
    )
