"""LPIPS: distance of deep features, weighed by how people measure. Weights are the user's files; none are shipped."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from dpe_research.evaluation.metrics.backbones import Backbone, BackboneName, channels_of
from dpe_toolkit.api import CheckpointError, expect_shape, first_line

__all__ = ["SMALLEST_PX", "Lpips", "load_lpips"]

SMALLEST_PX = 32
"""Side below which the last maps of the networks would be empty."""

# Source: Zhang et al., The Unreasonable Effectiveness of Deep Features (2018), version 0.1 of their weights:
# ImageNet's statistics, for pictures in [-1, 1].
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10
_LARGEST_BYTES = 2**31


class Lpips(nn.Module):
    """The distance; 0 for equal pictures. Linear layers have the keys of the ``lpips`` package.

    Source: Zhang et al. (2018), equation 1.
    """

    def __init__(self, name: BackboneName = "alex") -> None:
        super().__init__()
        self.name = name
        self.backbone = Backbone(name)
        self.linear = nn.ParameterList(nn.Parameter(torch.zeros(1, count, 1, 1)) for count in channels_of(name))
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)

    @property
    def higher_is_better(self) -> bool:
        """False: it is a distance."""
        return False

    def forward(self, results: Tensor, references: Tensor) -> Tensor:
        """(N,) distances of pictures (N, 3, H, W) in [0, 1]."""
        sizes = expect_shape("results", results, ("N", 3, "H", "W"))
        expect_shape("references", references, ("N", 3, "H", "W"), sizes)
        if min(results.shape[2:]) < SMALLEST_PX:
            raise ValueError(f"LPIPS needs pictures of at least {SMALLEST_PX} px, got {tuple(results.shape)}")
        total = torch.zeros(len(results), device=results.device)
        pairs = zip(self.backbone(self._normal(results)), self.backbone(self._normal(references)), strict=True)
        for weight, (result, reference) in zip(self.linear, pairs, strict=True):
            difference = (_unit(result) - _unit(reference)).square()
            total = total + (difference * weight).sum(1).mean((1, 2))
        return total

    @torch.no_grad()
    def compare(self, results: Tensor, references: Tensor) -> Tensor:
        """As ``forward``, computed where the weights are."""
        home = self.linear[0].device
        distance: Tensor = self(results.float().to(home), references.float().to(home))
        return distance

    def _normal(self, pictures: Tensor) -> Tensor:
        shift, scale = cast("Tensor", self.shift), cast("Tensor", self.scale)
        return (2 * pictures - 1 - shift) / scale


def load_lpips(backbone: Path | None, linear: Path | None, *, name: BackboneName = "alex") -> Lpips:
    """LPIPS with the weights of two files.

    Args:
        backbone: torchvision's weights of AlexNet (alexnet-owt-7be5be79.pth) or VGG-16 (vgg16-397923af.pth).
        linear: ``weights/v0.1/alex.pth`` or ``vgg.pth`` of the lpips package.
        name: which network.

    Raises:
        CheckpointError: a file is not given, missing, damaged, hostile or of another network.
    """
    network = Lpips(name)
    chosen = {"alex": "AlexNet", "vgg": "VGG-16"}[name]
    features = _read(backbone, f"torchvision's weights of {chosen}", "--lpips-backbone")
    kept = {key: value for key, value in features.items() if key.startswith("features.")}
    _load(network.backbone, kept, backbone, f"torchvision's weights of {chosen}")
    weights = _read(linear, f"the lpips package's linear layers for {chosen}", "--lpips-linear")
    renamed = {f"{key.split('.')[0].removeprefix('lin')}": value for key, value in weights.items()}
    _load(network.linear, renamed, linear, f"the lpips package's linear layers for {chosen}")
    return network.eval().requires_grad_(requires_grad=False)


def _read(path: Path | None, meant: str, flag: str) -> Mapping[str, Tensor]:
    if path is None:
        raise CheckpointError("LPIPS has no weights of its own", meant, f"give the file with {flag}")
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is larger than 2 GiB")
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
            raise ValueError("it holds something else than named tensors")
    except (OSError, ValueError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"it cannot be read: {first_line(error)}", meant, f"correct {flag}", path=path) from error
    return cast("Mapping[str, Tensor]", state)


def _load(module: nn.Module, state: Mapping[str, Tensor], path: Path | None, meant: str) -> None:
    own = module.state_dict()
    wrong = [key for key in own if key not in state or state[key].shape != own[key].shape]
    if wrong or len(state) != len(own):
        odd = wrong or sorted(set(state) - set(own))
        raise CheckpointError(
            f"it is of another network: {len(odd)} tensors do not fit, the first is {odd[0]!r}",
            meant,
            "choose the file that belongs to --lpips-net",
            path=path,
        )
    module.load_state_dict({key: value.float() for key, value in state.items()})


def _unit(features: Tensor) -> Tensor:
    length = features.square().sum(1, keepdim=True).sqrt()
    return features / (length + _EPSILON)
