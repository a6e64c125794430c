"""Generators ``dpe/expression`` and ``dpe/pose``: the paper's edits, pasted into native windows."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Literal

import torch
from torch import Tensor

from dpe_portrait.encoder import DpeAppearance
from dpe_portrait.model import DpeModel
from dpe_portrait.options import GeneratorOptions
from dpe_portrait.paste import Renderings, paste
from dpe_toolkit.api import (
    Branch,
    Generated,
    GenerateRequest,
    MixRequest,
    MotionCode,
    ShotGenerator,
    ShotMaterial,
    aligned_mask,
)

__all__ = ["DpeGenerator"]

Part = Literal["expression", "pose"]
_FEATHER_SHARE = 0.04


class DpeGenerator:
    """Edits expression, pose or both, by the amounts of the shot.

    Where both are asked for, the second branch works on the first one's re-encoded image, in the order
    of the released code.

    Source: DPE (CVPR 2023), sections 3.2 and 3.3: Y = G(c_edited, F).

    Args:
        model: the network.
        options: how it is pasted.
        parts: what this generator edits.
    """

    def __init__(self, model: DpeModel, options: GeneratorOptions, parts: tuple[Part, ...]) -> None:
        self._model = model
        self._options = options
        self._parts = parts

    @property
    def wants_driver_pixels(self) -> bool:
        """The codes say all that is wanted of the driver."""
        return False

    def begin_shot(self, material: ShotMaterial) -> ShotGenerator:
        """A generator for one shot; nothing is prepared."""
        return _DpeShot(self._model, self._options, self._parts, material.request)


class _DpeShot:
    def __init__(
        self, model: DpeModel, options: GeneratorOptions, parts: tuple[Part, ...], request: MixRequest
    ) -> None:
        self._model = model
        self._options = options
        self._parts = parts
        self._request = request

    @torch.no_grad()
    def generate(self, request: GenerateRequest) -> Generated:
        """Edited windows; those whose codes are the source's own come back as they are."""
        source = request.source
        if not isinstance(source, DpeAppearance):
            raise TypeError(f"a DPE generator was given {type(source).__name__} in place of a DpeAppearance")
        windows = source.faces.pixels.to(self._model.device)
        wanted = {part: self._changes(request, part) for part in self._parts}
        pixels = windows
        for rows, parts in _groups(wanted):
            drawn = self._edit(request, source, rows, parts)
            pixels = pixels.index_copy(0, rows, drawn)
        squares = source.squares_px
        size_px = (windows.shape[3], windows.shape[2])
        confidence = aligned_mask(squares, size_px, squares[:, 2] * _FEATHER_SHARE)
        return Generated(pixels, source.faces.landmarks_px, confidence)

    def _changes(self, request: GenerateRequest, part: Part) -> Tensor:
        """(N,) the rows whose code of this part is not the source's own."""
        target, own = _part(request.target_codes, part), _part(request.source_codes, part)
        return (target != own).any(dim=1).to(self._model.device)

    def _edit(self, request: GenerateRequest, source: DpeAppearance, rows: Tensor, parts: tuple[Part, ...]) -> Tensor:
        """(n, 3, h, w) the windows of these rows after one branch, or after both."""
        model, network = self._model, self._model.network
        home = rows.cpu()
        squares = source.squares_px[rows]
        windows = source.faces.pixels.to(model.device)[rows]
        encoded = source.of_rows(rows)
        image: Tensor | None = None
        for part in sorted(parts, key=lambda part: self._branch(part) == "exp"):
            if image is not None:
                encoded = network.encode(image)
            branch = self._branch(part)
            code = self._code(request, encoded.latent, part, home)
            edited = network.render(code, encoded, branch)
            plain = self._options.paste == "plain"
            unedited = edited if plain else network.render_self(encoded, branch)
            windows = paste(windows, squares, Renderings(edited, unedited), self._options.paste)
            image = edited.image
        return windows

    def _branch(self, part: Part) -> Branch:
        return self._model.expression_branch if part == "expression" else self._model.pose_branch

    def _code(self, request: GenerateRequest, latent: Tensor, part: Part, home: Tensor) -> Tensor:
        """The edited codes (n, K): the latent with the target's motion.

        The source's own motion code is read from ``latent`` itself, which may be a re-encoded image's or
        differ a little from the analysis; what the target holds of the analysed one is replaced by it.
        """
        device = latent.device
        target, analysed = (
            _part(codes, part)[home.to(codes.pose.device)].to(device)
            for codes in (request.target_codes, request.source_codes)
        )
        kept = torch.ones(len(home), 1, device=device)
        if self._request.mode == "absolute":
            amounts = (self._request.expression if part == "expression" else self._request.pose).to(device)
            kept = 1.0 - amounts[torch.from_numpy(request.rows).to(device)[home.to(device)]].view(-1, 1)
        own = self._model.network.motion_code(latent, self._branch(part))
        code: Tensor = latent + target + kept * (own - analysed)
        return code


def _part(codes: MotionCode, part: Part) -> Tensor:
    return codes.expression if part == "expression" else codes.pose


def _groups(wanted: dict[Part, Tensor]) -> list[tuple[Tensor, tuple[Part, ...]]]:
    """Rows that want the same parts, with these parts; rows that want none are left out."""
    names = list(wanted)
    found = []
    for parts in chain.from_iterable(combinations(names, count) for count in range(1, len(names) + 1)):
        mask = torch.stack([wanted[name] == (name in parts) for name in names]).all(dim=0)
        if bool(mask.any()):
            found.append((mask.nonzero()[:, 0], parts))
    return found
