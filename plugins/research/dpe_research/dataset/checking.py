"""Finding everything that is wrong with a dataset."""

from __future__ import annotations

import hashlib
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from dpe_research.dataset.index import ClipRecord
from dpe_research.dataset.merging import MOTION_FOLDER, SHARD_FOLDER
from dpe_research.dataset.reading import FaceDataset
from dpe_research.dataset.shards import END_OF_SHARD
from dpe_research.dataset.writing import WORK_NAME
from dpe_toolkit.api import DatasetError

__all__ = ["check_dataset"]

_BATCH = 16


def check_dataset(dataset: FaceDataset, advanced: Callable[[int], None] = lambda frames: None) -> list[str]:
    """One line for each fault; none where all is well.

    Every picture is decoded and every shard read as a tar file.

    Args:
        dataset: the dataset.
        advanced: told how many more frames were looked at.
    """
    faults = [*_splits(dataset.clips()), *_files(dataset)]
    by_shard: dict[str, list[ClipRecord]] = defaultdict(list)
    for clip in dataset.clips():
        by_shard[clip.shard].append(clip)
    shapes: dict[str, tuple[int, int]] = {}
    for shard, clips in sorted(by_shard.items()):
        faults += _shard(dataset, shard, clips)
        stops = _stops(dataset, clips)
        for clip in clips:
            faults += _clip(dataset, clip, stops.get(clip.id), shapes)
            faults += _pictures(dataset, clip, advanced)
    if len(set(shapes.values())) > 1:
        counts = ", ".join(f"{name} has {found[0]} and {found[1]}" for name, found in _oddest(shapes))
        faults.append(f"clips differ in their numbers of vertices and blendshapes: {counts}")
    return faults


def _oddest(shapes: dict[str, tuple[int, int]]) -> list[tuple[str, tuple[int, int]]]:
    firsts = {found: name for name, found in reversed(shapes.items())}
    return [(name, found) for found, name in firsts.items()]


def _splits(clips: Sequence[ClipRecord]) -> Iterator[str]:
    seen: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        seen[clip.identity.partition("#")[0]].add(clip.split)
    for identity, splits in sorted(seen.items()):
        if len(splits) > 1:
            yield f"identity {identity!r} is in both splits"


def _files(dataset: FaceDataset) -> Iterator[str]:
    clips = dataset.clips()
    for folder, wanted in ((SHARD_FOLDER, {c.shard for c in clips}), (MOTION_FOLDER, {c.motion for c in clips})):
        path = dataset.folder / folder
        there = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
        for name in sorted(there - wanted):
            yield f"{folder}/{name} belongs to no clip of the index"
    if (dataset.folder / WORK_NAME).exists():
        yield f"the folder {WORK_NAME!r} is there: a build was interrupted; run its command again"


def _shard(dataset: FaceDataset, shard: str, clips: Sequence[ClipRecord]) -> Iterator[str]:
    """Whether tar sees the samples that the index promises, in their order."""
    try:
        path = dataset.shard_path(clips[0])
        with tarfile.open(path) as archive:
            names = [member.name for member in archive]
    except (OSError, tarfile.TarError) as error:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else str(error)
        yield f"shard {shard!r} is no tar file that can be read: {reason}"
        return
    except DatasetError as error:
        yield str(error)
        return
    keys = list(dict.fromkeys(name.partition(".")[0] for name in names))
    wanted = [f"{clip.id}_{frame:06d}" for clip in clips for frame in range(clip.num_frames)]
    if keys != wanted:
        strays = len(set(keys) ^ set(wanted))
        what = f"{strays} samples are missing or not in the index" if strays else "its samples are in another order"
        yield f"shard {shard!r} does not hold what the index says: {what}"


def _stops(dataset: FaceDataset, clips: Sequence[ClipRecord]) -> dict[str, int]:
    """Where in the shard each clip ends: where the next one begins, or before the end of the tar file."""
    try:
        size = dataset.shard_path(clips[0]).stat().st_size
        starts = [_start(dataset, clip) for clip in clips]
    except (DatasetError, OSError):
        return {}  # Told with the shard, or the clip.
    return {clip.id: stop for clip, stop in zip(clips, [*starts[1:], size - len(END_OF_SHARD)], strict=True)}


def _start(dataset: FaceDataset, clip: ClipRecord) -> int:
    return max(0, int(dataset.places(clip.id).offsets[0]) - tarfile.BLOCKSIZE)


def _clip(
    dataset: FaceDataset, clip: ClipRecord, stop: int | None, shapes: dict[str, tuple[int, int]]
) -> Iterator[str]:
    try:
        motion = dataset.motion(clip.id)
        shapes[clip.id] = (motion.mesh_px.shape[1], motion.blendshapes.shape[1])
        yield from _ranges(clip, motion.blendshapes, motion.score)
        digest = None if stop is None else _digest(dataset, clip, stop)
        if digest is not None and digest != clip.digest:
            yield f"clip {clip.id!r} is not what was written: its digest is {digest}, the index says {clip.digest}"
    except (DatasetError, OSError) as error:
        yield str(error)


def _ranges(clip: ClipRecord, blendshapes: np.ndarray, score: np.ndarray) -> Iterator[str]:
    for name, values in (("blendshapes", blendshapes), ("scores", score)):
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            yield f"clip {clip.id!r} has {name} outside 0 to 1"


def _digest(dataset: FaceDataset, clip: ClipRecord, stop: int) -> str:
    """Of the clip's bytes in its shard, which end at ``stop``, and its motion file."""
    start = _start(dataset, clip)
    with dataset.shard_path(clip).open("rb") as file:
        file.seek(start)
        content = file.read(max(0, stop - start))
    motion = (dataset.folder / MOTION_FOLDER / clip.motion).read_bytes()
    return "sha256:" + hashlib.sha256(content + motion).hexdigest()


def _pictures(dataset: FaceDataset, clip: ClipRecord, advanced: Callable[[int], None]) -> Iterator[str]:
    try:
        dataset.places(clip.id)
        dataset.shard_path(clip).stat()
    except (DatasetError, OSError):
        advanced(clip.num_frames)
        return  # Told with the clip, or the shard.
    edges = [*range(0, clip.num_frames, _BATCH), clip.num_frames]
    for start, stop in pairwise(edges):
        for row in range(start, stop):
            try:
                dataset.frames(clip.id, [row])
            except DatasetError as error:
                yield str(error)
        advanced(stop - start)
