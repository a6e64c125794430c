"""Writes the toolkit's own weights files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from dpe_toolkit.checkpoint.header import HEADER_KEY, WeightsHeader
from dpe_toolkit.core.errors import CheckpointError
from dpe_toolkit.core.files import replaced

__all__ = ["save_weights"]


def save_weights(
    path: str | Path,
    generator: Mapping[str, Tensor],
    header: WeightsHeader,
    *,
    discriminator: Mapping[str, Tensor] | None = None,
) -> None:
    """Writes one safetensors file with a JSON header; an older file is replaced whole or not at all.

    Args:
        path: where; the folder must exist.
        generator: state of a ``DpeNetwork``.
        header: what the file says of itself.
        discriminator: state of a ``Discriminator``, to go on training.

    Raises:
        CheckpointError: the file cannot be written.
    """
    path = Path(path)
    tensors = {f"gen.{key}": tensor for key, tensor in generator.items()}
    tensors.update({f"dis.{key}": tensor for key, tensor in (discriminator or {}).items()})
    # A copy of each: safetensors refuses tensors that share memory.
    plain = {key: tensor.detach().cpu().clone().contiguous() for key, tensor in tensors.items()}
    try:
        with replaced(path) as part:
            save_file(plain, part, metadata={HEADER_KEY: header.model_dump_json(by_alias=True)})
    except (OSError, SafetensorError) as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"it cannot be written ({error})",
        "A folder that exists, with room for the file",
        "Choose another place or make room",
        path=path,
    )
