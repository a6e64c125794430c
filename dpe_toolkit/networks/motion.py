"""From a latent to the two motion codes: dictionary weights, orthonormal directions, two heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dpe_toolkit.networks.layers import EqualLinear, unit_normal
from dpe_toolkit.networks.params import NetworkParams

__all__ = ["AffineMap", "Direction", "fold_linear_stack", "motion_head", "motion_mlp"]

# Keeps the factorisation defined for a weight that is exactly zero.
_EPSILON = 1e-8


def motion_mlp(params: NetworkParams) -> nn.Sequential:
    """Five linear layers from the latent (N, K) to the dictionary weights alpha (N, ``motion_dim``).

    # DPE differs: the paper names one MLP with two outputs; the released network puts a
    # dictionary of 20 directions between the latent and the two heads, without any activation.
    """
    wide = [EqualLinear(params.style_dim, params.style_dim) for _ in range(4)]
    return nn.Sequential(*wide, EqualLinear(params.style_dim, params.motion_dim))


def motion_head(params: NetworkParams) -> nn.Sequential:
    """Three linear layers from the motion (N, K) to one branch's motion code (N, K)."""
    return nn.Sequential(*(EqualLinear(params.style_dim, params.style_dim) for _ in range(3)))


class Direction(nn.Module):
    """Weights of a dictionary to the motion they mean, over orthonormalised directions.

    Shape: alpha (N, ``motion_dim``) -> motion (N, K), unbounded, of the same length as alpha.

    Source: DPE, section 3.2 leaves it out; the released network takes it from LIA (ICLR 2022, section 3.2).
    """

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        self.weight = unit_normal(params.style_dim, params.motion_dim)

    def basis(self) -> Tensor:
        """The directions as orthonormal columns, (K, ``motion_dim``).

        By Householder QR, whose signs the heads have learnt: Gram-Schmidt would flip some.
        """
        # LAPACK has no half precision; the factorisation is tiny.
        full = self.weight.float() if self.weight.dtype in (torch.bfloat16, torch.float16) else self.weight
        basis: Tensor = torch.linalg.qr(full + _EPSILON).Q
        return basis.to(self.weight.dtype)

    def forward(self, alpha: Tensor) -> Tensor:
        """The motion of each row of weights."""
        return alpha @ self.basis().T


@dataclass(frozen=True, slots=True)
class AffineMap:
    """``y = (x @ down.T) @ up.T + bias``: what a stack of linear layers with a narrow waist folds into.

    The whole path from a latent to a motion code has no activation, so one such map of rank at
    most ``motion_dim`` replaces its nine matrices.
    """

    down: Tensor
    """(R, K_in), floating: to the waist."""
    up: Tensor
    """(K_out, R), floating: from the waist."""
    bias: Tensor
    """(K_out,), floating."""

    def __call__(self, x: Tensor) -> Tensor:
        """(N, K_in) -> (N, K_out)."""
        return torch.addmm(self.bias, x @ self.down.T, self.up.T)


def fold_linear_stack(layers: nn.Sequential) -> tuple[Tensor, Tensor]:
    """Matrix (K_out, K_in) and bias (K_out,) of a stack of ``EqualLinear``, in float64."""
    matrix: Tensor | None = None
    bias: Tensor | None = None
    for layer in layers:
        assert isinstance(layer, EqualLinear)
        assert not layer.activated
        step = layer.weight.detach().double() * layer.scale
        offset = layer.bias.detach().double()
        matrix = step if matrix is None else step @ matrix
        bias = offset if bias is None else step @ bias + offset
    assert matrix is not None
    assert bias is not None
    return matrix, bias
