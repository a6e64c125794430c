"""Ways from the network's image to the native window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_portrait.options import PasteMode
from dpe_toolkit.api import Rendering, aligned_mask, paste_aligned, split_flow

__all__ = ["Renderings", "paste", "relative_flow"]

_STILL_PX = 1e-3
"""Movements below this, in window pixels, leave a pixel as it is."""
_WHOLE = 0.998
"""Relative masks above this leave a warped pixel to the source alone: half precision does not reach 1."""
_FEATHER_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Renderings:
    """What the network drew of N faces."""

    edited: Rendering
    unedited: Rendering
    """The network's own idea of no edit, which is not the source."""


def paste(windows: Tensor, squares_px: Tensor, drawn: Renderings, mode: PasteMode) -> Tensor:
    """The windows with the edit in them.

    Args:
        windows: (N, 3, h, w) RGB in about [0, 1], the source's own pixels.
        squares_px: (N, 3) where the network's images lie in them, as for `cut_aligned`.
        drawn: the N images.
        mode: ``plain`` shows the image. ``residual`` adds what the edit changed of it. ``flow`` moves
            the window's own pixels as the network moves its features, and takes the image's only where
            the network invents more than it does without an edit. ``flow_residual`` moves them likewise
            and adds what the image changed beyond that movement.

    Returns:
        (N, 3, h, w). Outside the squares, and in all modes but ``plain`` where the two renderings are
        equal, exactly the window.
    """
    squares_px = squares_px.to(windows.device)
    size_px = (windows.shape[3], windows.shape[2])
    inside = aligned_mask(squares_px, size_px, squares_px[:, 2] * _FEATHER_SHARE)
    edited, unedited = _shown(drawn.edited), _shown(drawn.unedited)
    if mode == "plain":
        image = paste_aligned(edited, squares_px, size_px)
        return torch.where(inside > 0, windows + inside * (image - windows), windows)
    if mode == "residual":
        return windows + inside * paste_aligned(edited - unedited, squares_px, size_px)
    move, share = relative_flow(drawn)
    scale = (squares_px[:, 2] / move.shape[-1]).view(-1, 1, 1, 1)
    moved = _warped(windows, paste_aligned(move, squares_px, size_px) * scale * inside)
    if mode == "flow_residual":
        return moved + inside * paste_aligned(edited - _warped(unedited, move), squares_px, size_px)
    share = paste_aligned(share, squares_px, size_px)
    invented = torch.where(share < _WHOLE, 1.0 - share.clamp(0.0, 1.0), torch.zeros_like(share)) * inside
    image = paste_aligned(edited, squares_px, size_px)
    return torch.where(invented > 0, moved + invented * (image - moved), moved)


def relative_flow(drawn: Renderings) -> tuple[Tensor, Tensor]:
    """Where the edit takes each pixel from, seen from the rendering without it.

    Returns:
        Movement (N, 2, S, S), x then y, in pixels of the image: pixel ``x`` shows what lies at ``x`` plus
        this in the source. And (N, 1, S, S) how much of the warped source is left in [0, 1], 1 where the
        edit invents no more than the rendering without it.
    """
    grid, mask = split_flow(drawn.edited.raw_flows[-1].float())
    own_grid, own_mask = split_flow(drawn.unedited.raw_flows[-1].float())
    move = (grid - own_grid).permute(0, 3, 1, 2) * (grid.shape[1] / 2)
    return move, (mask / own_mask.clamp_min(1e-3)).clamp(0.0, 1.0)


def _shown(rendering: Rendering) -> Tensor:
    """(N, 3, S, S) RGB in [0, 1]."""
    return (rendering.image.float().clamp(-1.0, 1.0) + 1.0) / 2.0


def _warped(windows: Tensor, move: Tensor) -> Tensor:
    """Each pixel of (N, 3, h, w) from where ``move`` (N, 2, h, w) says, in pixels; the border is repeated.

    One image may serve all movements.
    """
    windows = windows.expand(len(move), -1, -1, -1)
    height, width = windows.shape[2:]
    x = torch.arange(width, device=windows.device) + 0.5 + move[:, 0]
    y = (torch.arange(height, device=windows.device) + 0.5)[:, None] + move[:, 1]
    grid = torch.stack((x * (2.0 / width) - 1.0, y * (2.0 / height) - 1.0), dim=-1)
    moved = F.grid_sample(windows, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return torch.where((move.abs() > _STILL_PX).any(dim=1, keepdim=True), moved, windows)
