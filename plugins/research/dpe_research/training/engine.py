"""The training loop: stages, reports, checkpoints, stopping and going on."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from dpe_research.measurement import FaceClips, held_out_pairs
from dpe_research.training.batch import PairBatch
from dpe_research.training.checkpoints import load_checkpoint, save_checkpoint
from dpe_research.training.config import TrainingConfig
from dpe_research.training.data import StepBatches, as_batch, iterate_batches
from dpe_research.training.folder import RunFolder
from dpe_research.training.health import faults_of, not_finite, shorten_gradients, within_memory
from dpe_research.training.interruption import Interruption
from dpe_research.training.objective import LossNetworks, Objective
from dpe_research.training.processes import FabricRunner
from dpe_research.training.reports import SilentObserver, StepReport, TrainingObserver
from dpe_research.training.samples import draw_samples
from dpe_research.training.state import TrainingState
from dpe_research.training.step import Players, accumulate_gradients
from dpe_toolkit.api import AnalysisError

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["Trainer"]


class Trainer:
    """Trains a network in a folder. Every process of a training makes one with equal arguments.

    Args:
        config: the training.
        dataset: where the pairs come from.
        loss_networks: what the terms of the loss need, on Fabric's device.
        folder: where everything is written, by the first process alone; with several machines all must see it.
        fabric: from `make_fabric`.
        observer: told of the progress, in the first process.

    Raises:
        OptionsError: the batch cannot be dealt out.
        TrainingError: the weights to start from do not fit.
        AnalysisError: the dataset has no pairs.
        CheckpointError: the weights to start from cannot be read.
    """

    def __init__(
        self,
        config: TrainingConfig,
        dataset: FaceClips,
        loss_networks: LossNetworks,
        folder: RunFolder,
        *,
        fabric: Fabric,
        observer: TrainingObserver | None = None,
    ) -> None:
        self.config = config
        self.folder = folder
        self._dataset = dataset
        self._fabric = fabric
        self._runner = FabricRunner(fabric)
        self._observer = observer if observer is not None and fabric.is_global_zero else SilentObserver()
        self._objective = Objective(config, loss_networks)
        self._batches = StepBatches(config, dataset, rank=fabric.global_rank, world_size=fabric.world_size)
        self.state = TrainingState(config, fabric)
        self._stage = -1
        self._players: Players | None = None
        self._writer: SummaryWriter | None = None
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._since = time.perf_counter()
        self._reported = 0

    def train(self, *, resume: bool = False) -> bool:
        """Whether the training got to its end; False where it was asked to stop, its state saved.

        Args:
            resume: go on from the newest checkpoint in the folder, from the start where there is none.

        Raises:
            OptionsError: the folder holds a run already.
            TrainingError: its checkpoint does not fit, a loss or gradient is not finite, or something cannot be
                written.
        """
        self._begin(resume)
        state, last = self.state, self.config.num_steps
        batches = iterate_batches(self._batches, state.step, last, workers=self.config.data.workers)
        with Interruption() as interruption, closing(batches):
            for batch in batches:
                with within_memory(self.config):
                    self._step(batch.to(self._fabric.device, self._dtype))
                stopping = self._runner.summed(interruption.asked)[0] > 0
                self._after_step(stopping)
                if stopping and state.step < last:
                    self._observer.noted(f"stopped after step {state.step}; its checkpoint is written")
                    return False
        return True

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.state.network.parameters()).dtype

    def _begin(self, resume: bool) -> None:
        # Only the first process touches the folder; the others are told what it found.
        found = self.folder.begin(self.config, resume=resume) if self._fabric.is_global_zero else None
        newest = self._fabric.broadcast(found)
        if newest is not None:
            self.state.load(load_checkpoint(newest), newest)
            self._observer.noted(f"going on after step {self.state.step}")
        self._reported = self.state.step
        self._since = time.perf_counter()
        if not self._fabric.is_global_zero:
            return
        self.folder.cut_log(self.state.step)
        if self.config.logging.tensorboard:
            self._writer = _tensorboard(self.folder.tensorboard, self.state.step)

    def _step(self, batch: PairBatch) -> None:
        state = self.state
        index, stage = self.config.stage_at(state.step)
        if index != self._stage:
            self._players = state.enter(stage)
            self._stage = index
        assert self._players is not None
        # Whatever chance a judge may use is a function of the step, so going on needs no state of it.
        torch.manual_seed((self.config.seed * 1_000_003 + state.step) * 4099 + self._fabric.global_rank)
        state.clear_gradients()
        terms, _ = accumulate_gradients(
            self._players,
            self._objective,
            batch,
            step=state.step,
            compares=stage.compares,
            runner=self._runner,
        )
        limit = self.config.optimiser.gradient_limit
        terms["gradient_norm"] = shorten_gradients(state.network, limit)
        if state.discriminator is not None:
            terms["discriminator_gradient_norm"] = shorten_gradients(state.discriminator, limit)
        self._check(terms, batch)
        state.apply_gradients()
        for name, value in terms.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def _check(self, terms: dict[str, Tensor], batch: PairBatch) -> None:
        """Stops all processes where one of them has a number that is not finite, before it reaches the weights."""
        faults = faults_of(terms)
        if not self._runner.summed(bool(faults))[0]:
            return
        everywhere = tuple(dict.fromkeys(self._runner.gathered(faults)))
        names = self._runner.gathered(batch.names if faults else ())
        saved = self._save()
        if self._fabric.is_global_zero:
            values = {name: float(value) for name, value in terms.items()}
            self.folder.write_failure(self.state.step, values, names)
        raise not_finite(self.state.step, everywhere, names, f"checkpoints/{saved}")

    def _after_step(self, stopping: bool) -> None:
        logging, step = self.config.logging, self.state.step
        ended = stopping or step == self.config.num_steps
        if step % logging.every_steps == 0 or ended:
            self._report()
        if step % logging.samples_every_steps == 0 or step == self.config.num_steps:
            self._show_samples()
        if step % logging.checkpoint_every_steps == 0 or ended:
            self._save()
        if ended and self._writer is not None:
            self._writer.close()

    def _save(self) -> str:
        name = f"step-{self.state.step:09d}.pt"
        if self._fabric.is_global_zero:
            keep = self.config.logging.keep_checkpoints
            save_checkpoint(self.folder.checkpoints, self.state.step, self.state.to_save(), keep=keep)
        return name

    def _report(self) -> None:
        names = list(self._sums)
        # Metal has no doubles, so sums are divided on the CPU.
        counts = torch.tensor([self._counts[name] for name in names])
        means = torch.stack([self._sums[name] for name in names]).cpu().double() / counts
        means = means.float().to(self._fabric.device)
        means = cast("Tensor", self._fabric.all_reduce(means, reduce_op="mean"))
        self._sums, self._counts = {}, {}
        now, step = time.perf_counter(), self.state.step
        report = StepReport(
            step=step,
            num_steps=self.config.num_steps,
            stage=self._stage,
            terms=dict(zip(names, means.tolist(), strict=True)),
            steps_per_s=(step - self._reported) / max(now - self._since, 1e-9),
            peak_bytes=_peak_bytes(self._fabric.device),
        )
        self._since, self._reported = now, step
        if not self._fabric.is_global_zero:
            return
        self.folder.add_to_log(report)
        if self._writer is not None:
            for name, value in report.terms.items():
                self._writer.add_scalar(f"terms/{name}", value, step)
            self._writer.add_scalar("steps_per_s", report.steps_per_s, step)
        self._observer.reported(report)

    def _show_samples(self) -> None:
        if not self._fabric.is_global_zero:
            return
        batch = self._sample_batch().to(self._fabric.device, self._dtype)
        picture = draw_samples(self.state.drawing, batch)
        self.folder.write_picture(self.state.step, picture)
        if self._writer is not None:
            self._writer.add_image("samples", picture, self.state.step, dataformats="HWC")

    def _sample_batch(self) -> PairBatch:
        """Pairs that are not trained on, where there are any; the same ones every time."""
        count, size_px = self.config.logging.sample_pairs, self.config.network.size
        try:
            (pairs,) = held_out_pairs(self._dataset, size_px, num_pairs=count, batch=count)
        except AnalysisError:
            (pairs,) = held_out_pairs(self._dataset, size_px, num_pairs=count, batch=count, split="train")
        return as_batch(pairs)


def _tensorboard(folder: Path, step: int) -> SummaryWriter:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1)


def _peak_bytes(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
