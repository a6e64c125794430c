"""Sizes of the DPE network, in one frozen dataclass."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["NetworkParams"]

_BASE_SIZE = 256
_SMALLEST_SIZE = 4


@dataclass(frozen=True, slots=True)
class NetworkParams:
    """Sizes shared by every module of one network; the defaults are those of the released weights.

    Raises:
        ValueError: a size that no such network can have.
    """

    size: int = 256
    """Side of the square pictures in pixels; a power of two, at least 8."""
    style_dim: int = 512
    """Length K of the latent and of both motion codes."""
    motion_dim: int = 20
    """Number of directions in the motion dictionary."""
    channel_multiplier: int = 1
    """Widens the levels of 64 pixels and more."""
    max_channels: int = 512
    """Widest level. The released networks have 512; tests use a few."""
    base_channels: int = 64
    """Channels of a level of 256 pixels before the multiplier; each halving of the size doubles them, up to the
    widest. Fewer than the released 64 make a network for few CPU cores."""

    def __post_init__(self) -> None:
        if self.size < 2 * _SMALLEST_SIZE or self.size & (self.size - 1):
            raise ValueError(f"size is {self.size}; a power of two of at least 8 is needed")
        counts = (self.style_dim, self.motion_dim, self.channel_multiplier, self.max_channels, self.base_channels)
        if min(counts) < 1:
            raise ValueError(f"{self} has a size below 1; every size must be at least 1")
        if self.motion_dim > self.style_dim:
            raise ValueError(f"motion_dim is {self.motion_dim}; at most style_dim = {self.style_dim} directions exist")

    @property
    def num_levels(self) -> int:
        """Number L of feature levels: one for each picture size from 8 to ``size``."""
        return int(math.log2(self.size)) - 2

    @property
    def level_sizes(self) -> tuple[int, ...]:
        """Picture sizes of the feature levels in pixels, coarsest (8) first."""
        return tuple(8 << level for level in range(self.num_levels))

    def channels(self, size_px: int) -> int:
        """Channels of the level whose pictures are ``size_px`` wide."""
        return max(1, min(self.max_channels, self.base_channels * _BASE_SIZE * self.channel_multiplier // size_px))
