"""Rows of our networks: trained, of other weights files, or untrained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dpe_research.evaluation.cases import Case, EditKind
from dpe_research.evaluation.methods.base import Edited, as_bytes, as_floats
from dpe_toolkit.api.networks import (
    Branch,
    DpeEditor,
    DpeNetwork,
    EncodedSource,
    FastDpe,
    NetworkParams,
    load_generator,
)

__all__ = ["NetworkMethod", "load_method", "untrained_method"]


class NetworkMethod:
    """A DPE network. Pictures of another size than the network's are resampled to it and its results back."""

    has_amounts = True

    def __init__(self, name: str, editor: DpeEditor, device: torch.device, note: str = "") -> None:
        self.name = name
        self.note = note
        self.params = editor.network.params
        """Sizes of the network."""
        self._editor = editor
        self._device = device

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        """Results of N cases, each kind of edit in one batch."""
        sources, drivers = true[0], true[1]
        assert sources is not None
        assert drivers is not None
        results = torch.empty_like(sources)
        for kind in dict.fromkeys(case.edit for case in cases):
            rows = [row for row, case in enumerate(cases) if case.edit == kind]
            same = len({cases[row].source for row in rows}) == 1
            # One picture serves all: a source that many frames drive is encoded once.
            source, driver = self._prepare(sources[rows[:1] if same else rows]), self._prepare(drivers[rows])
            shown = as_bytes(self._resized((self._one(source, driver, kind, amount) + 1) / 2, sources.shape[-1]))
            results[rows] = shown
        return Edited(results, np.ones(len(cases), np.bool_))

    def _one(self, source: Tensor, driver: Tensor, kind: EditKind, amount: float) -> Tensor:
        encoded: EncodedSource | Tensor = self._editor.encode(source)
        if kind != "in-turn":
            return self._editor.edit(encoded, driver, kind, amount)
        first = self._editor.edit(encoded, driver, "expression", amount)
        # As the next edit would see it, had the first been saved as a picture.
        return self._editor.edit(first.clamp(-1, 1), driver, "pose", amount)

    def _prepare(self, pictures: Tensor) -> Tensor:
        return self._resized(as_floats(pictures.to(self._device)), self.params.size) * 2 - 1

    def _resized(self, pictures: Tensor, size_px: int) -> Tensor:
        if pictures.shape[-1] == size_px:
            return pictures
        return F.interpolate(pictures, (size_px, size_px), mode="bicubic", antialias=True).clamp(-1, 1)


def load_method(name: str, path: Path, device: torch.device, *, branch: Branch | None = None) -> NetworkMethod:
    """The network of a weights file.

    Args:
        name: of its row.
        path: the file.
        device: where it runs.
        branch: branch that edits the expression; what the file says where None.

    Raises:
        CheckpointError: the file is missing, damaged, hostile, or of another network.
    """
    loaded = load_generator(path, device=device, expression_branch=branch)
    header = loaded.header
    note = f"{path.name}: {header.size} px, branch '{header.expression_branch}' edits the expression."
    return NetworkMethod(name, loaded.editor, device, note)


def untrained_method(
    params: NetworkParams, device: torch.device, *, seed: int = 0, name: str = "untrained network"
) -> NetworkMethod:
    """A network of the same sizes with random weights: what the architecture alone gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = DpeNetwork(params)
    editor = DpeEditor(FastDpe(network).to(device), expression_branch="pose")
    return NetworkMethod(name, editor, device, f"The same sizes with random weights (seed {seed}).")
