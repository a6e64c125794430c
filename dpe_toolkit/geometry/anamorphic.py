"""Windows of square pixels on frames whose stored pixels are wider or narrower than high, on the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.core.frames import FrameBatch

__all__ = ["SquarePixels"]

# Columns around the window, for the interpolation at its edges.
_MARGIN = 4


@dataclass(frozen=True, slots=True)
class SquarePixels:
    """How windows of square pixels lie on stored columns. Rows are the same in both."""

    origin_px: npt.NDArray[np.int64]
    """(N, 2) first square pixel of each window."""
    size_px: tuple[int, int]
    """(width, height) in square pixels."""
    squeeze: float
    """Stored columns in a square pixel."""

    @classmethod
    def of(cls, frames: FrameBatch, origin_px: npt.NDArray[np.int64], size_px: tuple[int, int]) -> SquarePixels:
        """The windows of ``size_px`` square pixels that begin at ``origin_px``, (N, 2)."""
        return cls(origin_px, size_px, frames.stored_size_px[0] / frames.size_px[0])

    @property
    def stored_origin_px(self) -> npt.NDArray[np.int64]:
        """(N, 2) first stored pixel that is wanted for each window, even."""
        first = np.floor(self.origin_px[:, 0] * self.squeeze).astype(np.int64) - _MARGIN
        return np.stack([first & ~1, self.origin_px[:, 1]], axis=1)

    @property
    def stored_size_px(self) -> tuple[int, int]:
        """(width, height) in stored pixels, even."""
        width = int(np.ceil(self.size_px[0] * self.squeeze)) + 2 * _MARGIN + 2
        return (width + 1) & ~1, self.size_px[1]

    def widen(self, stored: torch.Tensor) -> torch.Tensor:
        """(N, C, h, w) square pixels from (N, C, h, stored w), interpolated linearly."""
        return torch.matmul(stored, torch.from_numpy(self._weights()).to(stored.dtype)[:, None])

    def narrow(self, change: torch.Tensor) -> torch.Tensor:
        """(N, C, h, stored w) from a change of square pixels, each stored pixel the mean of those on it.

        Where nothing near a stored pixel changes, its value is exactly 0.
        """
        weights = self._weights().transpose(0, 2, 1)
        total = weights.sum(axis=1, keepdims=True)
        share = weights / np.maximum(total, max(1.0, 1 / self.squeeze) * 0.5)
        return torch.matmul(change, torch.from_numpy(share).to(change.dtype)[:, None])

    def _weights(self) -> npt.NDArray[np.float32]:
        """(N, stored w, w): share of each stored column in each square pixel, columns summing to 1."""
        width, stored = self.size_px[0], self.stored_size_px[0]
        centres = (self.origin_px[:, :1] + np.arange(width) + 0.5) * self.squeeze - self.stored_origin_px[:, :1]
        distance = np.abs(centres[:, None, :] - (np.arange(stored)[:, None] + 0.5))
        reach = max(1.0, self.squeeze)
        weights = np.maximum(0.0, 1.0 - distance / reach)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
