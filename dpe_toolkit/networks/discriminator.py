"""The discriminator of the adversarial loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dpe_toolkit.networks.encoder import downsampling_stack
from dpe_toolkit.networks.layers import EqualLinear, conv_layer
from dpe_toolkit.networks.params import NetworkParams

__all__ = ["Discriminator", "append_minibatch_deviation"]

_GROUP = 4
_EPSILON = 1e-8


def append_minibatch_deviation(x: Tensor, group_size: int = _GROUP) -> Tensor:
    """``x`` with one more channel: the mean deviation within each group of samples.

    Shape: (N, C, H, W) -> (N, C + 1, H, W); N is below the group's size or a multiple of it. Sample i
    belongs to group ``i % (N / group_size)``. In groups of one no sample sees another.

    Raises:
        ValueError: N is above the group's size and no multiple of it.
    """
    samples, channels, height, width = x.shape
    group = min(samples, group_size)
    if samples % group:
        raise ValueError(f"the batch holds {samples} pictures; below {group_size} or a multiple of it is needed")
    grouped = x.view(group, -1, channels, height, width)
    deviation = torch.sqrt(grouped.var(0, unbiased=False) + _EPSILON).mean(dim=(1, 2, 3))
    plane = deviation.repeat(group).view(samples, 1, 1, 1).expand(-1, -1, height, width)
    return torch.cat((x, plane), dim=1)


class Discriminator(nn.Module):
    """D: pictures to one realness score each, the higher the more real.

    Shape: (N, 3, S, S) in about [-1, 1] -> (N, 1), unbounded logits; N below the group's size or a multiple of it.

    Source: DPE (CVPR 2023), section 3.4 (non-saturating GAN loss); StyleGAN2's discriminator.

    Args:
        params: sizes.
        group_size: pictures among which deviations are compared; the weights fit any. With 1 every score
            depends on its own picture alone.
    """

    def __init__(self, params: NetworkParams, *, group_size: int = _GROUP) -> None:
        super().__init__()
        self.group_size = group_size
        widest = params.channels(4)
        self.convs = nn.Sequential(*downsampling_stack(params))
        self.final_conv = conv_layer(widest + 1, widest, 3)
        self.final_linear = nn.Sequential(
            EqualLinear(widest * 16, widest, activated=True),
            EqualLinear(widest, 1),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """The score of each picture."""
        x = append_minibatch_deviation(self.convs(pictures), self.group_size)
        score: Tensor = self.final_linear(self.final_conv(x).flatten(1))
        return score
