"""Faces brought to the place that a recognition network was trained with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from dpe_toolkit.api import expect_shape
from dpe_toolkit.api.face import NUM_FACE_VERTICES, NUM_MESH_VERTICES

__all__ = ["aligned_images", "expect_faces", "fit_similarity", "mesh_of"]

_MESH_SIZES = (NUM_FACE_VERTICES, NUM_MESH_VERTICES)


def expect_faces(pictures: Tensor, near_px: Tensor | None) -> None:
    """Checks what an embedder is given.

    Raises:
        ValueError: images or vertices of a shape that does not fit, or vertices that are no face mesh.
    """
    num = expect_shape("pictures", pictures, ("N", 3, "S", "S"))["N"]
    if near_px is not None:
        expect_shape("near_px", near_px[..., :2], (num, "V", 2))
        mesh_of(near_px)


def mesh_of(near_px: Tensor) -> Tensor:
    """(N, V, 2) x and y of the vertices, in double, on the CPU.

    Raises:
        ValueError: they are no face mesh of 468 or 478 vertices.
    """
    count = near_px.shape[1]
    if count not in _MESH_SIZES:
        raise ValueError(f"near_px has {count} vertices, expected a face mesh of {' or '.join(map(str, _MESH_SIZES))}")
    return near_px[..., :2].detach().cpu().double()  # in two steps: Metal has no doubles to copy from


def aligned_images(pictures: Tensor, points_px: Tensor, template_px: npt.NDArray[np.float64], side: int) -> Tensor:
    """(N, 3, side, side) images turned, scaled and moved so that points lie where the template has them.

    Read bilinearly, after averaging down where images shrink by half or more; the border goes on beyond it.

    Args:
        pictures: (N, 3, S, S).
        points_px: (N, P, 2) in image pixels.
        template_px: (P, 2) where they are to lie, in pixels of the result.
        side: of the result.
    """
    matrices = fit_similarity(torch.from_numpy(template_px).expand(len(pictures), -1, -1), points_px)
    scale = float(matrices[:, :, 0].norm(dim=1).min())
    factor = max(1, math.floor(scale))
    if factor > 1:
        pictures = F.avg_pool2d(pictures, factor, ceil_mode=True, count_include_pad=False)
    theta = matrices.clone()
    theta[:, :, 2] += theta[:, :, :2].sum(dim=2) * side / 2
    theta[:, :, :2] *= side / 2
    theta = theta * 2 / (pictures.shape[3] * factor)
    theta[:, :, 2] -= 1
    grid = F.affine_grid(theta.to(pictures), [len(pictures), 3, side, side], align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def fit_similarity(points: Tensor, targets: Tensor) -> Tensor:
    """(N, 2, 3) similarities, without mirroring, that take (N, P, 2) points nearest to targets.

    Source: S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, 1991,
    which in the plane is one complex factor.
    """
    mean, target_mean = points.mean(dim=1), targets.mean(dim=1)
    centred, target = points - mean[:, None], targets - target_mean[:, None]
    along = (centred * target).sum(dim=(1, 2))
    across = (centred[..., 0] * target[..., 1] - centred[..., 1] * target[..., 0]).sum(dim=1)
    c, s = torch.stack((along, across)) / centred.square().sum(dim=(1, 2))
    turn = torch.stack((torch.stack((c, -s), dim=1), torch.stack((s, c), dim=1)), dim=1)
    return torch.cat((turn, (target_mean - (turn @ mean[:, :, None])[:, :, 0])[:, :, None]), dim=2)
