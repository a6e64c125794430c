"""Everything that changes while training: weights, their average, optimisers, the step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from dpe_research.training.average import WeightAverage
from dpe_research.training.config import NetworkSettings, Stage, TrainingConfig
from dpe_research.training.cycle import CyclicEdits
from dpe_research.training.step import Adversary, Players, trained_parameters
from dpe_toolkit.api import TrainingError
from dpe_toolkit.api.networks import (
    Discriminator,
    DpeNetwork,
    initialise_network,
    load_discriminator,
    load_network,
    read_weights,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["TrainingState", "starting_networks"]


def starting_networks(config: TrainingConfig) -> tuple[DpeNetwork, Discriminator | None]:
    """The networks as a training starts with them; the discriminator is None where nothing needs one.

    Source: the released trainer starts encoder, motion MLP and directions from LIA; the paper does not say.

    Raises:
        CheckpointError: the weights to start from cannot be used.
        TrainingError: they are of other sizes.
    """
    torch.manual_seed(config.seed)
    params = config.network.params
    group = config.adversarial.deviation_group
    discriminator = Discriminator(params, group_size=group) if config.adversarial.weight > 0 else None
    if not config.network.start:
        network = DpeNetwork(params)
        _still(network)
        return network, discriminator
    path = Path(config.network.start)
    weights = read_weights(path)
    network = initialise_network(path)[0] if weights.format == "lia" else load_network(path)[0]
    if network.params != params:
        raise TrainingError(
            f"the weights to start from are of {network.params}",
            f"the sizes of this training, {params}",
            "change network.* or start from other weights",
            path=path,
        )
    if discriminator is not None and weights.discriminator:
        discriminator.load_state_dict(load_discriminator(path).state_dict())
    return network, discriminator


def _still(network: DpeNetwork) -> None:
    """Lets a network that starts at random take every pixel from where it is, half warped and half invented.

    Random flows sample far away, where bilinear sampling has no gradient that would lead back. Source: our choice,
    after the offsets of deformable convolutions (Dai et al., ICCV 2017), which start at nothing.
    """
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if ".to_flows." in name and name.endswith(".conv.weight"):
                parameter.zero_()


class TrainingState:
    """The changing part of a training, on its device.

    Args:
        config: the training.
        fabric: launched.
    """

    def __init__(self, config: TrainingConfig, fabric: Fabric) -> None:
        self.config = config
        self.step = 0
        """Steps done."""
        self._fabric = fabric
        self.network, self.discriminator = starting_networks(config)
        self.edits = edits_of(self.network, config)
        self._adversary = None if self.discriminator is None else Adversary(self.discriminator)
        # Before optimisers and average are made, which hold on to what they are given.
        for module in (self.edits, self._adversary):
            if module is not None:
                module.to(fabric.device, _dtype(config))
        self.average = WeightAverage(self.network, config.average)
        self.drawing = edits_of(self.average.network, config)
        """The cycle of the averaged weights, for samples."""
        trained = trained_parameters(self.network, self.edits, "everything").values()
        self.optimiser = _adam(list(trained), config)
        self.adversary_optimiser = (
            None if self.discriminator is None else _adam(list(self.discriminator.parameters()), config)
        )

    def enter(self, stage: Stage) -> Players:
        """The networks ready for a stage: what it trains, its learning rates, wrapped for the processes."""
        trained = set(trained_parameters(self.network, self.edits, stage.trains, stage.compares))
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in trained)
            parameter.grad = None
        _set_rate(self.optimiser, stage.learning_rate)
        self.edits.compares = stage.compares
        # The strategy's wrapper alone: Fabric's own casts what comes out to single precision.
        edits = self._fabric.strategy.setup_module(self.edits)
        if self._adversary is None or self.adversary_optimiser is None:
            return Players(edits, None, None)
        _set_rate(self.adversary_optimiser, stage.learning_rate * self.config.optimiser.discriminator_rate)
        return Players(edits, self._fabric.strategy.setup_module(self._adversary), self.discriminator)

    def clear_gradients(self) -> None:
        """Drops all gradients."""
        for optimiser in (self.optimiser, self.adversary_optimiser):
            if optimiser is not None:
                optimiser.zero_grad(set_to_none=True)

    def apply_gradients(self) -> None:
        """One step of both optimisers and of the average."""
        for optimiser in (self.optimiser, self.adversary_optimiser):
            if optimiser is not None:
                optimiser.step()
        self.average.update(self.network, self.step)
        self.step += 1

    def to_save(self) -> dict[str, object]:
        """What a checkpoint holds. Chance needs no state: every step seeds it anew."""
        state: dict[str, object] = {
            "network": self.config.network.model_dump(mode="json"),
            "generator": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        if self.discriminator is not None and self.adversary_optimiser is not None:
            state["discriminator"] = self.discriminator.state_dict()
            state["adversary_optimiser"] = self.adversary_optimiser.state_dict()
        return state

    def load(self, state: Mapping[str, object], path: Path) -> None:
        """Takes up what a checkpoint holds.

        Raises:
            TrainingError: the checkpoint is of another network.
        """
        held = NetworkSettings.model_validate(state["network"])
        same = held.params == self.config.network.params
        if not same or held.expression_branch != self.config.network.expression_branch:
            raise TrainingError(
                f"the checkpoint is of a network of {held.params}, expression branch {held.expression_branch!r}",
                f"{self.config.network.params}, expression branch {self.config.network.expression_branch!r}",
                "leave the settings under network as they were",
                path=path,
            )
        for module, name in self._holders():
            if name in state:
                module.load_state_dict(cast("dict[str, Any]", state[name]))
        self.step = cast("int", state["step"])

    def _holders(self) -> list[tuple[nn.Module | torch.optim.Optimizer, str]]:
        holders: list[tuple[nn.Module | torch.optim.Optimizer | None, str]] = [
            (self.network, "generator"),
            (self.average.network, "average"),
            (self.optimiser, "optimiser"),
            (self.discriminator, "discriminator"),
            (self.adversary_optimiser, "adversary_optimiser"),
        ]
        return [(holder, name) for holder, name in holders if holder is not None]


def edits_of(network: DpeNetwork, config: TrainingConfig) -> CyclicEdits:
    """The cycle of a network, as a training has it."""
    return CyclicEdits(
        network,
        expression_branch=config.network.expression_branch,
        reconstruct_driver=config.reconstruct_driver,
        checkpoint_gradients=config.network.checkpoint_gradients,
    )


def _dtype(config: TrainingConfig) -> torch.dtype:
    """Of weights; mixed precision is a matter of the forward passes alone."""
    return torch.float64 if config.compute.precision == "64-true" else torch.float32


def _adam(parameters: list[nn.Parameter], config: TrainingConfig) -> torch.optim.Adam:
    settings = config.optimiser
    return torch.optim.Adam(parameters, betas=(settings.beta1, settings.beta2), eps=settings.epsilon)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
