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
        height, width = source.pixels.shape[2:]
        side = float(max(width, height))
        square = torch.tensor([[(width - side) / 2, (height - side) / 2, side]], device=source.pixels.device)
        matte = aligned_mask(square, (width, height), self._options.feather_share * side).expand(
            len(source), -1, -1, -1
        )
        if edited.confidence is not None:
            matte = matte * edited.confidence
        return Composited(edited.pixels, matte)
