"""Training: the paper's bidirectional cycle, with its losses, its stages and an engine that can be interrupted."""

from __future__ import annotations

from dpe_research.training.batch import PairBatch
from dpe_research.training.config import TrainingConfig
from dpe_research.training.cycle import Cycle, CyclicEdits
from dpe_research.training.data import StepBatches, as_batch, iterate_batches, open_dataset
from dpe_research.training.engine import Trainer
from dpe_research.training.folder import RunFolder
from dpe_research.training.loss_networks import load_loss_networks, load_regressor
from dpe_research.training.objective import LossNetworks, Objective
from dpe_research.training.presets import PRESETS
from dpe_research.training.processes import Launch, leaving_together, make_fabric
from dpe_research.training.reports import StepReport, TrainingObserver
from dpe_research.training.result import TrainedWeights, write_result
from dpe_research.training.settings import config_digest, load_config, parse_setting, write_config
from dpe_research.training.step import Players, accumulate_gradients, trained_parameters

__all__ = [
    "PRESETS",
    "Cycle",
    "CyclicEdits",
    "Launch",
    "LossNetworks",
    "Objective",
    "PairBatch",
    "Players",
    "RunFolder",
    "StepBatches",
    "StepReport",
    "TrainedWeights",
    "Trainer",
    "TrainingConfig",
    "TrainingObserver",
    "accumulate_gradients",
    "as_batch",
    "config_digest",
    "iterate_batches",
    "leaving_together",
    "load_config",
    "load_loss_networks",
    "load_regressor",
    "make_fabric",
    "open_dataset",
    "parse_setting",
    "trained_parameters",
    "write_config",
    "write_result",
]
