"""What a training tells while it runs, and whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["SilentObserver", "StepReport", "TrainingObserver"]


@dataclass(frozen=True, slots=True)
class StepReport:
    """Means over the steps since the report before."""

    step: int
    """Steps done."""
    num_steps: int
    """Steps of the whole training."""
    stage: int
    """Position of the stage, 0-based."""
    terms: Mapping[str, float]
    """Value of each term before its weight, the weighted total, the discriminator's loss, norms of gradients."""
    steps_per_s: float
    """Speed since the report before; the parts between steps, such as checkpoints, count too."""
    peak_bytes: int
    """Most GPU memory in use so far in this process; 0 on a CPU."""

    @property
    def left_s(self) -> float:
        """Seconds until the end at this speed."""
        return (self.num_steps - self.step) / self.steps_per_s if self.steps_per_s > 0 else float("inf")


class TrainingObserver(Protocol):
    """Told of a training's progress by the first process."""

    def reported(self, report: StepReport) -> None:
        """So many steps are done."""
        ...

    def noted(self, text: str) -> None:
        """Something worth knowing happened."""
        ...


class SilentObserver:
    """Tells nobody."""

    def reported(self, report: StepReport) -> None:
        """Nothing."""

    def noted(self, text: str) -> None:
        """Nothing."""
