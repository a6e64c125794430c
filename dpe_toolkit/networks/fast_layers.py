"""Building blocks of the inference route: folded convolutions and one-pass bilinear sampling.

Activations are channels-last; weights have their run-time factors folded in. On a CPU with oneDNN
the weights are kept in its own blocked layout and bias and leaky ReLU run inside the convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpe_toolkit.networks.layers import LEAK

__all__ = ["FoldedConv", "convolve", "sample_rows", "upsample_twice"]

_STRIDE_TWO = [2, 2]
_ONE = [1, 1]
_NONE = [0, 0]


def _fuses(x: Tensor) -> bool:
    """Whether oneDNN's fused convolution can take ``x`` here; torch.compile fuses by itself."""
    if x.device.type != "cpu" or torch.compiler.is_compiling() or x.requires_grad:
        return False
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    if x.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return x.dtype == torch.float32


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    leak: bool = False,
) -> Tensor:
    """A convolution with bias and, when ``leak``, leaky ReLU 0.2 in the same pass.

    Args:
        x: (N, C, H, W), channels-last, floating.
        weight: (C', C / groups, k, k) of the same dtype, possibly in oneDNN's layout.
        bias: (C',).
        stride: of both directions.
        padding: zeros on each side.
        groups: C for a depthwise filter.
        leak: whether leaky ReLU follows.
    """
    if weight.is_mkldnn or _fuses(x):
        attribute, scalars = ("leaky_relu", [LEAK]) if leak else ("none", [])
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, weight, bias, [padding] * 2, [stride] * 2, _ONE, groups, attribute, scalars, ""
        )
        return fused
    y = F.conv2d(x, weight, bias, stride=stride, padding=padding, groups=groups)
    return F.leaky_relu_(y, LEAK) if leak else y


class FoldedConv(nn.Module):
    """A convolution whose weights never change again.

    Shape: (N, C, H, W) channels-last -> (N, C', H', W'), the dtype of the weights.

    Source: our choice; the same sums as DPE's layers (section 3.2) with every constant factor folded.

    Args:
        weight: (C', C / groups, k, k), or (C, C', k, k) when transposed.
        bias: (C',).
        stride: of both directions; a transposed convolution always has two.
        padding: zeros on each side.
        groups: C for a depthwise filter.
        leak: whether leaky ReLU follows.
        transposed: whether this is a transposed convolution of stride two without bias.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        leak: bool = False,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last), persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.leak = leak
        self.transposed = transposed
        self._packed: dict[torch.Size, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """The convolved maps."""
        weight = self._pack(x) if _fuses(x) else self.weight
        if not self.transposed:
            return convolve(
                x, weight, self.bias, stride=self.stride, padding=self.padding, groups=self.groups, leak=self.leak
            )
        if weight.is_mkldnn:
            packed: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(
                x, weight, None, _NONE, _NONE, _STRIDE_TWO, _ONE, 1, "none", [], ""
            )
            return packed
        return F.conv_transpose2d(x, weight, stride=2)

    def _pack(self, x: Tensor) -> Tensor:
        """The weights in the layout that oneDNN picks for pictures like ``x``, made at first use."""
        packed = self._packed.get(x.shape[1:])
        if packed is None:
            size = list(x.shape)
            if self.transposed:
                packed = torch.ops.mkldnn._reorder_convolution_transpose_weight(
                    self.weight, _NONE, _NONE, _STRIDE_TWO, _ONE, 1, size
                )
            elif self.groups == 1:
                packed = torch.ops.mkldnn._reorder_convolution_weight(
                    self.weight, [self.padding] * 2, [self.stride] * 2, _ONE, 1, size
                )
            else:
                packed = self.weight
            # One layout at a time: a second size of picture is rare and repacking is cheap.
            self._packed = {x.shape[1:]: packed}
        assert packed is not None
        return packed

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._packed = {}
        moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return moved


def upsample_twice(x: Tensor) -> Tensor:
    """The same as ``Upsample`` with its usual kernel: bilinear, the outside of the picture being zero.

    Shape: (N, C, H, W) -> (N, C, 2H, 2W).
    """
    grown = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear", align_corners=False)
    return grown[:, :, 2:-2, 2:-2]


def _axis_weights(centre: Tensor, size_px: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Indices of the two neighbours on one axis, and their bilinear weights, zero outside the picture."""
    low = centre.floor()
    share = centre - low
    first = low.to(torch.int32)
    second = first + 1
    low_weight = torch.where((first >= 0) & (first < size_px), 1.0 - share, 0.0)
    high_weight = torch.where((second >= 0) & (second < size_px), share, 0.0)
    return first.clamp(0, size_px - 1), second.clamp(0, size_px - 1), low_weight, high_weight


def sample_rows(features: Tensor, grid: Tensor, mask: Tensor) -> Tensor:
    """``grid_sample(features, grid, align_corners=False) * mask`` in one pass over whole pixels.

    Each result is a weighted sum of four rows of the (pixels, C) table that a channels-last map is;
    the mask rides in the weights. Positions stay in float32 whatever the features are in: half a
    pixel would be lost in bfloat16.

    Args:
        features: (N or 1, C, S, S), channels-last.
        grid: (N, S, S, 2) float32 in normalised coordinates, x before y.
        mask: (N, S, S) float32.

    Returns:
        (N, C, S, S), channels-last, the dtype of ``features``.
    """
    samples, size_px = grid.shape[0], grid.shape[1]
    centre = grid * (0.5 * size_px) + (0.5 * size_px - 0.5)
    left, right, left_weight, right_weight = _axis_weights(centre[..., 0], size_px)
    top, bottom, top_weight, bottom_weight = _axis_weights(centre[..., 1], size_px)
    top, bottom = top * size_px, bottom * size_px
    if features.shape[0] > 1:
        first = torch.arange(samples, device=grid.device, dtype=torch.int32) * (size_px * size_px)
        top, bottom = top + first[:, None, None], bottom + first[:, None, None]
    index = torch.stack((top + left, top + right, bottom + left, bottom + right), dim=-1)
    top_weight, bottom_weight = top_weight * mask, bottom_weight * mask
    across = torch.stack((left_weight, right_weight), dim=-1)
    weights = torch.cat((top_weight.unsqueeze(-1) * across, bottom_weight.unsqueeze(-1) * across), dim=-1)
    table = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
    rows = F.embedding_bag(
        index.view(-1, 4), table, mode="sum", per_sample_weights=weights.view(-1, 4).to(features.dtype)
    )
    return rows.view(samples, size_px, size_px, -1).permute(0, 3, 1, 2)
