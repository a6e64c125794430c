"""The JSON header of the toolkit's own weights files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.networks import Branch, NetworkParams

__all__ = ["HEADER_KEY", "WeightsHeader"]

HEADER_KEY = "dpe_toolkit"
"""Name of the header among the metadata of a safetensors file."""


class WeightsHeader(BaseModel):
    """What a weights file says of itself, stored as JSON beside the tensors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(1, alias="schema", description="version of this header")
    size: int = Field(256, description="side of the pictures in pixels")
    style_dim: int = Field(512, description="length of the latent and of the motion codes")
    motion_dim: int = Field(20, description="number of directions in the motion dictionary")
    channel_multiplier: int = Field(1, description="widens the levels of 64 pixels and more")
    max_channels: int = Field(512, description="widest level")
    base_channels: int = Field(64, description="channels of a level of 256 pixels, before the multiplier")
    expression_branch: Branch = Field("pose", description="branch that edits the expression")
    training_digest: str | None = Field(None, description="digest of the training configuration, if known")
    licence: str = Field("unknown", description="licence of the weights, as an SPDX name where there is one")

    @classmethod
    def of(
        cls,
        params: NetworkParams,
        *,
        expression_branch: Branch = "pose",
        training_digest: str | None = None,
        licence: str = "unknown",
    ) -> WeightsHeader:
        """A header for a network of these sizes."""
        return cls(
            schema=1,
            size=params.size,
            style_dim=params.style_dim,
            motion_dim=params.motion_dim,
            channel_multiplier=params.channel_multiplier,
            max_channels=params.max_channels,
            base_channels=params.base_channels,
            expression_branch=expression_branch,
            training_digest=training_digest,
            licence=licence,
        )

    @property
    def params(self) -> NetworkParams:
        """The sizes, checked.

        Raises:
            ValueError: sizes that no network can have.
        """
        return NetworkParams(
            size=self.size,
            style_dim=self.style_dim,
            motion_dim=self.motion_dim,
            channel_multiplier=self.channel_multiplier,
            max_channels=self.max_channels,
            base_channels=self.base_channels,
        )
