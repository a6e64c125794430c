"""Where in pictures the mesh network looks, and cutting that out, differentiably."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dpe_toolkit.api import EYES

__all__ = ["MESH_PX", "REGION_MARGIN", "Region", "region_of"]

MESH_PX = 256
"""Side of what the mesh network sees."""
REGION_MARGIN = 1.5


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated square that holds a face, in each of N pictures."""

    centre_px: Tensor
    """(N, 2)."""
    size_px: Tensor
    """(N,)."""
    angle: Tensor
    """(N,) radians, clockwise in the picture."""

    def matrices(self, side: int = MESH_PX) -> Tensor:
        """(N, 2, 3) maps from the pixels of a cut of ``side`` pixels to those of the picture."""
        c, s = (fn(self.angle) * self.size_px / side for fn in (torch.cos, torch.sin))
        turn = torch.stack((torch.stack((c, -s), dim=1), torch.stack((s, c), dim=1)), dim=1)
        origin = self.centre_px - turn.sum(dim=2) * side / 2
        return torch.cat((turn, origin[:, :, None]), dim=2)

    def cut(self, pictures: Tensor, side: int = MESH_PX) -> Tensor:
        """(N, 3, side, side) what the squares show; beyond the picture its border goes on.

        Read bilinearly. Pictures that would be shrunk by half or more are averaged down first.
        """
        if not len(pictures):
            return pictures.new_zeros(0, 3, side, side)
        matrices = self.matrices(side)
        factor = max(1, math.floor(float(self.size_px.max()) / side))
        size = pictures.new_tensor((pictures.shape[3], pictures.shape[2]))
        if factor > 1:
            pictures = F.avg_pool2d(pictures, factor, ceil_mode=True, count_include_pad=False)
            size = pictures.new_tensor((pictures.shape[3], pictures.shape[2])) * factor
        # Without aligned corners -1 and 1 are the outer edges of the picture, as continuous pixels have it.
        theta = matrices.clone()
        theta[:, :, 2] += theta[:, :, :2].sum(dim=2) * side / 2
        theta[:, :, :2] *= side / 2
        theta = theta * 2 / size[:, None]
        theta[:, :, 2] -= 1
        grid = F.affine_grid(theta, [len(pictures), 3, side, side], align_corners=False)
        return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def to_picture(self, points: Tensor) -> Tensor:
        """(N, V, 3) vertices in picture pixels, of vertices in the pixels of a cut of `MESH_PX`."""
        matrices = self.matrices()
        flat = points[..., :2] @ matrices[:, :, :2].transpose(1, 2) + matrices[:, None, :, 2]
        return torch.cat((flat, points[..., 2:] * (self.size_px / MESH_PX)[:, None, None]), dim=2)


def region_of(points: Tensor) -> Region:
    """The regions in which to look for faces whose (N, 478, 2 or 3) vertices are known, as the detector's."""
    points = points.detach()[..., :2]
    left, right = (eye.corners[0] for eye in EYES)
    across = points[:, right] - points[:, left]
    angle = torch.atan2(across[:, 1], across[:, 0])
    c, s = torch.cos(angle), torch.sin(angle)
    turn = torch.stack((torch.stack((c, s), dim=1), torch.stack((-s, c), dim=1)), dim=1)
    upright = points @ turn.transpose(1, 2)
    low, high = upright.amin(dim=1), upright.amax(dim=1)
    centre = (((low + high) / 2)[:, None] @ turn)[:, 0]
    return Region(centre, (high - low).amax(dim=1).clamp_min(1e-3) * REGION_MARGIN, angle)
