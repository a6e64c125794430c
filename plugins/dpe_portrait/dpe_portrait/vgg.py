"""VGG-19, whose feature maps the paper's perceptual loss compares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dpe_portrait.options import VggOptions
from dpe_toolkit.api import CheckpointError, ComponentContext, expect_shape, file_digest, read_weights

__all__ = ["Vgg19", "load_vgg", "open_vgg"]

_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)
"""Outputs of each convolution up to relu5_1; 0 halves the image."""
_LEAST_PX = 16
_CACHED = "vgg19-*.pth"
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vgg19(nn.Module):
    """The convolutions of VGG-19 up to relu5_1, frozen, with the key names of torchvision's weights.

    Source: K. Simonyan and A. Zisserman, 2015, configuration E; the five maps as in the released trainer.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        taps: list[int] = []
        before = 3
        for position, width in enumerate(_WIDTHS):
            if width == 0:
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
            if position == 0 or _WIDTHS[position - 1] == 0:
                taps.append(len(layers) - 1)
        self.layers = nn.Sequential(*layers)
        self._taps = tuple(taps)
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).reshape(1, 3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False).eval()

    def features(self, pictures: Tensor) -> list[Tensor]:
        """relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1: 64 to 512 channels, at full size down to a sixteenth.

        Args:
            pictures: (N, 3, S, S) RGB in [0, 1], S at least 16.

        Raises:
            ValueError: a shape that does not fit.
        """
        side = expect_shape("pictures", pictures, ("N", 3, "S", "S"))["S"]
        if side < _LEAST_PX:
            raise ValueError(f"pictures are {side} px wide, expected at least {_LEAST_PX}")
        value = (pictures - self.mean) / self.deviation
        maps = []
        for position, layer in enumerate(self.layers):
            value = layer(value)
            if position in self._taps:
                maps.append(value)
        return maps


def open_vgg(options: VggOptions, context: ComponentContext) -> Vgg19:
    """The network with the weights that were named, else with those of torchvision's cache.

    Raises:
        CheckpointError: there are none, or the file cannot be used.
    """
    path = context.weights or (Path(options.weights) if options.weights else _cached())
    return load_vgg(path).to(context.device)


def load_vgg(path: Path) -> Vgg19:
    """The network with the weights of a file as torchvision publishes it; what it holds besides is left.

    Raises:
        CheckpointError: the file is missing, damaged, hostile or of another network.
    """
    state = read_weights(path).generator
    network = Vgg19()
    kept = {f"features.{key}": value for key, value in network.layers.state_dict().items()}
    _compare(path, state, kept)
    loaded = {key.removeprefix("features."): state[key] for key in kept}
    network.layers.load_state_dict(loaded)
    return network


def _compare(path: Path, state: Mapping[str, object], expected: Mapping[str, Tensor]) -> None:
    for key, value in expected.items():
        given = state.get(key)
        if not isinstance(given, Tensor):
            found = f"its keys begin with {', '.join(map(repr, list(state)[:3])) or 'nothing'}"
            wrong = f"it has no tensor {key!r} ({found})"
        elif given.shape != value.shape:
            wrong = f"{key!r} has shape {tuple(given.shape)}, not {tuple(value.shape)}"
        else:
            continue
        raise CheckpointError(
            wrong,
            "The weights of VGG-19 without batch normalisation, as torchvision publishes them",
            "Give that file, or train with features 'face_mesh', which need no weights",
            path=path,
        )


def _cached() -> Path:
    """The file that torchvision left where torch keeps downloads, checked against the digest in its name."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    found = sorted(folder.glob(_CACHED))
    if not found:
        raise CheckpointError(
            f"there are no weights of VGG-19: none were named, and {folder} holds no {_CACHED}",
            "the file that torchvision publishes as vgg19-dcbb9e9d.pth",
            "name it by option weights or put it there; or train with features 'face_mesh', which need none",
        )
    mark = found[0].stem.partition("-")[2]
    digest = file_digest(found[0])
    if not digest.startswith(mark):
        raise CheckpointError(
            f"its digest is {digest}",
            f"One that begins with {mark!r}, as its name says",
            "It was damaged on its way: remove it and get it again",
            path=found[0],
        )
    return found[0]
