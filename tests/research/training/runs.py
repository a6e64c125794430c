"""Small trainings for tests; run as a program, one in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from lightning_fabric import Fabric

from dpe_research.training import (
    Launch,
    LossNetworks,
    RunFolder,
    StepReport,
    Trainer,
    TrainingConfig,
    leaving_together,
    load_config,
    make_fabric,
)
from tests.research.measurement.clips import FlatClips
from tests.research.training.loss_networks import HalvedMaps, MeanReader

SMALL: dict[str, object] = {
    "network.size": 16,
    "network.style_dim": 8,
    "network.motion_dim": 4,
    "network.max_channels": 6,
    "data.batch_size": 4,
    "data.workers": 0,
    "perceptual.scales": [1],
    "adversarial.r1_weight": 1,
    "adversarial.r1_every_steps": 3,
    "stages.0.steps": 5,
    "stages.1.steps": 4,
    "compute.accelerator": "cpu",
    "logging.every_steps": 1,
    "logging.samples_every_steps": 100,
    "logging.sample_pairs": 2,
    "logging.checkpoint_every_steps": 2,
    "logging.tensorboard": False,
}


def small_config(values: Mapping[str, object] | None = None) -> TrainingConfig:
    return load_config("paper", {**SMALL, **(values or {})})


def small_loss_networks() -> LossNetworks:
    return LossNetworks(MeanReader(), HalvedMaps())


class Telling:
    """Prints the number of every step that is done."""

    def reported(self, report: StepReport) -> None:
        print(f"step {report.step}", flush=True)

    def noted(self, text: str) -> None:
        print(text, flush=True)


def make_trainer(
    folder: Path,
    config: TrainingConfig,
    *,
    loss_networks: LossNetworks | None = None,
    fabric: Fabric | None = None,
    telling: bool = False,
) -> Trainer:
    fabric = fabric or make_fabric(config.compute)
    observer = Telling() if telling else None
    run = RunFolder(folder)
    return Trainer(config, FlatClips(), loss_networks or small_loss_networks(), run, fabric=fabric, observer=observer)


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Every weight that a training ends with: the network's, the discriminator's, the average's."""
    state = trainer.state
    assert state.discriminator is not None
    named = {"network": state.network, "discriminator": state.discriminator, "average": state.average.network}
    return {f"{owner}.{key}": one for owner, module in named.items() for key, one in module.state_dict().items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    config = small_config(json.loads(sys.argv[2]))
    fabric = make_fabric(config.compute, Launch.of(os.environ))
    with leaving_together(fabric):
        made = make_trainer(Path(sys.argv[1]), config, fabric=fabric, telling=True)
        print("finished" if made.train(resume="--resume" in sys.argv) else "stopped", flush=True)
