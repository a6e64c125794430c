"""The three edits of the paper, over the inference route."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.networks.dpe import Branch
from dpe_toolkit.networks.fast import EncodedSource, FastDpe
from dpe_toolkit.networks.generator import Rendering

__all__ = ["DpeEditor", "Edit", "Origin"]

Edit: TypeAlias = Literal["expression", "pose", "both"]
"""What a driver changes in a source."""

Origin: TypeAlias = Literal["self", "zero"]
"""Where strength 0 lies: at the source's own motion code, or at no motion code at all."""

_EDITS = ("expression", "pose", "both")


class DpeEditor:
    """Edits a source's expression, pose or both, by a driver.

    Shape: pictures (N, 3, S, S), floating, in about [-1, 1] -> (N, 3, S, S) float32, unclamped.
    A source or driver of one picture serves all of the other's.

    Source: DPE (CVPR 2023), section 3.2: ``c_e = c + e``, ``c_p = c + p``, ``Y = G(c_edited, F)``;
    both edits in a row as in section 3.3, the second over the re-encoded result of the first.

    Args:
        network: folded weights.
        expression_branch: which branch of these weights edits the expression. The losses treat
            both alike, so it is a fact of each checkpoint: in the released one it is ``pose``.
    """

    def __init__(self, network: FastDpe, *, expression_branch: Branch) -> None:
        self.network = network
        self.expression_branch: Branch = expression_branch

    @torch.no_grad()
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
        """The edited pictures, (N, 3, S, S) float32, about [-1, 1], unclamped.

        Args:
            source: pictures (N, 3, S, S), or what ``encode`` made of them.
            driver: pictures (N, 3, S, S), or their latents (N, K) kept from an earlier ``encode``.
            edit: what the driver changes.
            strength: 1 is the paper's edit, 0 the self-reconstruction, above 1 exaggerates.
            pose_strength: the same for the pose when ``edit`` is "both"; as ``strength`` when None.
            neutral: driver's neutral frame, (N, 3, S, S) or latents: its motion code is taken off the
                driver's, so that only the difference between the two is carried over.
            origin: "self" scales what the driver adds to the source's own motion code, so strength 0
                is what the network was trained to reconstruct. "zero" scales the motion code itself.

        Raises:
            ValueError: a shape, dtype or name that is not accepted.
        """
        encoded, codes = self._prepare(source, driver, neutral, edit)
        result: Rendering | None = None
        for branch in self._branches(edit):
            if result is not None:
                encoded = self.network.encode(result.image)
            is_pose = branch != self.expression_branch
            scale = strength if pose_strength is None or not (is_pose and edit == "both") else pose_strength
            code = self._code(encoded.latent, codes, branch, scale, origin)
            result = self.network.render(code, encoded, branch)
        assert result is not None
        return result.image

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> EncodedSource:
        """Latent and features of pictures (N, 3, S, S); its ``latent`` stands for a driver."""
        self._expect_pictures("pictures", pictures)
        return self.network.encode(pictures)

    @torch.no_grad()
    def render_pair(
        self,
        source: Tensor | EncodedSource,
        driver: Tensor,
        edit: Literal["expression", "pose"] = "expression",
        strength: float = 1.0,
        *,
        neutral: Tensor | None = None,
        origin: Origin = "self",
    ) -> tuple[Rendering, Rendering]:
        """The edit and the self-reconstruction, each with its flows, for pasting at full resolution.

        Arguments as for ``edit``. The first minus the second is what the edit changes; for the flow's
        convention see ``Rendering``. With ``strength=0`` and origin "self" the two are equal.

        Raises:
            ValueError: a shape, dtype or name that is not accepted.
        """
        encoded, codes = self._prepare(source, driver, neutral, edit)
        branch, *others = self._branches(edit)
        if others:
            raise ValueError(f"edit is {edit!r}; one branch at a time has a flow: 'expression' or 'pose' is needed")
        code = self._code(encoded.latent, codes, branch, strength, origin)
        return self.network.render(code, encoded, branch), self.network.render_self(encoded, branch)

    def _prepare(
        self, source: Tensor | EncodedSource, driver: Tensor, neutral: Tensor | None, edit: str
    ) -> tuple[EncodedSource, tuple[Tensor, Tensor | None]]:
        if edit not in _EDITS:
            raise ValueError(f"edit is {edit!r}; one of {', '.join(map(repr, _EDITS))} is needed")
        encoded, driver = self._encode_together(source, driver)
        codes = self._latent("driver", driver), None if neutral is None else self._latent("neutral", neutral)
        counts = {encoded.latent.shape[0], *(code.shape[0] for code in codes if code is not None)} - {1}
        if len(counts) > 1:
            raise ValueError(f"source, driver and neutral hold {sorted(counts)} pictures; equal counts or 1 are needed")
        return encoded, codes

    def _encode_together(self, source: Tensor | EncodedSource, driver: Tensor) -> tuple[EncodedSource, Tensor]:
        """The encoded source, with the driver's latents where one batch could take both."""
        if isinstance(source, EncodedSource):
            return source, driver
        self._expect_pictures("source", source)
        if driver.shape != source.shape or driver.dtype != source.dtype:
            return self.network.encode(source), driver
        both = self.network.encode(torch.cat((source, driver)))
        count = source.shape[0]
        return EncodedSource(both.latent[:count], tuple(maps[:count] for maps in both.features)), both.latent[count:]

    def _branches(self, edit: str) -> tuple[Branch, ...]:
        # The order is the released code's, by branch and not by meaning: `pose` first.
        if edit == "both":
            return ("pose", "exp")
        other: Branch = "exp" if self.expression_branch == "pose" else "pose"
        return (self.expression_branch,) if edit == "expression" else (other,)

    def _code(
        self, latent: Tensor, codes: tuple[Tensor, Tensor | None], branch: Branch, strength: float, origin: Origin
    ) -> Tensor:
        driver, neutral = codes
        target = self.network.motion_code(driver, branch)
        if neutral is None and (strength == 1.0 or origin == "zero"):
            return latent + strength * target
        own = self.network.motion_code(latent, branch)
        start = latent + own if origin == "self" else latent
        reference = own if neutral is None else self.network.motion_code(neutral, branch)
        return start + strength * (target - reference)

    def _latent(self, name: str, value: Tensor) -> Tensor:
        if value.ndim == 2:
            expect_shape(name, value, ("N", self.network.params.style_dim))
            return value.float()
        self._expect_pictures(name, value)
        return self.network.encode(value).latent

    def _expect_pictures(self, name: str, value: Tensor) -> None:
        size_px = self.network.params.size
        expect_shape(name, value, ("N", 3, size_px, size_px))
        if not value.is_floating_point():
            raise ValueError(f"{name} has dtype {value.dtype}; floating pictures in [-1, 1] are needed")
