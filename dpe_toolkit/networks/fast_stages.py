"""Encoder and generator of the inference route, built from the faithful modules' weights."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpe_toolkit.networks.encoder import Encoder
from dpe_toolkit.networks.fast_layers import FoldedConv, convolve, sample_rows, upsample_twice
from dpe_toolkit.networks.generator import Generator, Rendering, ToFlow, ToRgb, split_flow
from dpe_toolkit.networks.layers import GAIN, LEAK, Activation, Blur, EqualConv2d, ResidualBlock
from dpe_toolkit.networks.modulation import DEMODULATION_EPSILON, ModulatedConv2d, StyledConv

__all__ = ["FastEncoder", "FastGenerator"]


def _fold(conv: nn.Module, activation: nn.Module | None, *, gain: float = 1.0, dtype: torch.dtype) -> FoldedConv:
    """Equalised scale, activation gain and bias of a convolution, all in its weights.

    ``gain * leaky_relu(y + b) == leaky_relu(gain * y + gain * b)`` for any positive gain.
    """
    assert isinstance(conv, EqualConv2d)
    bias = None
    if activation is not None:
        assert isinstance(activation, Activation)
        bias = (activation.bias.detach().flatten() * gain).to(dtype)
    weight = (conv.weight.detach() * (conv.scale * gain)).to(dtype)
    return FoldedConv(weight, bias, stride=conv.stride, padding=conv.padding, leak=activation is not None)


def _fold_blur(blur: nn.Module, channels: int, *, stride: int = 1, dtype: torch.dtype) -> FoldedConv:
    assert isinstance(blur, Blur)
    kernel = blur.kernel.flip(0, 1).expand(channels, 1, 4, 4).to(dtype)
    return FoldedConv(kernel, stride=stride, padding=blur.padding, groups=channels)


class _FastBlock(nn.Module):
    """``ResidualBlock`` with its last division folded and the skip blurred only where it is read."""

    def __init__(self, block: ResidualBlock, dtype: torch.dtype) -> None:
        super().__init__()
        first = cast("EqualConv2d", block.conv1[0])
        channels = first.weight.shape[1]
        self.conv1 = _fold(first, block.conv1[1], gain=GAIN, dtype=dtype)
        self.blur = _fold_blur(block.conv2[0], channels, dtype=dtype)
        # The activation's sqrt 2 and the sum's 1 / sqrt 2 cancel.
        self.conv2 = _fold(block.conv2[1], block.conv2[2], dtype=dtype)
        self.skip_blur = _fold_blur(block.skip[0], channels, stride=2, dtype=dtype)
        skip = cast("EqualConv2d", block.skip[1])
        self.skip = FoldedConv((skip.weight.detach() * (skip.scale / GAIN)).to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        main: Tensor = self.conv2(self.blur(self.conv1(x)))
        return main.add_(self.skip(self.skip_blur(x)))


class FastEncoder(nn.Module):
    """``Encoder`` with folded weights.

    Shape: as ``Encoder``; the latent comes in float32, the maps channels-last in ``dtype``.

    Source: DPE, section 3.2; the folding is our choice.
    """

    def __init__(self, encoder: Encoder, dtype: torch.dtype) -> None:
        super().__init__()
        layers = list(encoder.net_app.convs)
        first = cast("nn.Sequential", layers[0])
        self.stem = _fold(first[0], first[1], gain=GAIN, dtype=dtype)
        self.blocks = nn.ModuleList(_FastBlock(cast("ResidualBlock", block), dtype) for block in layers[1:-1])
        last = cast("EqualConv2d", layers[-1])
        self.last_weight: Tensor
        # One product over the whole 4x4 map; in float32, since every later layer reads its result.
        weight = last.weight.detach().flatten(1) * last.scale
        self.register_buffer("last_weight", weight, persistent=False)
        self.dtype = dtype

    def forward(self, pictures: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Latent and feature pyramid of each picture."""
        x = self.stem(pictures.to(self.dtype).contiguous(memory_format=torch.channels_last))
        maps = [x]
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        latent = F.linear(x.float().flatten(1), self.last_weight)
        return latent, tuple(reversed(maps[:-1]))


