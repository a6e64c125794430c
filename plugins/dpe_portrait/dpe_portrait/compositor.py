"""Compositor ``crop``: the whole crop, for edits that move more than the face."""

from __future__ import annotations

import torch

from dpe_portrait.options import CropOptions
from dpe_toolkit.api import Composited, FaceBatch, Generated, aligned_mask

__all__ = ["CropCompositor"]


class CropCompositor:
    """Shows all that the generator trusts, run out towards the edge of the window."""

    def __init__(self, options: CropOptions) -> None:
        self._options = options

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """Pixels and matte of N windows."""
        matte = self._run_out(source.pixels).expand(len(source), -1, -1, -1)
        if edited.confidence is not None:
            matte = matte * edited.confidence
        return Composited(edited.pixels, matte)

    def _run_out(self, windows: torch.Tensor) -> torch.Tensor:
        """(1, 1, h, w) 1 in the middle of the windows, running out to each of their four borders."""
        height, width = windows.shape[2:]
        feather_px = self._options.feather_share * min(width, height)
        # A line each way: a square over a window that is none would end outside of it on two sides.
        across = windows.new_tensor([[0.0, (1 - width) / 2, width]])
        down = windows.new_tensor([[(1 - height) / 2, 0.0, height]])
        return aligned_mask(across, (width, 1), feather_px) * aligned_mask(down, (1, height), feather_px)
