"""The generator of either branch: a code and a source's feature pyramid to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpe_toolkit.networks.layers import Upsample, conv_layer, unit_normal
from dpe_toolkit.networks.modulation import ModulatedConv2d, StyledConv
from dpe_toolkit.networks.params import NetworkParams

__all__ = ["Generator", "Rendering", "ToFlow", "ToRgb", "corner_grid", "split_flow"]


def corner_grid(size_px: int, like: Tensor) -> Tensor:
    """Where each pixel of a square picture samples without any flow, (1, S, S, 2), x before y.

    Runs from -1 at the first pixel to 1 at the last, in the dtype and on the device of ``like``.
    """
    steps = torch.linspace(-1.0, 1.0, size_px, device=like.device, dtype=like.dtype)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack((x, y), dim=-1).unsqueeze(0)


def split_flow(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Sampling grid (N, S, S, 2) and mask (N, 1, S, S) in (0, 1) of a raw flow (N, 3, S, S).

    The grid is absolute: ``tanh`` of the first two channels plus ``corner_grid``.
    """
    offsets = torch.tanh(raw[:, :2]).permute(0, 2, 3, 1)
    return offsets + corner_grid(raw.shape[-1], raw), torch.sigmoid(raw[:, 2:3])


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a generator made, with the flows that it made it from.

    The finest raw flow is already composed: each level adds its own to the upsampled coarser one.
    ``split_flow(raw_flows[-1])`` gives an absolute sampling grid ``g`` and a mask. The picture's
    pixel takes what lies at ``(g + 1) / 2 * W`` of the source in continuous pixels (x right, pixel i
    covers [i, i + 1)), a share ``mask`` of it being warped source and the rest invented.
    """

    image: Tensor
    """(N, 3, S, S), about [-1, 1], not clamped."""
    raw_flows: tuple[Tensor, ...]
    """L tensors (N, 3, s, s), coarsest first: offsets before tanh (x, y), then the mask before sigmoid."""


class _ConstantInput(nn.Module):
    """The learnt 4x4 map that every picture starts from."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = unit_normal(1, channels, 4, 4)


class ToRgb(nn.Module):
    """Maps to RGB, added to the upsampled coarser RGB.

    Shape: x (N, C, H, W), coarser (N, 3, H / 2, W / 2) or None -> (N, 3, H, W), unbounded.

    Source: DPE (CVPR 2023), section 3.2.
    """

    def __init__(self, channels: int, *, upsample: bool = True) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.upsample = Upsample() if upsample else None
        self.conv = conv_layer(channels, 3, 1)

    def forward(self, x: Tensor, coarser: Tensor | None) -> Tensor:
        """The RGB of this level."""
        rgb: Tensor = self.conv(x) + self.bias
        if coarser is None or self.upsample is None:
            return rgb
        result: Tensor = rgb + self.upsample(coarser)
        return result


class ToFlow(nn.Module):
    """Maps to a raw flow, added to the upsampled coarser one.

    Shape: x (N, C, H, W), style (N, K), coarser (N, 3, H / 2, W / 2) or None -> (N, 3, H, W), unbounded.

    Source: DPE (CVPR 2023), section 3.2 (flow and mask of each scale).
    """

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.upsample = Upsample()
        self.conv = ModulatedConv2d(channels, 3, 1, style_dim, demodulate=False)

    def forward(self, x: Tensor, style: Tensor, coarser: Tensor | None) -> Tensor:
        """The raw flow of this level."""
        raw: Tensor = self.conv(x, style) + self.bias
        if coarser is None:
            return raw
        result: Tensor = raw + self.upsample(coarser)
        return result


class Generator(nn.Module):
    """G: an edited code and the source's feature pyramid to the edited picture.

    Shape: code (N, K), features as ``Encoder`` gives them -> (N, 3, S, S), about [-1, 1], unclamped.

    Source: DPE (CVPR 2023), section 3.2, "Y = G(c_edited, F)" with multi-scale flow warping; the
    pose generator and the expression generator are two of this class.
    """

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        widest = params.channels(4)
        self.input = _ConstantInput(widest)
        self.conv1 = StyledConv(widest, widest, params.style_dim)
        # DPE differs: a first RGB at 4x4 is stored in the released weights and never added.
        self.to_rgb1 = ToRgb(widest, upsample=False)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        self.to_flows = nn.ModuleList()
        coarser = widest
        for size_px in params.level_sizes:
            channels = params.channels(size_px)
            self.convs.append(StyledConv(coarser, channels, params.style_dim, upsample=True))
            self.convs.append(StyledConv(channels, channels, params.style_dim))
            self.to_rgbs.append(ToRgb(channels))
            self.to_flows.append(ToFlow(channels, params.style_dim))
            coarser = channels

    def forward(self, code: Tensor, features: Sequence[Tensor]) -> Tensor:
        """The edited pictures."""
        return self.render(code, features).image

    def render(self, code: Tensor, features: Sequence[Tensor]) -> Rendering:
        """The edited pictures with the raw flow of every level."""
        x = self.conv1(self.input.input.expand(code.shape[0], -1, -1, -1), code)
        rgb: Tensor | None = None
        raw: Tensor | None = None
        raws: list[Tensor] = []
        for level, source in enumerate(features):
            x = self.convs[2 * level](x, code)
            x = self.convs[2 * level + 1](x, code)
            raw = self.to_flows[level](x, code, raw)
            assert raw is not None
            raws.append(raw)
            grid, mask = split_flow(raw)
            # DPE differs: the grid is made for align_corners=True and sampled with False, so a flow of
            # zero is not the identity. The released weights have learnt it, so it must stay.
            warped = F.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False) * mask
            rgb = self.to_rgbs[level](warped, rgb)
            if level + 1 < len(features):
                x = warped + x * (1.0 - mask)
        assert rgb is not None
        return Rendering(rgb, tuple(raws))
