"""Boxes in windows: each frame's own, drawn together where they are of one size."""

from __future__ import annotations

from collections.abc import Iterator

import torch

__all__ = ["box_of", "same_sized"]


def same_sized(sizes: torch.Tensor) -> Iterator[tuple[tuple[int, int], torch.Tensor]]:
    """Every size that occurs among ``sizes``, (N, 2) width and height in whole pixels, with the rows that have it.

    What such rows are drawn as is what each would be alone, in fewer batches.
    """
    for width, height in sorted({(width, height) for width, height in sizes.tolist()}):
        yield (width, height), ((sizes[:, 0] == width) & (sizes[:, 1] == height)).nonzero()[:, 0]


def box_of(window: torch.Tensor, at: torch.Tensor, size_px: tuple[int, int]) -> torch.Tensor:
    """The part (C, h, w) of a window (C, H, W) that begins at column and row ``at``; it shares the memory."""
    (x, y), (width, height) = at.tolist(), size_px
    return window[:, y : y + height, x : x + width]
