"""Where the pictures of an evaluation come from: what is asked of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["Clip", "ClipFaces", "Footage", "FrameRef"]


class Clip(Protocol):
    """One clip, as `dpe_research.dataset.ClipRecord` describes it."""

    @property
    def id(self) -> str:
        """Its name in lists, layouts and messages."""
        ...

    @property
    def identity(self) -> str:
        """Who it shows."""
        ...

    @property
    def num_frames(self) -> int:
        """Frames."""
        ...

    @property
    def grid(self) -> tuple[int, int] | None:
        """(poses, expressions) of a synthetic clip, frame = pose x expressions + expression; else None."""
        ...


class ClipFaces(Protocol):
    """Where the face is, frame by frame."""

    @property
    def mesh_px(self) -> npt.NDArray[np.float32]:
        """(T, V, 3) vertices in pixels."""
        ...

    @property
    def blendshapes(self) -> npt.NDArray[np.float32]:
        """(T, B) activities in [0, 1]: drawn ones in a synthetic set, else read ones; B may be 0."""
        ...


class Footage(Protocol):
    """A dataset of clips of one picture size; `dpe_research.dataset.FaceDataset` is one."""

    @property
    def size_px(self) -> int:
        """S."""
        ...

    def clips(self, split: Literal["train", "test"] | None = None) -> Sequence[Clip]:
        """The clips of a split, in the order of the index."""
        ...

    def frames(self, clip_id: str, rows: Sequence[int], /) -> torch.Tensor:
        """(N, 3, S, S) uint8 RGB."""
        ...

    def motion(self, clip_id: str, /) -> ClipFaces:
        """Where its face is."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class FrameRef:
    """One frame of one clip."""

    clip: str
    frame: int
