"""Head pose with gradients: what `dpe_toolkit.face.pose` fits, in torch, for losses that reach the pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from dpe_toolkit.face.canonical import canonical_face
from dpe_toolkit.face.topology import RIGID_VERTICES

__all__ = ["HeadPoses", "angles_deg", "fit_head_poses", "nearest_rotation"]

_LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class HeadPoses:
    """Similarities that take the canonical face to N meshes."""

    scale: Tensor
    """(N,) pixels a canonical unit."""
    rotation: Tensor
    """(N, 3, 3)."""
    translation: Tensor
    """(N, 3) where the canonical origin lies, in pixels."""

    def angles_deg(self) -> Tensor:
        """(N, 3) yaw, pitch and roll in degrees; see `angles_deg`."""
        return angles_deg(self.rotation)

    def canonical_shapes(self, points: Tensor) -> Tensor:
        """(N, V, 3) canonical shapes of (N, V, 3) meshes in pixels."""
        return (points - self.translation[:, None]) @ self.rotation / self.scale[:, None, None]


def fit_head_poses(points: Tensor) -> HeadPoses:
    """Poses of (N, 478, 3) meshes in pixels, fitted on the rigid vertices as by `fit_pose`.

    They are on the device and of the type of ``points``.

    Source: K. Arun et al., Least-squares fitting of two 3-D point sets, 1987; S. Umeyama, 1991.
    """
    rigid = torch.from_numpy(RIGID_VERTICES).to(points.device)
    model = torch.from_numpy(canonical_face().vertices[RIGID_VERTICES]).to(points)
    model_mean = model.mean(dim=0)
    model = model - model_mean
    seen = points[:, rigid]
    seen_mean = seen.mean(dim=1)
    covariance = (seen - seen_mean[:, None]).transpose(1, 2) @ model
    rotation = nearest_rotation(covariance)
    # The trace of R'M is the sum of the signed singular values that Umeyama divides.
    scale = (rotation * covariance).sum(dim=(1, 2)).clamp_min(_LEAST_SHARE) / model.square().sum()
    translation = seen_mean - scale[:, None] * (rotation @ model_mean)
    return HeadPoses(scale, rotation, translation)


def nearest_rotation(matrices: Tensor) -> Tensor:
    """(N, 3, 3) rotations nearest to (N, 3, 3) matrices.

    Its gradient is that of the rotation itself and divides by sums of singular values. That of a singular
    value decomposition divides by their differences, and is infinite where two are the same.

    Source: the differential of the polar decomposition; our derivation.
    """
    # Torch types it in some versions only.
    rotation = cast("Callable[[Tensor], Tensor]", _NearestRotation.apply)
    return rotation(matrices)


class _NearestRotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, matrices: Tensor) -> Tensor:
        # On the CPU and in double: nine numbers a face, for which no other device is quicker or as exact. One after
        # the other, since Metal has no doubles to copy from.
        u, singular, vt = torch.linalg.svd(matrices.detach().cpu().double())
        flip = torch.ones_like(singular)
        flip[:, 2] = torch.sign(torch.linalg.det(u @ vt))
        u, singular = u * flip[:, None], singular * flip
        ctx.save_for_backward(u, singular, vt)
        rotations: Tensor = u @ vt
        return rotations.to(matrices)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        u, singular, vt = ctx.saved_tensors  # type: ignore[attr-defined] # torch's own
        (gradient,) = gradients
        inner = u.transpose(1, 2) @ gradient.cpu().to(u) @ vt.transpose(1, 2)
        sums = singular[:, :, None] + singular[:, None, :]
        sums = sums.clamp_min(_LEAST_SHARE * float(singular[:, 0].max().clamp_min(_LEAST_SHARE)))
        result: Tensor = u @ ((inner - inner.transpose(1, 2)) / sums) @ vt
        return result.to(gradient)


def angles_deg(rotation: Tensor) -> Tensor:
    """(N, 3) yaw, pitch and roll in degrees of (N, 3, 3) rotations.

    A head looks along its -z. It nods first, then turns, then rolls, so that turning the image itself changes
    the roll alone.
    """
    level = torch.hypot(rotation[:, 0, 0], rotation[:, 1, 0]).clamp_min(_LEAST_SHARE)
    yaw = torch.atan2(rotation[:, 2, 0], level)
    pitch = torch.atan2(-rotation[:, 2, 1], rotation[:, 2, 2])
    roll = torch.atan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return torch.rad2deg(torch.stack((yaw, pitch, roll), dim=1))
