"""The network made ready to run, shared by the components of one checkpoint."""

from __future__ import annotations

import weakref
from pathlib import Path

import torch
from torch import Tensor

from dpe_portrait.options import ModelOptions
from dpe_portrait.space import space_of
from dpe_toolkit.api import (
    Branch,
    CodeSpace,
    ComponentContext,
    DpeEditor,
    DpeNetwork,
    EncodedSource,
    FaceBatch,
    FastDpe,
    NetworkParams,
    cut_aligned,
    keep_freed_memory,
    load_generator,
)

__all__ = ["CROP_MARGIN", "RAISED", "DpeModel", "crop_squares", "open_model"]

CROP_MARGIN = 1.8
"""Side of a crop over the larger side of the face's mesh; measured on clips cropped for the released weights."""
RAISED = 0.12
"""How far the middle of a crop lies above the middle of the mesh, in sides of the mesh; measured likewise."""
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class DpeModel:
    """A checkpoint's network on one device.

    Args:
        editor: the folded network, and which branch edits the expression.
        space: the space of its codes.
        device: where it runs.
    """

    def __init__(self, editor: DpeEditor, space: CodeSpace, device: torch.device) -> None:
        self.network: FastDpe = editor.network
        self.expression_branch: Branch = editor.expression_branch
        self.pose_branch: Branch = "exp" if editor.expression_branch == "pose" else "pose"
        self.space = space
        self.device = device
        self._last: tuple[Tensor, EncodedSource] | None = None

    @property
    def size_px(self) -> int:
        """Side of the images that the network takes and gives."""
        return self.network.params.size

    @torch.no_grad()
    def encode(self, faces: FaceBatch) -> tuple[Tensor, EncodedSource]:
        """Squares (N, 3) of the crops in window pixels, and what the network sees in them.

        Faces that are one and the same image, as those of a still, are encoded once: then of one row.
        """
        squares = crop_squares(faces).to(self.device)
        crops = cut_aligned(faces.pixels.to(self.device), squares, self.size_px).clamp(0.0, 1.0) * 2.0 - 1.0
        if len(crops) > 1 and not torch.equal(crops, crops[:1].expand_as(crops)):
            return squares, self.network.encode(crops)
        if self._last is None or not torch.equal(self._last[0], crops[:1]):
            self._last = crops[:1].clone(), self.network.encode(crops[:1])
        return squares, self._last[1]


def crop_squares(faces: FaceBatch) -> Tensor:
    """(N, 3) left, top and side of each crop in window pixels, on the CPU.

    They follow the smoothed track; windows of unknown focus are taken to hold the face in their middle.
    """
    width, height = faces.placement.size_px
    origin = torch.from_numpy(faces.placement.origin_px).float()
    focus = faces.placement.focus_px
    if focus is None:
        side = torch.full((len(faces), 1), float(max(width, height)))
        return torch.cat(((width - side) / 2, (height - side) / 2, side), dim=1)
    square = torch.from_numpy(focus)
    side = square[:, 2:] * CROP_MARGIN
    left = square[:, :1] - origin[:, :1] - side / 2
    top = square[:, 1:2] - origin[:, 1:] - side / 2 - RAISED * square[:, 2:]
    return torch.cat((left, top, side), dim=1)


_open: weakref.WeakValueDictionary[tuple[object, ...], DpeModel] = weakref.WeakValueDictionary()
"""Networks in use, so that the components of one render share one; each goes with its last component."""


def open_model(options: ModelOptions, context: ComponentContext) -> DpeModel:
    """The network of these options, the same object while somebody holds it.

    Raises:
        OptionsError: no weights are named.
        CheckpointError: the file cannot be used.
    """
    # Half of the time of an edit on a CPU goes into giving memory back and getting it again.
    keep_freed_memory()
    space = space_of(options, context.weights)
    key = (space, options.dtype, options.compile, options.expression_branch, str(context.device))
    model = _open.get(key)
    if model is None:
        model = DpeModel(_load(options, context.weights, context.device), space, context.device)
        _open[key] = model
    return model


def _load(options: ModelOptions, path: Path | None, device: torch.device) -> DpeEditor:
    dtype = _DTYPES[options.dtype]
    branch: Branch | None = options.expression_branch or None
    if path is not None:
        return load_generator(
            path, device=device, dtype=dtype, expression_branch=branch, compile_stages=options.compile
        ).editor
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network = DpeNetwork(NetworkParams())
    fast = FastDpe(network, dtype=dtype).to(device)
    return DpeEditor(fast.compile_stages() if options.compile else fast, expression_branch=branch or "pose")
