"""What a training hands over: averaged weights, with what they were measured to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpe_research.measurement import BranchMeasure, FaceClips, measure_branches
from dpe_research.training.config import TrainingConfig
from dpe_research.training.folder import RunFolder
from dpe_research.training.settings import config_digest
from dpe_toolkit.api import AnalysisError, ExpressionRegressor
from dpe_toolkit.api.networks import DpeNetwork, WeightsHeader, save_weights

__all__ = ["TrainedWeights", "write_result"]


@dataclass(frozen=True, slots=True)
class TrainedWeights:
    """The weights file of a training."""

    path: Path
    header: WeightsHeader
    """As in the file: ``expression_branch`` is measured where it could be, else what the losses asked for."""
    measure: BranchMeasure | None
    """What the branches do to held-out pairs; None where no regressor or no held-out clip was there."""
    note: str
    """What a person should know of the measure; empty where nothing."""


def write_result(
    config: TrainingConfig,
    network: DpeNetwork,
    folder: RunFolder,
    dataset: FaceClips,
    regressor: ExpressionRegressor | None,
) -> TrainedWeights:
    """Measures the branches and writes the weights file.

    Which branch edits the expression is a fact of a training: the losses ask for one, and what came out may be
    another, or neither.

    Args:
        config: of the training; its digest goes into the header.
        network: averaged weights.
        folder: of the run.
        dataset: whose test part is measured on.
        regressor: reads the faces; None measures nothing.

    Raises:
        CheckpointError: the file cannot be written.
    """
    measure, note = _measured(network, dataset, regressor)
    asked = config.network.expression_branch
    branch = measure.expression_branch if measure is not None and measure.is_clear else asked
    if measure is not None and not measure.is_clear:
        note = f"the branches move expression and pose alike: {asked!r} stands in the file because the losses asked so"
    elif branch != asked:
        note = f"the losses asked branch {asked!r} for the expression, and {branch!r} took it"
    header = WeightsHeader.of(network.params, expression_branch=branch, training_digest=config_digest(config))
    state = {name: tensor.float() for name, tensor in network.state_dict().items()}
    save_weights(folder.weights, state, header)
    return TrainedWeights(folder.weights, header, measure, note)


def _measured(
    network: DpeNetwork, dataset: FaceClips, regressor: ExpressionRegressor | None
) -> tuple[BranchMeasure | None, str]:
    if regressor is None:
        return None, "no regressor is installed, so the branches were not measured"
    try:
        return measure_branches(network, dataset, regressor), ""
    except AnalysisError as error:
        return None, f"the branches were not measured: {error.wrong}"
