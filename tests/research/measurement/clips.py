"""Clips for tests: frame ``row`` of a clip is flat, red by its expression and blue by its pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NUM_VERTICES = 5


@dataclass(frozen=True)
class FlatClip:
    id: str
    num_frames: int


@dataclass(frozen=True)
class FlatMotion:
    mesh_px: npt.NDArray[np.float32]
    blendshapes: npt.NDArray[np.float32]
    pose_deg: npt.NDArray[np.float32]
    place: npt.NDArray[np.float32]
    score: npt.NDArray[np.float32]


class FlatClips:
    """A dataset of flat pictures; the first clip of each part has one frame, which makes no pair."""

    def __init__(self, size_px: int = 16, lengths: Sequence[int] = (1, 6, 9, 4), *, hidden_row: int = 1) -> None:
        self.size_px = size_px
        self.lengths = lengths
        self.hidden_row = hidden_row
        self.motion_reads = 0

    def clips(self, split: str) -> list[FlatClip]:
        return [FlatClip(f"{split}-{number}", length) for number, length in enumerate(self.lengths)]

    def frames(self, clip_id: str, rows: Sequence[int]) -> npt.NDArray[np.uint8]:
        number = int(clip_id.rsplit("-", 1)[1])
        pictures = np.empty((len(rows), 3, self.size_px, self.size_px), np.uint8)
        for place, row in enumerate(rows):
            texture = np.random.default_rng((number, row)).integers(0, 20, (self.size_px, self.size_px))
            for channel, value in enumerate((30 * row % 200, 40 * number, 17 * row % 190)):
                pictures[place, channel] = value + texture
        return pictures

    def motion(self, clip_id: str) -> FlatMotion:
        self.motion_reads += 1
        length = self.lengths[int(clip_id.rsplit("-", 1)[1])]
        rows = np.arange(length, dtype=np.float32)
        mesh = np.broadcast_to(rows[:, None, None] + self.size_px / 4, (length, NUM_VERTICES, 3)).copy()
        score = np.ones(length, np.float32)
        score[self.hidden_row : self.hidden_row + 1] = 0
        turned = np.stack([3 * rows, -rows, 0 * rows], axis=1).astype(np.float32)
        placed = np.stack([0.5 + rows / 100, 0.5 - rows / 100, 0.6 + 0 * rows], axis=1).astype(np.float32)
        activities = (rows[:, None] / length).astype(np.float32)
        return FlatMotion(mesh, activities, turned, placed, score)
