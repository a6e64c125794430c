"""Pictures that show how far a training is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.training.batch import PairBatch
from dpe_research.training.cycle import CyclicEdits

__all__ = ["SAMPLE_COLUMNS", "draw_samples", "tile"]

SAMPLE_COLUMNS = ("S", "S'", "S''", "D", "D'", "D''")
"""What the columns show; see `dpe_research.training.cycle`. S' and D' are to be equal, S'' to be D, D'' to be S."""


@torch.no_grad()
def draw_samples(edits: CyclicEdits, batch: PairBatch) -> npt.NDArray[np.uint8]:
    """(N S, 6 S, 3) uint8 RGB: a row a pair, its pictures as in ``SAMPLE_COLUMNS``."""
    cycle = edits(batch.source, batch.driver)
    columns = (batch.source, cycle.source_mid, cycle.source_final, batch.driver, cycle.driver_mid, cycle.driver_final)
    return tile(torch.stack(columns, dim=1))


def tile(pictures: Tensor) -> npt.NDArray[np.uint8]:
    """One (R S, C S, 3) uint8 picture of R x C pictures (R, C, 3, S, S) in about [-1, 1]."""
    levels = ((pictures.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    rows, columns, _, height, width = levels.shape
    tiled = levels.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, 3)
    return np.ascontiguousarray(tiled.cpu().numpy())
