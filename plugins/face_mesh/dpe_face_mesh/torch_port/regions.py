"""Where in images the mesh network looks: found by the detector or by a mesh, and cut out differentiably."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dpe_face_mesh.bundle import ANCHORS, DETECTOR_PX, MESH_PX, REGION_MARGIN
from dpe_face_mesh.torch_port.network import PortedNetwork
from dpe_toolkit.api.face import EYES

__all__ = ["Region", "find_regions", "region_of"]


_LEAST_SCORE = 0.3
"""Of the detector, below which the whole image is looked at."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated square that holds a face, in each of N images."""

    centre_px: Tensor
    """(N, 2)."""
    size_px: Tensor
    """(N,)."""
    angle: Tensor
    """(N,) radians, clockwise in the image."""

    def matrices(self, side: int = MESH_PX) -> Tensor:
        """(N, 2, 3) maps from the pixels of a cut of ``side`` pixels to those of the image."""
        c, s = (fn(self.angle) * self.size_px / side for fn in (torch.cos, torch.sin))
        rotation = torch.stack((torch.stack((c, -s), dim=1), torch.stack((s, c), dim=1)), dim=1)
        origin = self.centre_px - rotation.sum(dim=2) * side / 2
        return torch.cat((rotation, origin[:, :, None]), dim=2)

    def cut(self, images: Tensor, side: int = MESH_PX) -> Tensor:
        """(N, 3, side, side) what the squares show; beyond the image its border goes on.

        Read bilinearly. Images that would be shrunk by half or more are averaged down first.
        """
        if not len(images):
            return images.new_zeros(0, 3, side, side)
        matrices = self.matrices(side)
        factor = max(1, math.floor(float(self.size_px.max()) / side))
        size = images.new_tensor((images.shape[3], images.shape[2]))
        if factor > 1:
            images = F.avg_pool2d(images, factor, ceil_mode=True, count_include_pad=False)
            size = images.new_tensor((images.shape[3], images.shape[2])) * factor
        # Without aligned corners -1 and 1 are the outer edges of the image, as continuous pixels have it.
        theta = matrices.clone()
        theta[:, :, 2] += theta[:, :, :2].sum(dim=2) * side / 2
        theta[:, :, :2] *= side / 2
        theta = theta * 2 / size[:, None]
        theta[:, :, 2] -= 1
        grid = F.affine_grid(theta, [len(images), 3, side, side], align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def to_image(self, points: Tensor) -> Tensor:
        """(N, V, 3) vertices in image pixels, of vertices in the pixels of a cut of `MESH_PX`."""
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
    rotation = torch.stack((torch.stack((c, s), dim=1), torch.stack((-s, c), dim=1)), dim=1)
    upright = points @ rotation.transpose(1, 2)
    low, high = upright.amin(dim=1), upright.amax(dim=1)
    centre = (((low + high) / 2)[:, None] @ rotation)[:, 0]
    return Region(centre, (high - low).amax(dim=1).clamp_min(1e-3) * REGION_MARGIN, angle)


@torch.no_grad()
def find_regions(images: Tensor, detector: PortedNetwork) -> Region:
    """Where the surest face of each image is; the whole image, upright, where none is seen.

    Args:
        images: (N, 3, S, S) RGB in [0, 1].
        detector: the bundle's detector, which sees 128 pixels.
    """
    side = float(images.shape[3])
    size = (DETECTOR_PX, DETECTOR_PX)
    small = F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
    boxes, logits = detector(small * 2 - 1)
    best = logits[:, :, 0].argmax(dim=1)
    rows = torch.arange(len(images), device=images.device)
    found = (torch.sigmoid(logits[rows, best, 0]) >= _LEAST_SCORE)[:, None]
    answer = boxes[rows, best] / DETECTOR_PX
    centre = (answer[:, :2] + torch.from_numpy(ANCHORS).to(answer)[best]) * side
    size_px = answer[:, 2:4].amax(dim=1) * side * REGION_MARGIN
    across = answer[:, 6:8] - answer[:, 4:6]
    angle = torch.atan2(across[:, 1], across[:, 0])
    whole = torch.full_like(size_px, side)
    return Region(
        torch.where(found, centre, side / 2),
        torch.where(found[:, 0], size_px.clamp_min(1), whole),
        torch.where(found[:, 0], angle, 0.0),
    )
