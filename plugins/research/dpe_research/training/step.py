"""One step: gradients of the generators and of the discriminator, over a batch worked through in equal parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from dpe_research.training.batch import PairBatch
from dpe_research.training.config import Compares, TrainingConfig
from dpe_research.training.cycle import Cycle, CyclicEdits
from dpe_research.training.losses import discriminator_loss, gradient_penalty
from dpe_research.training.objective import Objective
from dpe_toolkit.api.networks import Discriminator, DpeNetwork

__all__ = ["Adversary", "Players", "Runner", "accumulate_gradients", "trained_parameters"]


class Adversary(nn.Module):
    """The discriminator's side of a step as one forward pass, which is what data-parallel wrappers want."""

    def __init__(self, discriminator: Discriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, real: Tensor, fake: Tensor, penalised: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Scores (N, 1) of real and of fake pictures (N, 3, S, S), and the gradient penalty, 0 unless asked for.

        Each in a batch of its own, so that no group of deviations mixes them.
        """
        if not penalised:
            return self.discriminator(real), self.discriminator(fake), real.new_zeros(())
        real = real.detach().requires_grad_()
        scores = self.discriminator(real)
        return scores, self.discriminator(fake), gradient_penalty(scores, real)


@dataclass(frozen=True, slots=True)
class Players:
    """The networks of a step as it calls them: plain, or in a wrapper for many processes."""

    edits: Callable[[Tensor, Tensor], Cycle]
    """A `CyclicEdits`."""
    adversary: Callable[[Tensor, Tensor, bool], tuple[Tensor, Tensor, Tensor]] | None
    """An `Adversary`; None where the adversarial term is not in use."""
    discriminator: Discriminator | None
    """The same one's discriminator, plain: measuring fakes for the generators trains nothing in it."""


class Runner(Protocol):
    """What differs between a plain step and one in many processes; `PlainRunner` is the former."""

    def backward(self, loss: Tensor) -> None:
        """Adds the gradients of ``loss``."""
        ...

    def autocast(self) -> AbstractContextManager[object]:
        """The precision that networks run in outside of their wrappers."""
        ...

    def without_exchange(self, network: object, enabled: bool) -> AbstractContextManager[object]:
        """While it is open, and enabled, processes do not exchange gradients of ``network``."""
        ...


class PlainRunner:
    """One process, the precision that the tensors have."""

    def backward(self, loss: Tensor) -> None:
        """Adds the gradients of ``loss``."""
        torch.autograd.backward(loss)

    def autocast(self) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def without_exchange(self, network: object, enabled: bool) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()


def accumulate_gradients(
    players: Players,
    objective: Objective,
    batch: PairBatch,
    *,
    step: int,
    compares: Compares = "everything",
    runner: Runner | None = None,
) -> tuple[dict[str, Tensor], Cycle]:
    """Adds the gradients of one step to generators and discriminator; the caller zeroes and applies them.

    The discriminator learns from the pictures that the generators made before this step.

    Args:
        players: the networks.
        objective: the generators' loss.
        batch: this process's pairs, a multiple of ``config.compute.accumulate``.
        step: 0-based, for the gradient penalty.
        compares: what the stage compares; a warm-up leaves the discriminator as it is.
        runner: precision and exchange of gradients; None for neither.

    Returns:
        Each term's value without gradients, "total" and the discriminator's among them, and the last part's cycle.
    """
    runner = runner or PlainRunner()
    count = objective.config.compute.accumulate
    sums: dict[str, Tensor] = {}
    for position, part in enumerate(batch.parts(count)):
        held = position + 1 < count
        with runner.without_exchange(players.edits, held):
            cycle, terms = _generator_part(players, objective, part, runner, compares)
        if players.adversary is not None and compares == "everything":
            with runner.without_exchange(players.adversary, held):
                terms |= _discriminator_part(players, objective.config, (cycle, part), runner, step)
        for name, value in terms.items():
            sums[name] = sums[name] + value / count if name in sums else value / count
    return sums, cycle


def _generator_part(
    players: Players, objective: Objective, part: PairBatch, runner: Runner, compares: Compares
) -> tuple[Cycle, dict[str, Tensor]]:
    with _untrained(players.discriminator):
        with runner.autocast():
            cycle = players.edits(part.source, part.driver)
            terms = objective.terms(cycle, part, players.discriminator, compares=compares)
            total = objective.total(terms)
        runner.backward(total / objective.config.compute.accumulate)
    return cycle.detached(), {name: value.detach() for name, value in {**terms, "total": total}.items()}


def _discriminator_part(
    players: Players, config: TrainingConfig, made: tuple[Cycle, PairBatch], runner: Runner, step: int
) -> dict[str, Tensor]:
    assert players.adversary is not None
    cycle, part = made
    term = config.adversarial
    penalised = term.r1_weight > 0 and step % term.r1_every_steps == 0
    # S'' is to be D and D'' to be S: the same order for real and fake.
    real = torch.cat((part.driver, part.source))
    fake = torch.cat((cycle.source_final, cycle.driver_final))
    with runner.autocast():
        real_scores, fake_scores, penalty = players.adversary(real, fake, penalised)
    loss = 2.0 * discriminator_loss(real_scores, fake_scores)
    total = term.discriminator_weight * loss
    if penalised:
        total = total + term.r1_weight * term.r1_every_steps * penalty
    runner.backward(total / config.compute.accumulate)
    terms = {"discriminator": loss.detach()}
    return {**terms, "gradient_penalty": penalty.detach()} if penalised else terms


@contextmanager
def _untrained(network: nn.Module | None) -> Iterator[None]:
    """While open, gradients pass through a network and stay out of its parameters."""
    trained = [one for one in network.parameters() if one.requires_grad] if network is not None else []
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


def trained_parameters(
    network: DpeNetwork, edits: CyclicEdits, trains: str, compares: Compares = "everything"
) -> dict[str, nn.Parameter]:
    """The parameters of ``network`` that a stage trains, by name.

    Args:
        network: the network.
        edits: its cycle, which knows what its branches play.
        trains: "everything", or "expression" for the expression generator, the motion MLP and both heads.
        compares: "codes" leaves out the generators, which draw nothing then.

    Source: DPE, section 4 (second stage). Parameters that no forward pass reads are left out.
    """
    unused = network.unused_parameters()
    names = {name: parameter for name, parameter in network.named_parameters() if name not in unused}
    if compares == "codes":
        names = {name: parameter for name, parameter in names.items() if not name.startswith("dec_")}
    if trains == "everything":
        return names
    generator = f"dec_{edits.expression_branch}."
    return {
        name: parameter
        for name, parameter in names.items()
        if name.startswith((generator, "mlp.", "mlp_pose.", "mlp_exp."))
    }
