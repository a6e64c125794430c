"""Clips of faces as measurements and trainings see them, and what is held of each frame."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["ClipFrames", "ClipMotionLike", "FaceClips", "HeldClips", "HeldMotion", "Split"]

Split: TypeAlias = Literal["train", "test"]
_HELD_CLIPS = 128


class ClipFrames(Protocol):
    """What must be known of a clip."""

    @property
    def id(self) -> str:
        """Its name in the dataset."""
        ...

    @property
    def num_frames(self) -> int:
        """Its length T."""
        ...


class ClipMotionLike(Protocol):
    """What the face of a clip does; `dpe_research.dataset.ClipMotion` is one."""

    @property
    def mesh_px(self) -> npt.NDArray[np.float32]:
        """(T, V, 3) vertices in pixels of the clip's pictures."""
        ...

    @property
    def blendshapes(self) -> npt.NDArray[np.float32]:
        """(T, B) activities in [0, 1]; B may be 0."""
        ...

    @property
    def pose_deg(self) -> npt.NDArray[np.float32]:
        """(T, 3) yaw, pitch and roll."""
        ...

    @property
    def place(self) -> npt.NDArray[np.float32]:
        """(T, 3) centre x, y and size of the head in shares of the picture's width."""
        ...

    @property
    def score(self) -> npt.NDArray[np.float32]:
        """(T,) in [0, 1]; 0 where the face was not seen."""
        ...


class FaceClips(Protocol):
    """Clips of faces by name; `dpe_research.dataset.FaceDataset` is one."""

    def clips(self, split: Split) -> Sequence[ClipFrames]:
        """The clips of one part, always in the same order."""
        ...

    def frames(self, clip_id: str, rows: Sequence[int]) -> Any:  # an array or a tensor
        """(N, 3, S, S) uint8 RGB of these rows."""
        ...

    def motion(self, clip_id: str) -> ClipMotionLike:
        """What the clip's face does."""
        ...


class HeldClips:
    """A dataset that keeps the motion of the clips used last, which is otherwise read at every call."""

    def __init__(self, dataset: FaceClips) -> None:
        self._dataset = dataset
        self._held: OrderedDict[str, ClipMotionLike] = OrderedDict()

    def clips(self, split: Split) -> Sequence[ClipFrames]:
        """The clips of one part."""
        return self._dataset.clips(split)

    def frames(self, clip_id: str, rows: Sequence[int]) -> Any:  # an array or a tensor
        """(N, 3, S, S) uint8 RGB of these rows."""
        return self._dataset.frames(clip_id, rows)

    def motion(self, clip_id: str) -> ClipMotionLike:
        """What the clip's face does."""
        motion = self._held.pop(clip_id, None)
        if motion is None:
            motion = self._dataset.motion(clip_id)
        self._held[clip_id] = motion
        if len(self._held) > _HELD_CLIPS:
            self._held.popitem(last=False)
        return motion


@dataclass(frozen=True, slots=True)
class HeldMotion:
    """What a dataset says of N frames."""

    activities: Tensor
    """(N, B) float32 in [0, 1]."""
    pose_deg: Tensor
    """(N, 3) float32."""
    place: Tensor
    """(N, 3) float32."""

    def rows(self, rows: slice) -> HeldMotion:
        """The same of some of the frames."""
        return HeldMotion(self.activities[rows], self.pose_deg[rows], self.place[rows])

    def to(self, device: torch.device, dtype: torch.dtype) -> HeldMotion:
        """The same on a device, in a dtype."""
        return HeldMotion(*(value.to(device, dtype) for value in (self.activities, self.pose_deg, self.place)))
