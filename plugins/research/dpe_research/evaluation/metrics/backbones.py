"""The convolutions of AlexNet and VGG-16, with torchvision's parameter names, cut where LPIPS looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

__all__ = ["Backbone", "BackboneName", "channels_of"]

BackboneName = Literal["alex", "vgg"]


@dataclass(frozen=True, slots=True)
class _Convolution:
    channels: int
    size: int = 3
    stride: int = 1
    pool_before: bool = False
    """A maximum pooling stands before it."""
    tapped: bool = False
    """Its activation is one of the feature maps."""


# Source: Krizhevsky, One weird trick (2014), in torchvision's channel counts; Simonyan & Zisserman (2015), column D.
_ALEX = (
    _Convolution(64, 11, 4, tapped=True),
    _Convolution(192, 5, pool_before=True, tapped=True),
    _Convolution(384, pool_before=True, tapped=True),
    _Convolution(256, tapped=True),
    _Convolution(256, tapped=True),
)
_VGG = tuple(
    _Convolution(channels, pool_before=level > 0 and number == 0, tapped=number == count - 1)
    for level, (channels, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)))
    for number in range(count)
)
_NETWORKS = {"alex": _ALEX, "vgg": _VGG}


def channels_of(name: BackboneName) -> tuple[int, ...]:
    """Channels of each feature map."""
    return tuple(layer.channels for layer in _NETWORKS[name] if layer.tapped)


class Backbone(nn.Module):
    """Feature maps of a picture; state keys are torchvision's ``features.*`` (weights of the classifier are none)."""

    def __init__(self, name: BackboneName) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self._taps: list[int] = []
        before = 3
        for layer in _NETWORKS[name]:
            if layer.pool_before:
                layers.append(nn.MaxPool2d(3 if name == "alex" else 2, 2))
            padding = 2 if layer.size > 3 else 1
            layers.append(nn.Conv2d(before, layer.channels, layer.size, layer.stride, padding))
            # Torchvision's networks are saved with an in-place activation; which kind it is leaves no key.
            layers.append(nn.ReLU())
            before = layer.channels
            if layer.tapped:
                self._taps.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Sequence[Tensor]:
        """Feature maps (N, C, h, w), finest first, of normalised pictures (N, 3, H, W)."""
        maps = []
        for position, layer in enumerate(self.features):
            pictures = layer(pictures)
            if position in self._taps:
                maps.append(pictures)
        return maps
