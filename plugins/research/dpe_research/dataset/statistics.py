"""What a dataset holds, in numbers and in one picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dpe_research.dataset.index import ClipRecord
from dpe_research.dataset.reading import FaceDataset
from dpe_research.dataset.shards import RgbPicture
from dpe_toolkit.api import FloatArray

__all__ = ["DatasetStatistics", "Spread", "contact_sheet", "dataset_statistics"]

_BARS = "▁▂▃▄▅▆▇█"
_NUM_BINS = 16
_PAPER = 245
_INK = (40, 40, 40)
_CAPTION_PX = 18


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity is spread over all frames."""

    name: str
    low: float
    """1st percentile."""
    middle: float
    high: float
    """99th percentile."""
    histogram: str
    """Bars from ``low`` to ``high``."""


@dataclass(frozen=True, slots=True)
class DatasetStatistics:
    """The table of ``dpe dataset show``."""

    counts: tuple[tuple[str, int, int, int], ...]
    """Split, clips, frames, identities; all of it last."""
    dropped: tuple[tuple[str, int, int], ...]
    """Reason, stretches, frames."""
    spreads: tuple[Spread, ...]


def dataset_statistics(
    dataset: FaceDataset, advanced: Callable[[int], None] = lambda frames: None
) -> DatasetStatistics:
    """Counts, and the spread of pose, place and expression.

    Args:
        dataset: the dataset; every motion file is read.
        advanced: told how many more frames were looked at.
    """
    columns: dict[str, list[FloatArray]] = {}
    for clip in dataset.clips():
        motion = dataset.motion(clip.id)
        named = {name: motion.pose_deg[:, i] for i, name in enumerate(("yaw", "pitch", "roll"))}
        named["head size"] = motion.place[:, 2]
        if motion.blendshapes.shape[1]:
            named["expression (sum of blendshapes)"] = motion.blendshapes.sum(axis=1)
            still = np.abs(np.diff(motion.blendshapes, axis=0, prepend=motion.blendshapes[:1])).sum(axis=1)
            named["expression change a frame"] = still
        for name, values in named.items():
            columns.setdefault(name, []).append(values)
        advanced(clip.num_frames)
    dropped = Counter(one.reason for one in dataset.index.dropped)
    lost: Counter[str] = Counter()
    for one in dataset.index.dropped:
        lost[one.reason] += one.num_frames
    groups = [(split, dataset.clips(split)) for split in ("train", "test")]
    return DatasetStatistics(
        counts=tuple(_counted(name, clips) for name, clips in [*groups, ("all", dataset.clips())]),
        dropped=tuple((reason, dropped[reason], lost[reason]) for reason in sorted(dropped)),
        spreads=tuple(_spread(name, np.concatenate(parts)) for name, parts in columns.items()),
    )


def _counted(name: str, clips: Sequence[ClipRecord]) -> tuple[str, int, int, int]:
    return name, len(clips), sum(clip.num_frames for clip in clips), len({clip.identity for clip in clips})


def _spread(name: str, values: FloatArray) -> Spread:
    low, middle, high = (float(value) for value in np.percentile(values, (1, 50, 99)))
    counts, _ = np.histogram(np.clip(values, low, high), _NUM_BINS, (low, high if high > low else low + 1))
    most = max(1, int(counts.max()))
    bars = "".join(_BARS[math.ceil(count / most * (len(_BARS) - 1))] for count in counts)
    return Spread(name, low, middle, high, bars)


def contact_sheet(dataset: FaceDataset, *, most_clips: int = 48, frames_per_clip: int = 6) -> RgbPicture:
    """(H, W, 3) uint8 RGB: a row for each clip, frames evenly through it, with the mesh's points on the first.

    Args:
        dataset: the dataset.
        most_clips: clips shown, taken evenly from the index.
        frames_per_clip: pictures in a row.
    """
    clips = dataset.clips()
    shown = [clips[i] for i in sorted({int(i) for i in np.linspace(0, len(clips) - 1, min(most_clips, len(clips)))})]
    across = 1 if len(shown) <= 16 else 2
    tile = min(dataset.size_px, 160)
    rows = [_row(dataset, clip, tile, frames_per_clip) for clip in shown]
    blank = np.full((tile + _CAPTION_PX, tile * frames_per_clip, 3), _PAPER, np.uint8)
    rows += [blank] * (-len(rows) % across if rows else 1)
    lines = [np.concatenate(rows[i : i + across], axis=1) for i in range(0, len(rows), across)]
    return np.concatenate(lines, axis=0)


def _row(dataset: FaceDataset, clip: ClipRecord, tile: int, count: int) -> RgbPicture:
    picked = np.linspace(0, clip.num_frames - 1, count).round().astype(np.int64)
    pictures = dataset.frames(clip.id, picked).permute(0, 2, 3, 1).numpy()
    motion = dataset.motion(clip.id)
    line = np.full((tile + _CAPTION_PX, tile * count, 3), _PAPER, np.uint8)
    for column, picture in enumerate(pictures):
        small = cv2.resize(picture, (tile, tile), interpolation=cv2.INTER_AREA)
        if column == 0:
            for x, y in motion.mesh_px[0, ::6, :2] * (tile / dataset.size_px):
                cv2.circle(small, (round(float(x)), round(float(y))), 1, (90, 230, 90), -1, cv2.LINE_AA)
        line[_CAPTION_PX:, column * tile : (column + 1) * tile] = small
    yaw, pitch, roll = motion.pose_deg[0]
    text = f"{clip.id}  {clip.num_frames} frames  {clip.split}  yaw {yaw:.0f} pitch {pitch:.0f} roll {roll:.0f}"
    place = (4, _CAPTION_PX - 5)
    cv2.putText(line, text.encode("ascii", "replace").decode(), place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK)
    return line
