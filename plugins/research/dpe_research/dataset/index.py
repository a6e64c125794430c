"""The index of a dataset: which clips it holds, where they lie, what was left out.

A dataset is a folder::

    index.json               this index
    shards/shard-000000.tar  pictures, see `dpe_research.dataset.shards`
    motion/<clip>.npz        what the face does, see `dpe_research.dataset.motion`
    report.json              how the clips were found, for people (written by ``dpe dataset build``)

Names in an index are names of files in these folders and never paths: an index cannot point outside its folder.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from dpe_toolkit.api import DatasetError, ExactFraction

__all__ = [
    "DATASET_SCHEMA",
    "INDEX_NAME",
    "ClipId",
    "ClipRecord",
    "DatasetIndex",
    "DroppedClip",
    "Kind",
    "Split",
    "read_index",
]

DATASET_SCHEMA = 1
INDEX_NAME = "index.json"
_LARGEST_BYTES = 2**30

Split = Literal["train", "test"]
Kind = Literal["video", "synthetic"]
ClipId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", max_length=80)]
"""Letters, digits, ``_`` and ``-``: it is part of file names, and a dot would split a WebDataset key."""
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*\.(tar|npz)$", max_length=100)]
Named = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


class ClipRecord(_Model):
    """One clip: one face through consecutive frames, cut out of its source by one fixed box."""

    id: ClipId
    identity: Named
    """Who it is, by a name that means nothing but the same person. All clips of one identity are in one split."""
    split: Split
    shard: FileName
    """Its shard in ``shards``; a clip is never cut between two."""
    motion: FileName
    """Its file in ``motion``."""
    num_frames: int = Field(gt=0)
    rate: ExactFraction = Field(gt=0)
    source: Named
    """Name of the media that it was cut from, without folders."""
    source_start: int = Field(ge=0)
    """Frame of the source that is the clip's frame 0."""
    box_px: tuple[float, float, float, float]
    """xyxy in pixels of the source; square, and the same in every frame."""
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    """Of the clip's bytes in its shard, tar headers included, followed by those of its motion file."""
    grid: tuple[int, int] | None = None
    """Synthetic clips that show every expression in every pose: (poses, expressions), and frame
    ``pose * expressions + expression``; else None."""

    @model_validator(mode="after")
    def _grid_fills(self) -> Self:
        if self.grid is not None and (min(self.grid) < 1 or self.grid[0] * self.grid[1] != self.num_frames):
            raise ValueError(f"a grid of {self.grid[0]} x {self.grid[1]} does not have {self.num_frames} frames")
        return self


class DroppedClip(_Model):
    """A stretch of footage that was looked at and left out."""

    id: ClipId
    identity: Named
    source: Named
    source_start: int = Field(ge=0)
    num_frames: int = Field(ge=0)
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)]
    """A word for statistics, such as ``too-small``."""
    detail: str = Field(default="", max_length=400)
    """What was measured and what was asked for."""


class DatasetIndex(_Model):
    """Everything about a dataset but its pictures and motion."""

    schema_version: int = Field(default=DATASET_SCHEMA, alias="schema", ge=1, le=DATASET_SCHEMA)
    kind: Kind
    size_px: int = Field(ge=8, le=4096)
    """Side of the square pictures."""
    clips: tuple[ClipRecord, ...] = ()
    dropped: tuple[DroppedClip, ...] = ()

    @model_validator(mode="after")
    def _clips_fit(self) -> Self:
        # Names that differ in case alone are one file on some systems.
        shared = [name for name, count in Counter(clip.id.casefold() for clip in self.clips).items() if count > 1]
        if shared:
            raise ValueError(f"several clips are called {shared[0]!r}")
        if any(clip.motion != f"{clip.id}.npz" for clip in self.clips):
            raise ValueError("a clip's motion file is named after the clip")
        if self.kind == "video" and any(clip.grid is not None for clip in self.clips):
            raise ValueError("only clips of synthetic datasets have a grid")
        return self

    def to_json(self) -> str:
        """The content of ``index.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"


def read_index(folder: Path) -> DatasetIndex:
    """The index of the dataset in ``folder``.

    Raises:
        DatasetError: there is none, or it is not one that this version understands.
    """
    path = folder / INDEX_NAME
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError(f"it is larger than {_LARGEST_BYTES} bytes")
        return DatasetIndex.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(
            "the folder holds no dataset",
            f"a folder with {INDEX_NAME}, as 'dpe dataset build' writes it",
            "correct the path; an interrupted build is finished by running the same command again",
            path=folder,
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"the index cannot be read: {_first_fault(error)}",
            f"an index of schema {DATASET_SCHEMA}",
            "build the dataset again, or correct the index",
            path=path,
        ) from error


def _first_fault(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
