"""Generator ``onnx``: crops go in, images come out and are put back into the windows."""

from __future__ import annotations

import torch
from torch import Tensor

from dpe_onnx_generator.network import OnnxNetwork
from dpe_toolkit.api import (
    FaceBatch,
    Generated,
    GenerateRequest,
    ShotGenerator,
    ShotMaterial,
    aligned_mask,
    cut_aligned,
    paste_aligned,
)

__all__ = ["OnnxGenerator"]

_FEATHER_SHARE = 0.06


class OnnxGenerator:
    """Draws each face by a network in an ONNX file."""

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._wanted: set[str] = {given.holds for given in network.card.inputs}

    @property
    def wants_driver_pixels(self) -> bool:
        """True where an input of the network holds the driver."""
        return "driver" in self._wanted

    def begin_shot(self, material: ShotMaterial) -> ShotGenerator:
        """A generator for one shot; nothing is prepared but its amounts."""
        return _OnnxShot(self._network, self._wanted, material.request.expression)


class _OnnxShot:
    def __init__(self, network: OnnxNetwork, wanted: set[str], amounts: Tensor) -> None:
        self._network = network
        self._wanted = wanted
        self._amounts = amounts

    @torch.no_grad()
    def generate(self, request: GenerateRequest) -> Generated:
        """Each window with the network's image in it; one whose codes do not change comes back as it is."""
        faces = request.source.faces
        squares = _squares(faces, self._network.card.margin)
        size_px = (faces.pixels.shape[3], faces.pixels.shape[2])
        mask = aligned_mask(squares, size_px, squares[:, 2] * _FEATHER_SHARE)
        changes = (request.target_codes.expression != request.source_codes.expression).any(dim=1)
        rows = changes.nonzero()[:, 0]
        pixels = faces.pixels.clone()
        if len(rows):
            pixels[rows] = self._drawn(request, rows, squares[rows], mask[rows])
        return Generated(pixels, faces.landmarks_px, mask)

    def _drawn(self, request: GenerateRequest, rows: Tensor, squares: Tensor, mask: Tensor) -> Tensor:
        windows = request.source.faces.pixels[rows]
        results = self._network.run(self._inputs(request, rows, squares))
        size_px = (windows.shape[3], windows.shape[2])
        image = paste_aligned(results["picture"].to(windows), squares, size_px)
        if "matte" in results:
            mask = mask * paste_aligned(results["matte"].to(windows), squares, size_px).clamp(0, 1)
        return torch.where(mask > 0, windows + mask * (image - windows), windows)

    def _inputs(self, request: GenerateRequest, rows: Tensor, squares: Tensor) -> dict[str, Tensor]:
        size = self._network.size_px
        places = torch.from_numpy(request.rows)[rows.cpu()]
        values = {
            "source": cut_aligned(request.source.faces.pixels[rows], squares, size).clamp(0, 1),
            "source_blendshapes": request.source_codes.expression[rows],
            "target_blendshapes": request.target_codes.expression[rows],
            "amount": self._amounts[places.to(self._amounts.device)][:, None],
        }
        if "driver" in self._wanted:
            if request.driver_faces is None:
                raise ValueError("the network wants the driver's pixels, and none were given")
            driver = request.driver_faces
            theirs = _squares(driver, self._network.card.margin)[rows]
            values["driver"] = cut_aligned(driver.pixels[rows], theirs, size).clamp(0, 1)
        return {name: value for name, value in values.items() if name in self._wanted}


def _squares(faces: FaceBatch, margin: float) -> Tensor:
    """(N, 3) left, top and side of each crop in window pixels, on the device of the windows."""
    width, height = faces.placement.size_px
    focus, device = faces.placement.focus_px, faces.pixels.device
    if focus is None:
        side = torch.full((len(faces), 1), float(max(width, height)), device=device)
        return torch.cat(((width - side) / 2, (height - side) / 2, side), dim=1)
    square, origin = torch.from_numpy(focus), torch.from_numpy(faces.placement.origin_px).float()
    side = square[:, 2:] * margin
    return torch.cat((square[:, :2] - origin - side / 2, side), dim=1).to(device)
