"""The batches of a training: each a function of the seed, its step and which process asks."""

from __future__ import annotations

import signal
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from torch.utils.data import DataLoader, Dataset

from dpe_research.dataset import FaceDataset
from dpe_research.measurement import FaceClips, FramePairs, HeldClips, PairReader, PairSampler
from dpe_research.training.batch import PairBatch
from dpe_research.training.config import TrainingConfig
from dpe_research.training.parts import NUM_VERTICES_NEEDED, mask_parts
from dpe_toolkit.api import AnalysisError, OptionsError

__all__ = ["StepBatches", "as_batch", "iterate_batches", "open_dataset"]


def open_dataset(config: TrainingConfig) -> FaceDataset:
    """The dataset that a configuration names.

    Raises:
        OptionsError: it names none, or its pictures are smaller than the network's.
        DatasetError: the folder holds none, or a damaged one.
    """
    if not config.data.path:
        raise OptionsError(
            "no dataset is named", "the folder of a dataset, as 'dpe dataset' makes it", "name it with --data"
        )
    dataset = FaceDataset.open(Path(config.data.path))
    if dataset.size_px < config.network.size:
        raise OptionsError(
            f"the dataset's pictures are {dataset.size_px} px wide, the network's {config.network.size} px",
            "pictures at least as large as the network's",
            "build the dataset at a larger size, or set network.size",
            path=config.data.path,
        )
    return dataset


def as_batch(pairs: FramePairs, *, with_parts: bool = False) -> PairBatch:
    """Pairs as the network takes them, in [-1, 1].

    Args:
        pairs: as they were read.
        with_parts: mask the parts of the faces that show an expression.

    Raises:
        AnalysisError: parts are asked for, and a clip has no mesh of the bundled face model.
    """
    batch = PairBatch(
        pairs.source * 2.0 - 1.0,
        pairs.driver * 2.0 - 1.0,
        pairs.source_near_px,
        pairs.driver_near_px,
        tuple(str(choice) for choice in pairs.choices),
    )
    if not with_parts:
        return batch
    meshes, size_px = (pairs.source_near_px, pairs.driver_near_px), pairs.source.shape[-1]
    masks = [mask_parts(mesh, size_px) for mesh in meshes if mesh is not None and mesh.shape[1] >= NUM_VERTICES_NEEDED]
    if len(masks) < len(meshes):
        raise AnalysisError(
            f"the mesh of one of {', '.join(dict.fromkeys(choice.clip_id for choice in pairs.choices))} is missing or "
            "is not the bundled face model's",
            f"meshes of {NUM_VERTICES_NEEDED} vertices or more, of which mouth, eyes and brows are known",
            "build the dataset with the bundled detector, or set parts.weight=0",
        )
    return replace(batch, source_parts=masks[0], driver_parts=masks[1])


class StepBatches(Dataset[PairBatch]):
    """Batch ``step`` of one process, for every step.

    Together the processes see the pairs that one alone would see, in the same order.

    Args:
        config: batch size, size of the pictures, choice of pairs.
        dataset: where the clips are; it is sent to reading processes.
        rank: which process asks.
        world_size: how many there are.

    Raises:
        OptionsError: the batch cannot be dealt out equally.
        AnalysisError: no clip has two frames.
    """

    def __init__(self, config: TrainingConfig, dataset: FaceClips, *, rank: int = 0, world_size: int = 1) -> None:
        data = config.data
        check_batch(config, world_size)
        held = HeldClips(dataset)
        self._sampler = PairSampler(
            held,
            data.split,
            config.seed,
            far=data.pairing == "far",
            by_frames=data.clips == "by_frames",
            minimum_gap_frames=data.minimum_gap_frames,
            flip=data.flip,
        )
        self._reader = PairReader(held, config.network.size)
        size = data.batch_size // world_size
        self._numbers = range(rank * size, (rank + 1) * size)
        self._with_parts = config.parts.weight > 0
        self._with_motion = config.compares_codes

    def __getitem__(self, step: int) -> PairBatch:
        choices = [self._sampler.pair(step, number) for number in self._numbers]
        batch = as_batch(self._reader.read(choices), with_parts=self._with_parts)
        if not self._with_motion:
            return batch
        source, driver = self._reader.motion(choices)
        return replace(batch, source_motion=source, driver_motion=driver)


def check_batch(config: TrainingConfig, world_size: int) -> None:
    """Refuses batches that processes, accumulated parts and the discriminator's groups do not divide.

    Raises:
        OptionsError: says what does not divide what.
    """
    size, parts, group = config.data.batch_size, config.compute.accumulate, config.adversarial.deviation_group
    if size % (world_size * parts):
        raise OptionsError(
            f"a batch of {size} pairs is not dealt out to {world_size} processes in {parts} parts each",
            "a multiple of processes times parts",
            "change data.batch_size or compute.accumulate",
        )
    pictures = 2 * size // (world_size * parts)
    if config.adversarial.weight > 0 and pictures > group and pictures % group:
        raise OptionsError(
            f"the discriminator sees {pictures} pictures at a time, in groups of {group}",
            "at most one group, or whole groups",
            "change data.batch_size or adversarial.deviation_group",
        )


def iterate_batches(batches: StepBatches, start: int, stop: int, *, workers: int) -> Generator[PairBatch, None, None]:
    """The batches of steps ``start`` to ``stop``, read ahead by ``workers`` processes, by this one where 0."""
    if workers == 0:
        for step in range(start, stop):
            yield batches[step]
        return
    # Started anew and not forked: a fork of a process with threads and a GPU may hang, and Windows has none.
    yield from DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, stop),
        num_workers=workers,
        multiprocessing_context="spawn",
        worker_init_fn=_leave_interrupts,
    )


def _leave_interrupts(worker: int) -> None:
    """A Ctrl-C reaches every process of a terminal; the training process alone decides when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
