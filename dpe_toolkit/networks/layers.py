"""The small layers that encoder, generators and discriminator share.

Weights are stored at unit variance and multiplied by ``1 / sqrt(fan_in)`` at run time (equalised
learning rate). Attribute names follow the released weights, so that a state loads as it is.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "Activation",
    "Blur",
    "EqualConv2d",
    "EqualLinear",
    "ResidualBlock",
    "Upsample",
    "activate",
    "blur_kernel",
    "conv_layer",
    "unit_normal",
]

LEAK = 0.2
GAIN = math.sqrt(2.0)


def unit_normal(*shape: int) -> nn.Parameter:
    """A parameter of unit variance, or an empty one on the meta device.

    torch draws on the meta device through its compiler, whose import takes two seconds.
    """
    values = torch.empty(*shape)
    return nn.Parameter(values if values.is_meta else values.normal_())


def activate(x: Tensor, bias: Tensor) -> Tensor:
    """``sqrt(2) * leaky_relu(x + bias, 0.2)``, which keeps the variance of its input.

    Args:
        x: activations of any shape.
        bias: a tensor that broadcasts against ``x``.
    """
    return F.leaky_relu(x + bias, LEAK) * GAIN


def blur_kernel(gain: float = 1.0) -> Tensor:
    """The (4, 4) float32 kernel ``[1, 3, 3, 1]`` by itself, summing to ``gain``."""
    taps = (1.0, 3.0, 3.0, 1.0)
    return torch.tensor([[row * column * gain / 64.0 for column in taps] for row in taps])


class Blur(nn.Module):
    """Zero-padded depthwise low pass with ``[1, 3, 3, 1]`` in both directions.

    Shape: (N, C, H, W) -> (N, C, H + 2 ``padding`` - 3, W + 2 ``padding`` - 3), any floating dtype.

    Source: DPE, section 3.2 (encoder and generator follow StyleGAN2's anti-aliased resampling).

    Args:
        padding: pixels of zero added on each side.
        gain: sum of the kernel; 4 after an upsampling by two, which spreads each pixel over four.
    """

    kernel: Tensor

    def __init__(self, padding: int, gain: float = 1.0) -> None:
        super().__init__()
        self.padding = padding
        self.register_buffer("kernel", blur_kernel(gain))

    def forward(self, x: Tensor) -> Tensor:
        """The blurred activations."""
        channels = x.shape[1]
        # Filtering means convolution, conv2d correlates; a loaded kernel need not be symmetric.
        kernel = self.kernel.flip(0, 1).to(x.dtype).expand(channels, 1, -1, -1)
        return F.conv2d(x, kernel, padding=self.padding, groups=channels)


class Upsample(nn.Module):
    """Twice the size by zero insertion and the same ``[1, 3, 3, 1]`` low pass.

    Shape: (N, C, H, W) -> (N, C, 2H, 2W), any floating dtype.

    Source: DPE, section 3.2; in the interior this is bilinear upsampling, outside the picture is zero.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", blur_kernel(4.0))

    def forward(self, x: Tensor) -> Tensor:
        """The upsampled activations."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, -1, -1)
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


class EqualConv2d(nn.Module):
    """Convolution without bias at an equalised learning rate.

    Shape: (N, ``in_channels``, H, W) -> (N, ``out_channels``, H', W'), any floating dtype.

    Source: DPE, section 3.2 (StyleGAN2 layers).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_px: int, *, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__()
        self.weight = unit_normal(out_channels, in_channels, kernel_px, kernel_px)
        self.scale = 1.0 / math.sqrt(in_channels * kernel_px**2)
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """The convolved activations."""
        return F.conv2d(x, self.weight * self.scale, stride=self.stride, padding=self.padding)


class EqualLinear(nn.Module):
    """Linear layer at an equalised learning rate.

    Shape: (N, ``in_features``) -> (N, ``out_features``), any floating dtype.

    Source: DPE, section 3.2 (StyleGAN2 layers).

    Args:
        in_features: length of the input.
        out_features: length of the output.
        bias_start: value that every bias starts from.
        activated: whether the activation of ``activate`` follows.
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias_start: float = 0.0, activated: bool = False
    ) -> None:
        super().__init__()
        self.weight = unit_normal(out_features, in_features)
        self.bias = nn.Parameter(torch.full((out_features,), bias_start))
        self.scale = 1.0 / math.sqrt(in_features)
        self.activated = activated

    def forward(self, x: Tensor) -> Tensor:
        """The transformed rows."""
        if self.activated:
            return activate(F.linear(x, self.weight * self.scale), self.bias)
        return F.linear(x, self.weight * self.scale, self.bias)


class Activation(nn.Module):
    """``sqrt(2) * leaky_relu(x + bias, 0.2)`` with one bias a channel.

    Shape: (N, C, H, W) -> the same, any floating dtype.

    Source: DPE, section 3.2 (StyleGAN2 layers).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The activated maps."""
        return activate(x, self.bias)


def conv_layer(
    in_channels: int, out_channels: int, kernel_px: int, *, downsample: bool = False, activated: bool = True
) -> nn.Sequential:
    """Blur (when downsampling), convolution and activation, each present only when asked for.

    Shape: (N, ``in_channels``, H, W) -> (N, ``out_channels``, H, W), or half of H and W when downsampling.
    """
    layers: list[nn.Module] = []
    if downsample:
        layers.append(Blur((kernel_px + 1) // 2))
        layers.append(EqualConv2d(in_channels, out_channels, kernel_px, stride=2))
    else:
        layers.append(EqualConv2d(in_channels, out_channels, kernel_px, padding=kernel_px // 2))
    if activated:
        layers.append(Activation(out_channels))
    return nn.Sequential(*layers)


class ResidualBlock(nn.Module):
    """Two convolutions, the second of stride two, beside a downsampled 1x1 skip; sum over sqrt 2.

    Shape: (N, ``in_channels``, H, W) -> (N, ``out_channels``, H / 2, W / 2), any floating dtype.

    Source: DPE, section 3.2 (the encoder's and the discriminator's block).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = conv_layer(in_channels, in_channels, 3)
        self.conv2 = conv_layer(in_channels, out_channels, 3, downsample=True)
        self.skip = conv_layer(in_channels, out_channels, 1, downsample=True, activated=False)

    def forward(self, x: Tensor) -> Tensor:
        """The halved maps."""
        result: Tensor = (self.conv2(self.conv1(x)) + self.skip(x)) / GAIN
        return result
