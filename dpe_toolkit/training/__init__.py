"""Training: the paper's bidirectional cycle, with its losses, its stages and an engine that can be interrupted."""

from __future__ import annotations

from dpe_toolkit.training.batch import PairBatch
from dpe_toolkit.training.config import TrainingConfig
from dpe_toolkit.training.cycle import Cycle, CyclicEdits
from dpe_toolkit.training.data import StepBatches, as_batch, iterate_batches, open_dataset
from dpe_toolkit.training.engine import Trainer
from dpe_toolkit.training.folder import RunFolder
from dpe_toolkit.training.judges import load_judges, load_regressor
from dpe_toolkit.training.objective import Judges, Objective
from dpe_toolkit.training.presets import PRESETS
from dpe_toolkit.training.processes import Launch, leaving_together, make_fabric
from dpe_toolkit.training.reports import StepReport, TrainingObserver
from dpe_toolkit.training.result import TrainedWeights, write_result
from dpe_toolkit.training.settings import config_digest, load_config, parse_setting, write_config
from dpe_toolkit.training.step import Players, accumulate_gradients, trained_parameters

__all__ = [
    "PRESETS",
    "Cycle",
    "CyclicEdits",
    "Judges",
    "Launch",
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
    "load_judges",
    "load_regressor",
    "make_fabric",
    "open_dataset",
    "parse_setting",
    "trained_parameters",
    "write_config",
    "write_result",
]
