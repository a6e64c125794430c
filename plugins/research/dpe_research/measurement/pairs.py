"""Pairs of frames of one clip, chosen so that a choice depends on its number and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_research.measurement.clips import FaceClips, HeldClips, HeldMotion, Split
from dpe_toolkit.api import AnalysisError

__all__ = [
    "FramePairs",
    "PairChoice",
    "PairReader",
    "PairSampler",
    "held_out_pairs",
]

_FAR_CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class PairChoice:
    """Two frames of one clip."""

    clip_id: str
    source_row: int
    driver_row: int
    mirrored: bool = False

    def __str__(self) -> str:
        return f"{self.clip_id} frames {self.source_row} and {self.driver_row}"


@dataclass(frozen=True, slots=True)
class FramePairs:
    """N pairs that were read."""

    source: Tensor
    """(N, 3, S, S) float32, [0, 1]."""
    driver: Tensor
    """(N, 3, S, S) float32, [0, 1]."""
    source_near_px: Tensor | None = None
    """(N, V, 3) float32 mesh of each source in its pixels; None where a clip of the N has none."""
    driver_near_px: Tensor | None = None
    """(N, V, 3) float32, of each driver."""
    choices: tuple[PairChoice, ...] = ()
    """Where they come from."""

    def __len__(self) -> int:
        return len(self.source)

    def to(self, device: torch.device) -> FramePairs:
        """The same pairs on a device."""
        meshes = [mesh if mesh is None else mesh.to(device) for mesh in (self.source_near_px, self.driver_near_px)]
        return FramePairs(self.source.to(device), self.driver.to(device), meshes[0], meshes[1], self.choices)


class PairSampler:
    """Endless pairs of frames; pair ``number`` of ``step`` is a function of both and the seed.

    So any number of processes, each taking its own numbers, sees together what one sees alone, and a run that
    goes on at a step sees what it would have seen. Frames in which no face was seen are passed over.

    Args:
        dataset: where the clips are; `HeldClips` of it is faster.
        split: which part of it.
        seed: of the choices.
        far: take of four candidate drivers the one whose blendshapes differ most from the source's.
        by_frames: a clip is the likelier the longer it is.
        minimum_gap_frames: least distance of the two frames, as far as the clip has frames so far apart.
        flip: mirror half of the pairs.

    Raises:
        AnalysisError: no clip of that part has two frames.
    """

    def __init__(
        self,
        dataset: FaceClips,
        split: Split,
        seed: int,
        *,
        far: bool = False,
        by_frames: bool = False,
        minimum_gap_frames: int = 1,
        flip: bool = False,
    ) -> None:
        clips = [clip for clip in dataset.clips(split) if clip.num_frames > 1]
        if not clips:
            raise AnalysisError(
                f"the dataset has no clip of two frames or more in its part {split!r}",
                "clips of which pairs of frames can be taken",
                "add footage to the dataset, or name another part with data.split",
            )
        self._ids = [clip.id for clip in clips]
        lengths = np.array([clip.num_frames for clip in clips], np.float64)
        self._chances = lengths / lengths.sum() if by_frames else None
        self._seed = seed
        self._far = far
        self._gap = minimum_gap_frames
        self._flip = flip
        self._dataset = dataset

    def pair(self, step: int, number: int) -> PairChoice:
        """The pair of that number in that step."""
        chance = np.random.default_rng((self._seed, step, number))
        clip_id = self._ids[int(chance.choice(len(self._ids), p=self._chances))]
        motion = self._dataset.motion(clip_id)
        rows = np.flatnonzero(motion.score > 0)
        rows = rows if len(rows) > 1 else np.arange(len(motion.score))
        source = int(chance.choice(rows))
        apart = rows[np.abs(rows - source) >= self._gap]
        others = apart if len(apart) else rows[rows != source]
        candidates = chance.choice(others, _FAR_CANDIDATES if self._far else 1)
        moves = np.abs(motion.blendshapes[candidates] - motion.blendshapes[source]).sum(axis=1)
        driver = int(candidates[int(moves.argmax())])
        return PairChoice(clip_id, source, driver, self._flip and bool(chance.random() < 0.5))


class PairReader:
    """Reads chosen pairs at one size.

    Args:
        dataset: where the clips are.
        size_px: side S of the pictures wanted; smaller than the dataset's, they are averaged, larger, interpolated.
    """

    def __init__(self, dataset: FaceClips, size_px: int) -> None:
        self._dataset = dataset
        self._size_px = size_px

    def read(self, choices: Sequence[PairChoice]) -> FramePairs:
        """The pairs, on the CPU."""
        pictures, meshes = zip(*(self._read_one(choice) for choice in choices), strict=True)
        stacked = torch.stack(pictures)
        whole = all(mesh is not None and mesh.shape == meshes[0].shape for mesh in meshes)
        near = torch.stack(meshes) if whole else None
        return FramePairs(
            stacked[:, 0].contiguous(),
            stacked[:, 1].contiguous(),
            None if near is None else near[:, 0],
            None if near is None else near[:, 1],
            tuple(choices),
        )

    def motion(self, choices: Sequence[PairChoice]) -> tuple[HeldMotion, HeldMotion]:
        """What the dataset says of the sources and of the drivers, before any mirroring.

        Raises:
            AnalysisError: the clips do not all have the same activities.
        """
        rows = [[self._motion_of(choice, row) for choice in choices] for row in ("source_row", "driver_row")]
        sizes = {len(one[0]) for half in rows for one in half}
        if len(sizes) > 1 or not sizes.isdisjoint({0}):
            names = ", ".join(dict.fromkeys(choice.clip_id for choice in choices))
            raise AnalysisError(
                f"one of the clips {names} has no activities, or others than the rest",
                "clips that one detector with activities has read",
                "build the dataset anew with one detector, or take the stage that compares codes out",
            )
        source, driver = (HeldMotion(*(torch.stack(column) for column in zip(*half, strict=True))) for half in rows)
        return source, driver

    def _motion_of(
        self, choice: PairChoice, which: Literal["source_row", "driver_row"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        motion, row = self._dataset.motion(choice.clip_id), getattr(choice, which)
        activities, pose_deg, place = (
            torch.as_tensor(np.array(value[row], np.float32))
            for value in (motion.blendshapes, motion.pose_deg, motion.place)
        )
        return activities, pose_deg, place

    def _read_one(self, choice: PairChoice) -> tuple[Tensor, Tensor | None]:
        """Both pictures (2, 3, S, S) and both meshes (2, V, 3), None where the clip has none."""
        rows = [choice.source_row, choice.driver_row]
        pictures = torch.as_tensor(self._dataset.frames(choice.clip_id, rows)).float() / 255.0
        stored_px = pictures.shape[-1]
        mesh = torch.as_tensor(np.array(self._dataset.motion(choice.clip_id).mesh_px[rows], np.float32))
        mesh = mesh * (self._size_px / stored_px)
        pictures = _resized(pictures, self._size_px)
        if choice.mirrored:
            pictures = pictures.flip(-1)
            mesh[..., 0] = self._size_px - mesh[..., 0]
        return pictures, mesh if mesh.shape[1] else None


def held_out_pairs(
    dataset: FaceClips, size_px: int, *, num_pairs: int = 64, batch: int = 8, seed: int = 0, split: Split = "test"
) -> Iterator[FramePairs]:
    """Pairs of clips that were not trained on, in batches; the same ones each time.

    Raises:
        AnalysisError: no clip of that part has two frames.
    """
    held = HeldClips(dataset)
    sampler, reader = PairSampler(held, split, seed), PairReader(held, size_px)
    choices = [sampler.pair(0, number) for number in range(num_pairs)]
    for start in range(0, num_pairs, batch):
        yield reader.read(choices[start : start + batch])


def _resized(pictures: Tensor, size_px: int) -> Tensor:
    stored_px = pictures.shape[-1]
    if stored_px == size_px:
        return pictures
    if stored_px % size_px == 0:
        return F.avg_pool2d(pictures, stored_px // size_px)
    size = (size_px, size_px)
    return F.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=True).clamp(0.0, 1.0)
