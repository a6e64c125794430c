"""The smoothest field with given values around it: Laplace's equation by multigrid, for a batch of regions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["membrane"]

_SMOOTHINGS = 3
_COARSEST_SMOOTHINGS = 40
_DAMPING = 0.8
_COARSEST_PX = 6


def membrane(values: Tensor, inside: Tensor, *, cycles: int) -> Tensor:
    """``values`` with what lies inside replaced by the solution of Laplace's equation.

    Source: Briggs, Henson, McCormick: A multigrid tutorial, chapters 3 and 5 (V-cycles); a coarse cell counts as
    inside where all its fine cells are, which is our choice: corrections then never reach the border.

    Args:
        values: (N, C, h, w) boundary values where ``inside`` is false; a first guess inside, which may be anything.
        inside: (N, 1, h, w) bool. The window's own rim never counts as inside.
        cycles: V-cycles.
    """
    height, width = values.shape[2:]
    inside = inside.clone()
    for rim in (inside[:, :, :1], inside[:, :, -1:], inside[:, :, :, :1], inside[:, :, :, -1:]):
        rim.fill_(False)
    masks = [inside.to(values.dtype)]
    while min(masks[-1].shape[2:]) > _COARSEST_PX:
        masks.append(-F.max_pool2d(-_even(masks[-1]), 2))
    solution = torch.where(inside, _guess(values, masks[0]), values)
    nothing = torch.zeros_like(solution)
    for _ in range(cycles):
        solution = _cycle(solution, nothing, masks)
    return solution[:, :, :height, :width]


def _cycle(solution: Tensor, wanted: Tensor, masks: list[Tensor]) -> Tensor:
    """``solution``, after one V-cycle towards a field whose Laplacian is ``wanted`` where the mask is 1."""
    mask = masks[0]
    if len(masks) == 1:
        return _smoothed(solution, wanted, mask, _COARSEST_SMOOTHINGS)
    _smoothed(solution, wanted, mask, _SMOOTHINGS)
    residual = torch.zeros_like(solution)
    _core(residual).copy_((_core(wanted) - _laplacian(solution)) * _core(mask))
    # Twice the distance makes four times the difference.
    coarse = F.avg_pool2d(_even(residual), 2) * 4 * masks[1]
    error = _cycle(torch.zeros_like(coarse), coarse, masks[1:])
    height, width = solution.shape[2:]
    risen = F.interpolate(error, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :height, :width]
    return _smoothed(solution.addcmul_(risen, mask), wanted, mask, _SMOOTHINGS)


def _smoothed(solution: Tensor, wanted: Tensor, mask: Tensor, times: int) -> Tensor:
    """``solution``, changed in place by damped Jacobi steps."""
    step, aim = _core(mask) * _DAMPING, _core(wanted)
    for _ in range(times):
        change = _laplacian(solution).sub_(aim)
        _core(solution).addcmul_(change, step)
    return solution


def _laplacian(values: Tensor) -> Tensor:
    """Mean of the four neighbours less the pixel itself, for all but the rim."""
    total = values[:, :, 1:-1, :-2] + values[:, :, 1:-1, 2:]
    total += values[:, :, :-2, 1:-1]
    total += values[:, :, 2:, 1:-1]
    return total.mul_(0.25).sub_(_core(values))


def _core(values: Tensor) -> Tensor:
    """All but the rim, as a view."""
    return values[:, :, 1:-1, 1:-1]


def _guess(values: Tensor, mask: Tensor) -> Tensor:
    """The known values spread inward: averaged down to a few pixels, and each gap filled from the level below."""
    known = 1 - mask
    if min(values.shape[2:]) <= 2:
        total = known.sum((2, 3), keepdim=True).clamp_min(1e-6)
        return torch.where(known > 0, values, (values * known).sum((2, 3), keepdim=True) / total)
    weight = F.avg_pool2d(_even(known), 2)
    mean = F.avg_pool2d(_even(values * known), 2) / weight.clamp_min(1e-6)
    below = _guess(mean, (weight == 0).to(values.dtype))
    height, width = values.shape[2:]
    risen = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :height, :width]
    return torch.where(mask > 0, risen, values)


def _even(values: Tensor) -> Tensor:
    """Padded to even sizes by zeros, which no mask counts as inside."""
    height, width = values.shape[2:]
    return F.pad(values, (0, width % 2, 0, height % 2)) if width % 2 or height % 2 else values
