"""Training: the paper's bidirectional cycle, with its losses, its stages and an engine that can be interrupted."""

from __future__ import annotations

from dpe_toolkit.training.config import TrainingConfig
from dpe_toolkit.training.cycle import Cycle, CyclicEdits
from dpe_toolkit.training.objective import Judges, Objective, PairBatch
from dpe_toolkit.training.presets import PRESETS
from dpe_toolkit.training.settings import config_digest, load_config, write_config
from dpe_toolkit.training.step import Players, accumulate_gradients, trained_parameters

__all__ = [
    "PRESETS",
    "Cycle",
    "CyclicEdits",
    "Judges",
    "Objective",
    "PairBatch",
    "Players",
    "TrainingConfig",
    "accumulate_gradients",
    "config_digest",
    "load_config",
    "trained_parameters",
    "write_config",
]
