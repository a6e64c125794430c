"""The image encoder: one latent and a pyramid of feature maps."""

from __future__ import annotations

from torch import Tensor, nn

from dpe_toolkit.networks.layers import EqualConv2d, ResidualBlock, conv_layer
from dpe_toolkit.networks.params import NetworkParams

__all__ = ["Encoder", "downsampling_stack"]


def downsampling_stack(params: NetworkParams) -> list[nn.Module]:
    """A 1x1 convolution from RGB and one residual block for each halving, down to 4x4 maps."""
    stack: list[nn.Module] = [conv_layer(3, params.channels(params.size), 1)]
    size_px = params.size
    while size_px > 4:
        stack.append(ResidualBlock(params.channels(size_px), params.channels(size_px // 2)))
        size_px //= 2
    return stack


class _AppearanceStack(nn.Module):
    """Holds ``convs`` under the name that the released weights give it."""

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        self.convs = nn.ModuleList(downsampling_stack(params))
        self.convs.append(EqualConv2d(params.channels(4), params.style_dim, 4))


class Encoder(nn.Module):
    """E: a picture to its latent c and its feature pyramid F.

    Shape: (N, 3, S, S) in about [-1, 1] -> latent (N, K) and L maps, coarsest first:
    (N, C_8, 8, 8) ... (N, C_S, S, S). Floating, the dtype of the weights; unbounded.

    Source: DPE (CVPR 2023), section 3.2, "c = E(X)"; the pyramid is what the generator warps.
    """

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        self.net_app = _AppearanceStack(params)

    def forward(self, pictures: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Latent and feature pyramid of each picture."""
        maps: list[Tensor] = []
        x = pictures
        for layer in self.net_app.convs:
            x = layer(x)
            maps.append(x)
        # The last two are the 4x4 map and the latent itself; neither is warped.
        return x.flatten(1), tuple(reversed(maps[:-2]))
