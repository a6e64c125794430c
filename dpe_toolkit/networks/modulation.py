"""Convolutions whose weights a style vector rescales."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpe_toolkit.networks.layers import Activation, Blur, EqualLinear, unit_normal

__all__ = ["ModulatedConv2d", "StyledConv"]

DEMODULATION_EPSILON = 1e-8


class ModulatedConv2d(nn.Module):
    """Convolution whose input channels a style scales, optionally at unit output variance.

    Shape: x (N, ``in_channels``, H, W), style (N, K) -> (N, ``out_channels``, H, W), or 2H x 2W when
    upsampling. Floating, the dtype of the weights.

    Source: DPE, section 3.2 (the generator follows StyleGAN2, CVPR 2020, section 2.2).

    Args:
        in_channels: channels of x.
        out_channels: channels of the result.
        kernel_px: side of the kernel.
        style_dim: length K of the style.
        demodulate: whether each output channel is divided by its weights' norm.
        upsample: whether the convolution is a transposed one of stride two, then blurred.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_px: int,
        style_dim: int,
        *,
        demodulate: bool = True,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        self.weight = unit_normal(1, out_channels, in_channels, kernel_px, kernel_px)
        self.modulation = EqualLinear(style_dim, in_channels, bias_start=1.0)
        self.blur = Blur(1, gain=4.0) if upsample else None
        self.scale = 1.0 / math.sqrt(in_channels * kernel_px**2)
        self.demodulate = demodulate
        self.padding = kernel_px // 2

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """The convolved maps; each sample sees its own weights."""
        samples, channels, height, width = x.shape
        scales = self.modulation(style).view(samples, 1, channels, 1, 1)
        weight = self.weight * self.scale * scales
        if self.demodulate:
            norm = weight.square().sum(dim=(2, 3, 4), keepdim=True)
            weight = weight * torch.rsqrt(norm + DEMODULATION_EPSILON)
        # One group for each sample lets one convolution carry as many weights as there are styles.
        x = x.reshape(1, samples * channels, height, width)
        if self.blur is None:
            y = F.conv2d(x, weight.flatten(0, 1), padding=self.padding, groups=samples)
            return y.view(samples, -1, height, width)
        y = F.conv_transpose2d(x, weight.transpose(1, 2).flatten(0, 1), stride=2, groups=samples)
        blurred: Tensor = self.blur(y.view(samples, -1, y.shape[2], y.shape[3]))
        return blurred


class _NoiseWeight(nn.Module):
    """Carries a number of the released weights that no forward pass reads."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


class StyledConv(nn.Module):
    """Modulated 3x3 convolution and activation.

    Shape: x (N, ``in_channels``, H, W), style (N, K) -> (N, ``out_channels``, H, W), or 2H x 2W when upsampling.

    Source: DPE, section 3.2 (StyleGAN2 layers).
    """

    def __init__(self, in_channels: int, out_channels: int, style_dim: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, style_dim, upsample=upsample)
        # DPE differs: StyleGAN2 adds weighted noise here. The released network stores the weight and
        # adds none, so that a video does not flicker; neither do we.
        self.noise = _NoiseWeight()
        self.activate = Activation(out_channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """The activated maps."""
        result: Tensor = self.activate(self.conv(x, style))
        return result