class _FastStyledConv(nn.Module):
    """``StyledConv`` that scales activations, or the weights where those are the smaller.

    Takes x (N, C, H, W), scales (N, C) and norms (N, C'), both float32, gives (N, C', H', W').
    """

    def __init__(self, layer: StyledConv, dtype: torch.dtype) -> None:
        super().__init__()
        conv = layer.conv
        weight = conv.weight.detach()[0] * conv.scale
        self.energy: Tensor
        self.bias: Tensor
        # What the norm of a modulated weight needs: its square summed over the kernel.
        self.register_buffer("energy", weight.square().sum(dim=(2, 3)), persistent=False)
        self.register_buffer("bias", (layer.activate.bias.detach().flatten() * GAIN).to(dtype), persistent=False)
        self.upsamples = conv.blur is not None
        if conv.blur is None:
            self.conv = FoldedConv(weight.to(dtype), padding=1)
        else:
            self.conv = FoldedConv(weight.transpose(0, 1).to(dtype), transposed=True)
            self.blur = _fold_blur(conv.blur, weight.shape[0], dtype=dtype)

    def norms(self, scales: Tensor) -> Tensor:
        """Demodulation and activation gain of each output channel, (N, C')."""
        return torch.rsqrt(scales.square() @ self.energy.T + DEMODULATION_EPSILON) * GAIN

    def forward(self, x: Tensor, scales: Tensor) -> Tensor:
        norms = self.norms(scales)
        if self.upsamples:
            return self._upsampled(x, scales, norms)
        weight = self.conv.weight
        if x.shape[0] == 1 and weight.numel() <= x.numel():
            rescaled = (weight * scales.view(1, -1, 1, 1) * norms.view(-1, 1, 1, 1)).to(x.dtype)
            return convolve(x, rescaled, self.bias, padding=1, leak=True)
        return self._finish(self.conv(x * scales.to(x.dtype)[:, :, None, None]), norms)

    def _upsampled(self, x: Tensor, scales: Tensor, norms: Tensor) -> Tensor:
        y = self.conv(x * scales.to(x.dtype)[:, :, None, None])
        if y.shape[0] > 1:
            return self._finish(self.blur(y), norms)
        kernel = (self.blur.weight * norms.view(-1, 1, 1, 1)).to(y.dtype)
        return convolve(y, kernel, self.bias, padding=self.blur.padding, groups=kernel.shape[0], leak=True)

    def _finish(self, y: Tensor, norms: Tensor) -> Tensor:
        shifted = torch.addcmul(self.bias.view(1, -1, 1, 1), y, norms.to(y.dtype)[:, :, None, None])
        return F.leaky_relu_(shifted, LEAK)


class FastGenerator(nn.Module):
    """``Generator`` with folded weights.

    Shape: code (N, K) float32, features as ``FastEncoder`` gives them, of N sources or of one for
    all codes -> ``Rendering`` in float32.

    Source: DPE, section 3.2; the folding is our choice.
    """

    def __init__(self, generator: Generator, dtype: torch.dtype) -> None:
        super().__init__()
        styled = [generator.conv1, *generator.convs]
        flows = [cast("ToFlow", flow) for flow in generator.to_flows]
        rgbs = [cast("ToRgb", rgb) for rgb in generator.to_rgbs]
        self.layers = nn.ModuleList(_FastStyledConv(cast("StyledConv", layer), dtype) for layer in styled)
        convs = [cast("ModulatedConv2d", layer.conv) for layer in (*styled, *flows)]
        self.start: Tensor
        self.style_weight: Tensor
        self.style_bias: Tensor
        rows = [conv.modulation.weight.detach() * conv.modulation.scale for conv in convs]
        self.style_sizes = [row.shape[0] for row in rows]
        start = generator.input.input.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        self.register_buffer("start", start, persistent=False)
        self.register_buffer("style_weight", torch.cat(rows), persistent=False)
        biases = [conv.modulation.bias.detach() for conv in convs]
        self.register_buffer("style_bias", torch.cat(biases), persistent=False)
        self.flow_weights = nn.ParameterList(
            nn.Parameter(conv.weight.detach()[0].flatten(1) * conv.scale, requires_grad=False)
            for conv in convs[len(styled) :]
        )
        self.flow_biases = nn.ParameterList(
            nn.Parameter(flow.bias.detach().clone(), requires_grad=False) for flow in flows
        )
        self.rgb = nn.ModuleList(_fold(rgb.conv[0], rgb.conv[1], gain=GAIN, dtype=dtype) for rgb in rgbs)
        self.rgb_biases = nn.ParameterList(nn.Parameter(rgb.bias.detach().clone(), requires_grad=False) for rgb in rgbs)

    def forward(self, code: Tensor, features: tuple[Tensor, ...]) -> Rendering:
        """The edited pictures with the raw flow of every level."""
        styles = torch.split(F.linear(code, self.style_weight, self.style_bias), self.style_sizes, dim=1)
        x = self.layers[0](self.start.expand(code.shape[0], -1, -1, -1), styles[0])
        rgb: Tensor | None = None
        raw: Tensor | None = None
        raws: list[Tensor] = []
        for level, source in enumerate(features):
            x = self.layers[2 * level + 1](x, styles[2 * level + 1])
            x = self.layers[2 * level + 2](x, styles[2 * level + 2])
            flow_weight = self.flow_weights[level] * styles[len(self.layers) + level].unsqueeze(1)
            new = self._project(x, flow_weight) + self.flow_biases[level]
            raw = new if raw is None else new.add_(upsample_twice(raw))
            raws.append(raw)
            grid, mask = split_flow(raw)
            warped = sample_rows(source, grid, mask[:, 0])
            new = self.rgb[level](warped).float().contiguous() + self.rgb_biases[level]
            rgb = new if rgb is None else new.add_(upsample_twice(rgb))
            if level + 1 < len(features):
                x = torch.addcmul(warped, x, (1.0 - mask).to(x.dtype))
        assert rgb is not None
        return Rendering(rgb, tuple(raws))

    def _project(self, x: Tensor, weight: Tensor) -> Tensor:
        """A 1x1 convolution with weights (N, 3, C) of each sample's own, in float32 afterwards."""
        if x.shape[0] == 1:
            return convolve(x, weight[0, :, :, None, None].to(x.dtype)).float().contiguous()
        rows = x.permute(0, 2, 3, 1).flatten(1, 2)
        y = torch.bmm(rows, weight.to(x.dtype).transpose(1, 2)).float()
        return y.transpose(1, 2).reshape(x.shape[0], 3, *x.shape[2:])
