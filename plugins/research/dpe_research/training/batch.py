"""The pairs of a step, with what its terms need to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from dpe_research.measurement import HeldMotion

__all__ = ["PairBatch"]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """N pairs of frames; both of a pair are of one clip, so show one person."""

    source: Tensor
    """S, (N, 3, S, S), floating, [-1, 1]."""
    driver: Tensor
    """D, likewise."""
    source_near_px: Tensor | None = None
    """(N, V, 3) mesh of each S in picture pixels, which saves the regressor from looking for the face."""
    driver_near_px: Tensor | None = None
    """(N, V, 3), of each D."""
    names: tuple[str, ...] = ()
    """What messages call each pair: clip and frames."""
    source_parts: Tensor | None = None
    """(N, 1, S, S) uint8 masks of the parts of each S that show its expression; where a term asks for them."""
    driver_parts: Tensor | None = None
    """(N, 1, S, S), of each D."""
    source_motion: HeldMotion | None = None
    """What the dataset says of each S; where a stage asks for it."""
    driver_motion: HeldMotion | None = None
    """Of each D."""

    def __len__(self) -> int:
        return len(self.source)

    def to(self, device: torch.device, dtype: torch.dtype) -> PairBatch:
        """The batch on a device, pictures in a dtype."""
        return PairBatch(
            self.source.to(device, dtype),
            self.driver.to(device, dtype),
            None if self.source_near_px is None else self.source_near_px.to(device),
            None if self.driver_near_px is None else self.driver_near_px.to(device),
            self.names,
            None if self.source_parts is None else self.source_parts.to(device),
            None if self.driver_parts is None else self.driver_parts.to(device),
            None if self.source_motion is None else self.source_motion.to(device, dtype),
            None if self.driver_motion is None else self.driver_motion.to(device, dtype),
        )

    def first(self, count: int) -> PairBatch:
        """The first pairs of the batch."""
        return self._rows(slice(0, count))

    def parts(self, count: int) -> Iterator[PairBatch]:
        """The batch cut into ``count`` equal parts, in order."""
        size = len(self) // count
        for start in range(0, size * count, size):
            yield self._rows(slice(start, start + size))

    def _rows(self, rows: slice) -> PairBatch:
        return PairBatch(
            self.source[rows],
            self.driver[rows],
            None if self.source_near_px is None else self.source_near_px[rows],
            None if self.driver_near_px is None else self.driver_near_px[rows],
            self.names[rows],
            None if self.source_parts is None else self.source_parts[rows],
            None if self.driver_parts is None else self.driver_parts[rows],
            None if self.source_motion is None else self.source_motion.rows(rows),
            None if self.driver_motion is None else self.driver_motion.rows(rows),
        )
