"""Options of the plugin, importable without torch."""

from __future__ import annotations

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["MultibandOptions"]


class MultibandOptions(PluginOptions):
    """Options of compositor ``multiband``."""

    bands: int = Field(
        default=5, ge=1, le=8, description="Bands of detail; each coarser one is blended over twice the width."
    )
    reach: float = Field(default=1.25, ge=0.8, le=1.6, description="Size of what is shown over the face's hull.")
    edge_px: float = Field(
        default=8.0,
        ge=1,
        le=100,
        description="Width over which the blend runs out where the generator changed nothing.",
    )
