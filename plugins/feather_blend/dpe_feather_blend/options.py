"""Options of the plugin, importable without torch."""

from __future__ import annotations

from pydantic import Field

from dpe_toolkit.api import PluginOptions

__all__ = ["FeatherOptions"]


class FeatherOptions(PluginOptions):
    """Options of compositor ``feather``."""

    feather_px: float = Field(
        default=0.0,
        ge=0,
        le=500,
        description="Width in pixels over which the edit runs out, inside the edge of the matte; "
        "0 takes a twelfth of the face's width.",
    )
    match_colour: bool = Field(
        default=False,
        description="Shift the edited face's colour to the source's; for generators that draw new pixels.",
    )
