"""Options of the plugin, importable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["PoissonOptions"]


class PoissonOptions(PluginOptions):
    """Options of compositor ``poisson``."""

    method: Literal["multigrid", "opencv"] = Field(
        default="multigrid",
        description="Who solves. multigrid: PyTorch, a batch at once, on the render's device. opencv: seamlessClone, "
        "frame by frame, on the CPU, the correction in steps of 8 bits.",
    )
    reach: float = Field(default=1.25, ge=0.8, le=1.6, description="Size of what is shown over the face's hull.")
    feather_px: float = Field(
        default=3.0,
        ge=0,
        le=100,
        description="Width over which the corrected face runs out inside its edge; 0 is hard.",
    )
    cycles: int = Field(default=6, ge=1, le=50, description="Multigrid cycles; more come nearer to the exact solution.")
