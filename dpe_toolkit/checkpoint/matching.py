"""Compares a state with the network that it should fill, and says what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from dpe_toolkit.core.errors import CheckpointError
from dpe_toolkit.networks import Discriminator, DpeNetwork, NetworkParams

__all__ = ["StateDifference", "build_discriminator", "build_network", "compare_state", "infer_params", "lia_names"]

_SHOWN = 4
_CHANNELS_TIMES_SIZE = 64 * 256
_BLOCK = re.compile(r"(?:enc\.net_app\.)?convs\.(\d+)\.skip\.1\.weight")

_NetworkT = TypeVar("_NetworkT", DpeNetwork, Discriminator)


@dataclass(frozen=True, slots=True)
class StateDifference:
    """How a state departs from what a network expects."""

    missing: tuple[str, ...]
    """Keys that the network has and the state has not."""
    unexpected: tuple[str, ...]
    """Keys that the state has and the network has not."""
    reshaped: tuple[str, ...]
    """``key is (found), expected (wanted)`` for each key of another shape or kind."""

    def __len__(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.reshaped)

    def describe(self) -> str:
        """The counts with the first few of each, in one sentence."""
        parts = (
            _listed("missing", self.missing),
            _listed("unexpected", self.unexpected),
            _listed("of another shape", self.reshaped),
        )
        return "; ".join(part for part in parts if part)


def _listed(what: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {'key is' if len(names) == 1 else 'keys are'} {what}: {shown}{more}"


def compare_state(state: Mapping[str, object], network: nn.Module) -> StateDifference:
    """What keeps ``state`` from filling ``network``, which may be on the meta device."""
    wanted: dict[str, Tensor] = network.state_dict()
    reshaped = tuple(
        f"{key} is {_describe(state[key])}, expected {tuple(tensor.shape)}"
        for key, tensor in wanted.items()
        if key in state and not _fits(state[key], tensor)
    )
    missing = tuple(key for key in wanted if key not in state)
    return StateDifference(missing, tuple(key for key in state if key not in wanted), reshaped)


def _fits(value: object, wanted: Tensor) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.shape == wanted.shape


def _describe(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"of type {type(value).__name__}"
    shape = str(tuple(value.shape))
    return shape if value.is_floating_point() else f"{shape} of {value.dtype}"


def infer_params(state: Mapping[str, object]) -> NetworkParams | None:
    """The sizes that a generator or discriminator state seems to have, None where it cannot be told."""
    shapes = {key: tuple(value.shape) for key, value in state.items() if isinstance(value, Tensor)}
    blocks = {int(match.group(1)): shapes[key] for key in shapes if (match := _BLOCK.fullmatch(key))}
    stem = shapes.get("enc.net_app.convs.0.0.weight", shapes.get("convs.0.0.weight"))
    if not blocks or stem is None or len(blocks) > 12:
        return None
    size, widest = 4 << len(blocks), blocks[max(blocks)][0]
    style_dim, motion_dim = shapes.get("dir.weight", shapes.get("dec.direction.weight", (widest, 1)))[:2]
    multiplier = max(1, stem[0] * size // _CHANNELS_TIMES_SIZE) if stem[0] < widest else 1
    try:
        return NetworkParams(size, style_dim, motion_dim, multiplier, widest)
    except (ValueError, TypeError):
        return None


def build_network(state: Mapping[str, object], params: NetworkParams | None, path: Path) -> DpeNetwork:
    """The network that ``state`` fills, in float32 on the CPU; tensors are shared with ``state``.

    Args:
        state: the released ``gen`` keys.
        params: sizes where the file states them; otherwise told from the shapes.
        path: named in the error.

    Raises:
        CheckpointError: keys or shapes differ.
    """
    return _fill(_closest(state, params, DpeNetwork), state, path, "a DPE generator")


def build_discriminator(state: Mapping[str, object], params: NetworkParams | None, path: Path) -> Discriminator:
    """The discriminator that ``state`` fills; otherwise as ``build_network``."""
    return _fill(_closest(state, params, Discriminator), state, path, "a DPE discriminator")


def _closest(state: Mapping[str, object], params: NetworkParams | None, kind: type[_NetworkT]) -> _NetworkT:
    """The network on the meta device, of the sizes that leave the fewest differences.

    One damaged tensor must be named itself, not taken for the size that everything else misses.
    """
    with torch.device("meta"):
        network = kind(params or NetworkParams())
        inferred = None if params is not None else infer_params(state)
        differences = len(compare_state(state, network))
        if not differences or inferred is None:
            return network
        other = kind(inferred)
    return other if len(compare_state(state, other)) < differences else network


def _fill(network: _NetworkT, state: Mapping[str, object], path: Path, what: str) -> _NetworkT:
    difference = compare_state(state, network)
    if len(difference):
        raise CheckpointError(
            f"it does not fit {what}: {difference.describe()}",
            f"Exactly the {len(network.state_dict())} keys and shapes of {what}",
            "Check that the file is complete and of this network; a LIA checkpoint only initialises training",
            path=path,
        )
    tensors = {key: value.float() for key, value in state.items() if isinstance(value, Tensor)}
    network.load_state_dict(tensors, assign=True)
    return network


def lia_names(state: Mapping[str, object]) -> dict[str, object]:
    """The part of a LIA generator's state that DPE starts from, under the names that DPE uses."""
    renamed: dict[str, object] = {}
    for key, value in state.items():
        if key.startswith("enc.net_app."):
            renamed[key] = value
        elif key.startswith("enc.fc."):
            renamed["mlp." + key.removeprefix("enc.fc.")] = value
        elif key.startswith("dec.direction."):
            renamed["dir." + key.removeprefix("dec.direction.")] = value
    return renamed
