"""The moving average of a network's weights."""

from __future__ import annotations

import copy

from torch.optim.swa_utils import get_ema_multi_avg_fn

from dpe_research.training.config import AverageSettings
from dpe_toolkit.api.networks import DpeNetwork

__all__ = ["WeightAverage"]


class WeightAverage:
    """``average += (1 - decay) (weights - average)`` after every step, starting at the first weights.

    Source: our addition, as StyleGAN2 does it; the paper does not say. Warming up as in TensorFlow's moving averages,
    which PyTorch's `AveragedModel` has not: it keeps one decay, and begins at the weights after the first step.

    Args:
        network: what is averaged.
        settings: decay and warm-up.
    """

    def __init__(self, network: DpeNetwork, settings: AverageSettings) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        """A network of the averages, ready to draw."""
        self._settings = settings

    def decay(self, step: int) -> float:
        """Share kept at a step, 0-based."""
        warm = (1.0 + step) / (10.0 + step) if self._settings.warm_up else 1.0
        return min(self._settings.decay, warm)

    def update(self, network: DpeNetwork, step: int) -> None:
        """Takes in the weights after a step, 0-based."""
        own, new = ([one.detach() for one in each.parameters()] for each in (self.network, network))
        get_ema_multi_avg_fn(self.decay(step))(own, new, 0)  # type: ignore[no-untyped-call] # torch states none
