"""Deterministic weights and pictures for the golden numbers, from NumPy's generator alone."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Suffix or substring of a key, and the spread and centre of its values; the first that fits holds.
_TO_RGB = (".to_rgbs.", ".to_rgb1.")


def drawn(name: str, seed: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    bits = np.random.PCG64((zlib.crc32(name.encode()) ^ seed) & 0xFFFFFFFF)
    return np.random.Generator(bits).standard_normal(shape).astype(np.float32)


def _spread_and_centre(key: str) -> tuple[float, float]:
    in_rgb = any(part in key for part in _TO_RGB)
    if key.endswith("modulation.bias"):
        return 0.1, 1.0
    if ".to_flows." in key and key.endswith(".conv.weight"):
        return 0.2, 0.0
    if in_rgb and key.endswith(".conv.0.weight"):
        return 0.35, 0.0
    if in_rgb and key.endswith(".bias"):
        return 0.1, -0.05
    if key.startswith(("mlp_pose.2.weight", "mlp_exp.2.weight")):
        return 8.0, 0.0
    if key.endswith((".bias", "noise.weight")):
        return 0.1, 0.0
    return 1.0, 0.0


def _kernel(key: str) -> NDArray[np.float32]:
    taps = np.array([1, 3, 3, 1], np.float32)
    gain = 4 if ".blur.kernel" in key or ".upsample.kernel" in key else 1
    return np.outer(taps, taps) * np.float32(gain / 64)


def recipe_state(wanted: Mapping[str, Tensor], seed: int, prefix: str = "") -> dict[str, Tensor]:
    """A value for every key of ``wanted``; ``prefix`` only enters the generator's name."""
    state = {}
    for key, like in wanted.items():
        if key.endswith(".kernel"):
            state[key] = torch.from_numpy(_kernel(key))
            continue
        spread, centre = _spread_and_centre(key)
        values = drawn(prefix + key, seed, tuple(like.shape))
        state[key] = torch.from_numpy(np.float32(centre) + np.float32(spread) * values)
    return state


def _grown(coarse: NDArray[np.float64], size_px: int) -> NDArray[np.float64]:
    """Bilinear, corner pixels on corner pixels, in float64."""
    cells = coarse.shape[-1]
    position = np.arange(size_px) * (cells - 1) / (size_px - 1)
    first = np.minimum(np.floor(position).astype(int), cells - 2)
    weights = np.zeros((size_px, cells))
    weights[np.arange(size_px), first] += 1 - (position - first)
    weights[np.arange(size_px), first + 1] += position - first
    return weights @ coarse @ weights.T


def recipe_picture(name: str, seed: int, size_px: int = 256) -> Tensor:
    """(1, 3, size_px, size_px) float32 in (-1, 1)."""
    total = np.zeros((3, size_px, size_px))
    for cells, share in ((4, 0.6), (16, 0.3), (64, 0.15)):
        coarse = drawn(f"image:{name}:{cells}", seed, (3, cells, cells)).astype(np.float64)
        total += share * _grown(coarse, size_px)
    return torch.from_numpy(np.tanh(total).astype(np.float32)[None])
