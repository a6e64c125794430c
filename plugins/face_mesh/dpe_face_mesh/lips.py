"""Where lips are read when a mouth that was open is to be shut.

The mesh's inner border of the lips lies a little on the teeth. Where the lips close, that rim of teeth would
stay between them, so lips are read from further out, and the line between them from the upper lip.
"""

from __future__ import annotations

import torch

from dpe_toolkit.api import LIP_RINGS

__all__ = ["seam_points", "tuck_lips"]

_TUCK_UPPER, _TUCK_LOWER = 0.6, 0.4
_SEAM = 0.4


def tuck_lips(source: torch.Tensor, closing: torch.Tensor) -> torch.Tensor:
    """The mesh with the inner part of the lips drawn outward on the lips.

    Args:
        source: (N, 478, 3) mesh in window pixels.
        closing: (N,) 0 where the mouth does not close, 1 where it shuts altogether.
    """
    tucked = source.clone()
    rings = torch.from_numpy(LIP_RINGS).to(source.device)
    outer, inner = source[:, rings[0]], source[:, rings[-1]]
    kept = torch.full((rings.shape[1],), 1 - _TUCK_LOWER, device=source.device)
    kept[:11] = 1 - _TUCK_UPPER
    for number in range(1, len(rings)):
        share = kept[:, None] * (number / (len(rings) - 1))
        tucked[:, rings[number]] = source[:, rings[number]].lerp(outer.lerp(inner, share), closing[:, None, None])
    return tucked


def seam_points(source: torch.Tensor) -> torch.Tensor:
    """(N, 20, 3) points on the upper lip for the whole inner border, so that no tooth lies between them."""
    rings = torch.from_numpy(LIP_RINGS).to(source.device)
    upper = source[:, rings[0, :11]].lerp(source[:, rings[-1, :11]], _SEAM)
    # the lower border runs back, so that each of its vertices reads where the upper one above it does
    return torch.cat([upper, upper.flip(1)[:, 1:10]], dim=1)
