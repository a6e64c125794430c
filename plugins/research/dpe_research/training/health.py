"""What ends a training: numbers that are no numbers, told with where they came from, and memory that is used up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dpe_research.training.config import TrainingConfig
from dpe_toolkit.api import TrainingError, first_line
from dpe_toolkit.api.components import is_out_of_memory

__all__ = ["faults_of", "not_finite", "shorten_gradients", "within_memory"]

_MOST_CLIPS = 8


def shorten_gradients(network: nn.Module, limit: float) -> Tensor:
    """The norm of all gradients, which are scaled down to ``limit`` where that is above 0 and below the norm."""
    gradients = [one.grad for one in network.parameters() if one.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit > 0:
        parameters = [one for one in network.parameters() if one.grad is not None]
        torch.nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm


def faults_of(values: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What is not finite among scalars, as ``name = value``; one transfer from the device for all."""
    numbers = torch.stack([value.detach() for value in values.values()]).tolist()
    return tuple(
        f"{name} = {number}" for name, number in zip(values, numbers, strict=True) if not math.isfinite(number)
    )


def not_finite(step: int, faults: Sequence[str], clips: Sequence[str], saved: str) -> TrainingError:
    """The error that ends a training whose numbers went astray.

    Args:
        step: 0-based.
        faults: what was not finite.
        clips: pairs of the batch.
        saved: name of the checkpoint from before the step.
    """
    shown = ", ".join(clips[:_MOST_CLIPS]) + (f" and {len(clips) - _MOST_CLIPS} more" if clips[_MOST_CLIPS:] else "")
    return TrainingError(
        f"step {step} gave numbers that are not finite: {', '.join(faults)}; its pairs were {shown}",
        "finite losses and gradients",
        f"the state before the step is in {saved}: go on from it by --resume with a smaller learning rate "
        "(--set stages.0.learning_rate=...), with optimiser.gradient_limit, or without those clips",
    )


@contextmanager
def within_memory(config: TrainingConfig) -> Iterator[None]:
    """Says what to change where the memory of the device ends.

    Raises:
        TrainingError: it did.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"a step of {config.data.batch_size} pairs needs more memory than the device has ({first_line(error)})",
            "room for the pairs that are worked through at once",
            f"raise compute.accumulate (now {config.compute.accumulate}), set network.checkpoint_gradients=true or "
            "compute.precision=bf16-mixed, or lower data.batch_size",
        ) from error
