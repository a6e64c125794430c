"""Smooth random textures."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["cloudy", "strands"]

FloatArray = npt.NDArray[np.float32]


def cloudy(random: np.random.Generator, size_px: tuple[int, int], cell_px: float, octaves: int = 1) -> FloatArray:
    """(height, width) noise of spread about 1 whose coarsest features are ``cell_px`` wide; finer ones are weaker."""
    width, height = size_px
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = (max(2, round(width * 2**octave / cell_px)), max(2, round(height * 2**octave / cell_px)))
        grid = random.normal(size=(cells[1], cells[0])).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.6**octave)
    return total


def strands(random: np.random.Generator, size_px: tuple[int, int], width_px: float, length_px: float) -> FloatArray:
    """(height, width) noise of spread about 1 in streaks that run down."""
    width, height = size_px
    cells = (max(2, round(width / width_px)), max(2, round(height / length_px)))
    grid = random.normal(size=(cells[1], cells[0])).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC))
