"""The bidirectional cycle: every picture that one step makes of a batch of pairs.

S and D are two frames of one clip, so of one person. e(X, Y) puts Y's expression on X, p(X, Y) Y's pose::

    S --e(S, D)--> S' --p(S', D)--> S'', which should be D
    D --p(D, S)--> D' --e(D', S)--> D'', which should be S

S' and D' have S's pose and D's expression both, so they should be equal.

Source: DPE (CVPR 2023), sections 3.2 and 3.3. Which edit comes first in which direction is our reading: it is the
order in which the two mid pictures agree, as the paper's third reconstruction pair demands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, ParamSpec, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dpe_research.training.config import Compares
from dpe_research.training.losses import unstillness
from dpe_toolkit.api.networks import Branch, DpeNetwork, Generator

__all__ = ["Cycle", "CyclicEdits"]

P = ParamSpec("P")
R = TypeVar("R")
Encoded: TypeAlias = tuple[Tensor, tuple[Tensor, ...]]


class Cycle(NamedTuple):
    """The pictures of one step; each (N, 3, S, S), about [-1, 1], unclamped. A tuple, so that wrappers look inside."""

    source_mid: Tensor
    """S' = e(S, D)."""
    source_final: Tensor
    """S'' = p(S', D), to be D."""
    driver_mid: Tensor
    """D' = p(D, S), to be S'."""
    driver_final: Tensor
    """D'' = e(D', S), to be S."""
    own: tuple[Tensor, ...]
    """e(S, S) and p(S, S), to be S; then, where asked for, e(D, D) and p(D, D), to be D."""
    codes: tuple[Tensor, Tensor] | None = None
    """Motion codes (2N, K) of the expression branch and of the pose branch, S's and then D's."""
    flow: Tensor | None = None
    """Mean of `losses.unstillness` over all that was drawn; a scalar."""

    def detached(self) -> Cycle:
        """The same pictures without gradients."""
        return Cycle(
            self.source_mid.detach(),
            self.source_final.detach(),
            self.driver_mid.detach(),
            self.driver_final.detach(),
            tuple(picture.detach() for picture in self.own),
            None if self.codes is None else (self.codes[0].detach(), self.codes[1].detach()),
            None if self.flow is None else self.flow.detach(),
        )


class CyclicEdits(nn.Module):
    """Makes a `Cycle` of a batch of pairs: one forward pass, which is what data-parallel wrappers want.

    S and D are encoded once, and so are S' and D'; what one generator makes at one time is one batch.

    Args:
        network: the network in training.
        expression_branch: branch of its weights that plays e; the other plays p.
        reconstruct_driver: whether D's self-reconstructions are made too.
        checkpoint_gradients: whether encoder and generators keep no activations and compute them again.
    """

    def __init__(
        self,
        network: DpeNetwork,
        *,
        expression_branch: Branch = "pose",
        reconstruct_driver: bool = False,
        checkpoint_gradients: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.expression_branch: Branch = expression_branch
        self.pose_branch: Branch = "exp" if expression_branch == "pose" else "pose"
        self.reconstruct_driver = reconstruct_driver
        self.checkpoint_gradients = checkpoint_gradients
        self.compares: Compares = "everything"
        """What the stage at hand compares. A warm-up stops at S' and D', which then stand for S'' and D'' as well; one
        of the codes draws nothing, and S and D stand for every picture."""

    def forward(self, source: Tensor, driver: Tensor) -> Cycle:
        """The cycle of sources S and drivers D, each (N, 3, S, S) in [-1, 1]."""
        count = len(source)
        encoded = self._encode(torch.cat((source, driver)))
        s, d = _rows(encoded, 0, count), _rows(encoded, count, 2 * count)
        motion = self.network.motion(encoded[0])
        codes = self.network.head(self.expression_branch)(motion), self.network.head(self.pose_branch)(motion)
        if self.compares == "codes":
            return Cycle(source, driver, driver, source, (), codes)
        e_s, e_d = torch.split(codes[0], count)
        p_s, p_d = torch.split(codes[1], count)
        owners = ((s, e_s, p_s), (d, e_d, p_d))[: 1 + self.reconstruct_driver]
        flows: list[Tensor] = []
        source_mid, *own_e = self._edit(self.expression_branch, [(s, e_d), *((own, e) for own, e, _ in owners)], flows)
        driver_mid, *own_p = self._edit(self.pose_branch, [(d, p_s), *((own, p) for own, _, p in owners)], flows)
        if self.compares != "everything":
            source_final, driver_final = source_mid, driver_mid
        else:
            again = self._encode(torch.cat((source_mid, driver_mid)))
            (source_final,) = self._edit(self.pose_branch, [(_rows(again, 0, count), p_d)], flows)
            (driver_final,) = self._edit(self.expression_branch, [(_rows(again, count, 2 * count), e_s)], flows)
        own = tuple(picture for pair in zip(own_e, own_p, strict=True) for picture in pair)
        # Mixed precision draws in half; what is compared and measured is as exact as what was given.
        exact = [made.to(source.dtype) for made in (source_mid, source_final, driver_mid, driver_final)]
        flow = torch.cat(flows).mean().to(source.dtype)
        return Cycle(exact[0], exact[1], exact[2], exact[3], tuple(made.to(source.dtype) for made in own), codes, flow)

    def _encode(self, pictures: Tensor) -> Encoded:
        return self._run(self.network.encode, pictures)

    def _edit(self, branch: Branch, edits: Sequence[tuple[Encoded, Tensor]], flows: list[Tensor]) -> tuple[Tensor, ...]:
        """One batch of edits through one generator: each an encoded picture and the motion code to add.

        What `Cycle.flow` is the mean of goes to ``flows``, (M,) of M pictures.
        """
        code = torch.cat([latent + motion for (latent, _), motion in edits])
        features = [_joined(level) for level in zip(*(maps for (_, maps), _ in edits), strict=True)]
        pictures, lengths = self._run(lambda: _drawn(self.network.generator(branch), code, features))
        flows.append(lengths)
        parts: tuple[Tensor, ...] = torch.split(pictures, len(edits[0][1]))
        return parts

    def _run(self, function: Callable[P, R], *inputs: P.args, **named: P.kwargs) -> R:
        if not (self.checkpoint_gradients and torch.is_grad_enabled()):
            return function(*inputs, **named)
        result: R = checkpoint(lambda: function(*inputs, **named), use_reentrant=False)
        return result


def _rows(encoded: Encoded, start: int, stop: int) -> Encoded:
    latent, features = encoded
    return latent[start:stop], tuple(maps[start:stop] for maps in features)


def _drawn(generator: Generator, code: Tensor, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The pictures (M, 3, S, S), and how far each one's flows are from still, (M,)."""
    rendering = generator.render(code, features)
    return rendering.image, unstillness(rendering.raw_flows)


def _joined(maps: Sequence[Tensor]) -> Tensor:
    return maps[0] if len(maps) == 1 else torch.cat(tuple(maps))
