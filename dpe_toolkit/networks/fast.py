"""The inference route: the same numbers as ``DpeNetwork``, several times faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from dpe_toolkit.networks.dpe import Branch, DpeNetwork
from dpe_toolkit.networks.fast_stages import FastEncoder, FastGenerator
from dpe_toolkit.networks.generator import Rendering
from dpe_toolkit.networks.layers import Upsample, blur_kernel
from dpe_toolkit.networks.motion import AffineMap

__all__ = ["EncodedSource", "FastDpe"]


@dataclass(frozen=True, slots=True)
class EncodedSource:
    """What an edit needs of its source; worth keeping when one picture is edited more than once."""

    latent: Tensor
    """(N, K) float32."""
    features: tuple[Tensor, ...]
    """L maps (N, C, s, s), coarsest first, channels-last, in the network's dtype."""


class FastDpe(nn.Module):
    """``DpeNetwork`` for inference: weights folded, styles on activations, one affine motion map.

    Shape: pictures (N, 3, S, S) in about [-1, 1], any floating dtype, on the device of the weights;
    results are float32, unclamped. Codes, flows and styles stay in float32 whatever ``dtype`` is.
    Nothing here needs a gradient: call it under ``torch.inference_mode()`` or ``no_grad``.

    Source: DPE, sections 3.2 and 3.3; the folding is our choice, measured by benchmarks/dpe_edit.py.

    Args:
        network: where the weights come from; not changed, and no tensor is shared that changes later.
        dtype: of weights and maps: float32 (reference), bfloat16 or float16.

    Raises:
        ValueError: the weights hold another upsampling kernel than ``[1, 3, 3, 1]``.
    """

    def __init__(self, network: DpeNetwork, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        _expect_usual_upsampling(network)
        self.params = network.params
        self.dtype = dtype
        self.encoder = FastEncoder(network.enc, dtype)
        self.generators = nn.ModuleDict({"pose": FastGenerator(network.dec_pose, dtype)})
        self.generators["exp"] = FastGenerator(network.dec_exp, dtype)
        for branch in ("pose", "exp"):
            motion = network.fold_motion("pose" if branch == "pose" else "exp")
            for part in ("down", "up", "bias"):
                self.register_buffer(f"{branch}_{part}", getattr(motion, part).float(), persistent=False)
        self.eval()

    def encode(self, pictures: Tensor) -> EncodedSource:
        """Latent and feature pyramid of each picture."""
        latent, features = self.encoder(pictures)
        return EncodedSource(latent, features)

    def motion_code(self, latent: Tensor, branch: Branch) -> Tensor:
        """One branch's motion code (N, K) float32 of latents (N, K) float32."""
        parts = (self.get_buffer(f"{branch}_{part}") for part in ("down", "up", "bias"))
        return AffineMap(*parts)(latent)

    def render(self, code: Tensor, source: EncodedSource, branch: Branch) -> Rendering:
        """Pictures, flows and masks of edited codes over a source.

        Args:
            code: (N, K) float32.
            source: of N pictures, or of one that all codes share.
            branch: which generator.
        """
        rendering: Rendering = self.generators[branch](code, source.features)
        return rendering

    def render_self(self, source: EncodedSource, branch: Branch) -> Rendering:
        """The network's own idea of no edit: each source with its own motion code added.

        ``image(edit) - image(self)`` is what an edit changes, free of the network's softness.
        """
        return self.render(source.latent + self.motion_code(source.latent, branch), source, branch)

    def compile_stages(self) -> Self:
        """Hands encoder and generators to torch.compile, with frozen weights; returns self.

        Needs a C++ compiler (CPU) or Triton (GPU); each new batch size costs a compilation.
        """
        options: dict[str, str | int | bool] = {"freezing": True}
        for stage in (self.encoder, *self.generators.values()):
            stage.compile(options=options, dynamic=False)
        return self


def _expect_usual_upsampling(network: DpeNetwork) -> None:
    usual = blur_kernel(4.0)
    for name, module in network.named_modules():
        if isinstance(module, Upsample) and not torch.allclose(module.kernel.float().cpu(), usual, atol=1e-6):
            raise ValueError(
                f"{name}.kernel is {module.kernel.tolist()}; the fast route needs the usual kernel "
                f"{usual.tolist()}. Use DpeNetwork itself for these weights."
            )
