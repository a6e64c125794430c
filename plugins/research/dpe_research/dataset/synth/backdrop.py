"""What is behind the person."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.identity import Backdrop
from dpe_research.dataset.synth.noise import cloudy
from dpe_research.dataset.synth.skin import linear

__all__ = ["paint_backdrop"]

FloatArray = npt.NDArray[np.float32]
_SIDE_PX = 256


@lru_cache(maxsize=4)
def paint_backdrop(backdrop: Backdrop, size_px: int) -> FloatArray:
    """(size_px, size_px, 3) linear RGB. Not to be changed."""
    random = np.random.default_rng([23, backdrop.seed])
    side = (_SIDE_PX, _SIDE_PX)
    steps = (np.arange(_SIDE_PX, dtype=np.float32) + 0.5) / _SIDE_PX
    turn = random.uniform(0, 2 * np.pi)
    slope = np.float32(np.cos(turn)) * (steps - 0.5) + np.float32(np.sin(turn)) * (steps[:, None] - 0.5)
    if backdrop.kind == "plain":
        share = 0.12 * cloudy(random, side, 128) + 0.3
    elif backdrop.kind == "gradient":
        share = slope + 0.5
    elif backdrop.kind == "blobs":
        share = 1 / (1 + np.exp(-4 * cloudy(random, side, random.uniform(45, 90))))
    elif backdrop.kind == "stripes":
        share = 1 / (1 + np.exp(-9 * np.sin(slope * np.float32(random.uniform(14, 40)))))
    else:
        share = 0.5 + 0.3 * cloudy(random, side, 60, 4)
    share = np.clip(share, 0, 1).astype(np.float32)[..., None]
    picture = linear(backdrop.first) * (1 - share) + linear(backdrop.second) * share
    picture *= (1 + 0.015 * cloudy(random, side, 3))[..., None]
    picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 3.0))
    method = cv2.INTER_AREA if size_px < _SIDE_PX else cv2.INTER_LINEAR
    return np.asarray(np.clip(cv2.resize(picture, (size_px, size_px), interpolation=method), 0, 1))
