"""From a weights file to networks that are ready to run or to train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from dpe_toolkit.checkpoint.header import WeightsHeader
from dpe_toolkit.checkpoint.matching import (
    build_discriminator,
    build_network,
    compare_state,
    infer_params,
    lia_names,
)
from dpe_toolkit.checkpoint.reading import WeightsFile, WeightsFormat, read_weights
from dpe_toolkit.core.errors import CheckpointError
from dpe_toolkit.networks import (
    Branch,
    Discriminator,
    DpeEditor,
    DpeNetwork,
    Edit,
    EncodedSource,
    FastDpe,
    NetworkParams,
    Origin,
)

__all__ = [
    "LoadedGenerator",
    "initialise_network",
    "load_discriminator",
    "load_generator",
    "load_network",
    "network_of",
]

_ModuleT = TypeVar("_ModuleT", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class LoadedGenerator:
    """A checkpoint's generator side, ready to edit on one device."""

    editor: DpeEditor
    """The edits themselves; ``editor.network`` is the folded network."""
    header: WeightsHeader
    """Sizes, expression branch and licence: read from the file, or told from its tensors."""
    format: WeightsFormat
    """Layout of the file."""
    path: Path
    """Where it was read."""
    device: torch.device
    """Where it runs."""

    def edit(
        self,
        source: Tensor | EncodedSource,
        driver: Tensor,
        edit: Edit = "expression",
        strength: float = 1.0,
        *,
        pose_strength: float | None = None,
        neutral: Tensor | None = None,
        origin: Origin = "self",
    ) -> Tensor:
        """The edited pictures, (N, 3, S, S) float32, about [-1, 1], unclamped, on the source's device.

        Args:
            source: pictures (N, 3, S, S) in about [-1, 1], on any device, or what ``editor.encode`` made.
            driver: pictures, or latents (N, K); one of them serves all sources.
            edit: "expression", "pose" or "both".
            strength: 1 is the paper's edit, 0 the self-reconstruction.
            pose_strength: see ``DpeEditor.edit``.
            neutral: see ``DpeEditor.edit``.
            origin: see ``DpeEditor.edit``.

        Raises:
            ValueError: a shape, dtype or name that is not accepted.
        """
        home = source.latent.device if isinstance(source, EncodedSource) else source.device
        result = self.editor.edit(
            source if isinstance(source, EncodedSource) else source.to(self.device),
            driver.to(self.device),
            edit,
            strength,
            pose_strength=pose_strength,
            neutral=None if neutral is None else neutral.to(self.device),
            origin=origin,
        )
        return result.to(home)


def load_generator(
    path: str | Path,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    expression_branch: Branch | None = None,
    compile_stages: bool = False,
) -> LoadedGenerator:
    """The generator side of a released, bare or toolkit weights file, folded for inference.

    Args:
        path: the file; its format is told from its content.
        device: where it shall run; the CPU when None.
        dtype: of weights and feature maps: float32 (when None), bfloat16 or float16.
        expression_branch: overrides what the file says; released files are taken for "pose".
        compile_stages: hands the stages to torch.compile; see ``FastDpe.compile_stages``.

    Raises:
        CheckpointError: the file is missing, damaged, hostile, or of another network.
    """
    weights = read_weights(path)
    network, header = network_of(weights)
    if expression_branch is not None:
        header = header.model_copy(update={"expression_branch": expression_branch})
    target = torch.device("cpu" if device is None else device)
    try:
        fast = FastDpe(network, dtype=dtype or torch.float32).to(target)
    except ValueError as error:
        raise CheckpointError(str(error), path=path) from error
    if compile_stages:
        fast.compile_stages()
    editor = DpeEditor(fast, expression_branch=header.expression_branch)
    return LoadedGenerator(editor, header, weights.format, weights.path, target)


def load_network(path: str | Path) -> tuple[DpeNetwork, WeightsHeader]:
    """The faithful network of a weights file on the CPU in float32, for training, with its header.

    Raises:
        CheckpointError: the file is missing, damaged, hostile, or of another network.
    """
    network, header = network_of(read_weights(path))
    return _owned(network), header


def load_discriminator(path: str | Path) -> Discriminator:
    """The discriminator of a weights file, on the CPU in float32.

    Raises:
        CheckpointError: the file is missing, damaged, hostile, or holds no discriminator.
    """
    weights = read_weights(path)
    if not weights.discriminator:
        raise CheckpointError(
            f"it holds no discriminator (format {weights.format!r})",
            "A released or toolkit training checkpoint",
            "Train a new discriminator, or give the training checkpoint instead of the generator alone",
            path=path,
        )
    params = None if weights.header is None else weights.header.params
    return _owned(build_discriminator(weights.discriminator, params, weights.path))


def initialise_network(path: str | Path) -> tuple[DpeNetwork, frozenset[str]]:
    """A network to train from a LIA checkpoint, and the names of what stays at its random start.

    Encoder, motion MLP and directions come from LIA; generators and heads start at random from
    torch's global generator, so seed it first.

    Source: the released DPE training code starts so; the paper does not say.

    Raises:
        CheckpointError: the file is no LIA checkpoint, or of other shapes.
    """
    weights = read_weights(path)
    if weights.format != "lia":
        raise CheckpointError(
            f"it is of format {weights.format!r}",
            "A LIA checkpoint, which holds enc, enc.fc and dec.direction",
            "Load DPE weights with load_network",
            path=path,
        )
    state = lia_names(weights.generator)
    network = DpeNetwork(infer_params(state) or NetworkParams())
    difference = compare_state(state, network)
    started = frozenset(key for key in difference.missing if not key.startswith(("enc.", "mlp.", "dir.")))
    if difference.reshaped or difference.unexpected or len(started) < len(difference.missing):
        raise CheckpointError(
            f"its encoder does not fit: {difference.describe()}",
            "LIA's encoder, enc.fc and dec.direction at DPE's sizes",
            "Check that the file is complete",
            path=path,
        )
    tensors = {key: value.float() for key, value in state.items() if isinstance(value, Tensor)}
    network.load_state_dict(tensors, strict=False)
    return network, started


def network_of(weights: WeightsFile) -> tuple[DpeNetwork, WeightsHeader]:
    """The network of a file that was read, whose tensors it shares, with its header.

    Raises:
        CheckpointError: the file is of another network.
    """
    if weights.format == "lia":
        raise CheckpointError(
            "it is a LIA checkpoint, which has no DPE generators or heads",
            "Released DPE weights or a file of this toolkit",
            "Use it to initialise training",
            path=weights.path,
        )
    stated = None if weights.header is None else weights.header.params
    network = build_network(weights.generator, stated, weights.path)
    return network, weights.header or WeightsHeader.of(network.params)


def _owned(network: _ModuleT) -> _ModuleT:
    """The network with tensors of its own, none of them mapped from a file that may change."""
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone()
    return network
