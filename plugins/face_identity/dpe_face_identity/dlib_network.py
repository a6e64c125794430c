"""Who a face is, by dlib's face recognition network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_face_identity.alignment import aligned_images, expect_faces, mesh_of
from dpe_toolkit.api import CheckpointError, PluginError
from dpe_toolkit.api.face import EYES, NOSE_BASE

__all__ = ["DlibIdentity", "open_dlib"]

_CHIP_PX = 150
_PADDING = 0.25
_FIVE = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
"""Corners of the eye on the image's right, of that on its left, and the base of the nose, as dlib places them."""
_TEMPLATE_PX = (_FIVE + _PADDING) / (1 + 2 * _PADDING) * _CHIP_PX
_MESH_POINTS = [*EYES[1].corners, *EYES[0].corners, NOSE_BASE]
"""The same five in the face mesh: within 0.03 of the eyes' distance of where dlib itself finds them."""
_SMALL_PX = 300
_NETWORK, _LANDMARKS = "dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat"
_INSTALL = "pip install 'dpe-face-identity[dlib]'"


class DlibIdentity:
    """Embedder of dlib's ResNet of 29 layers. It runs on the CPU and passes no gradient.

    Source: D. King, dlib_face_recognition_resnet_model_v1, 2017; the alignment is that of dlib's face chips.

    Args:
        dlib: the module.
        folder: where the weights lie.
    """

    def __init__(self, dlib: Any, folder: Path) -> None:
        self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))
        self._landmarks = dlib.shape_predictor(str(folder / _LANDMARKS))
        self._find = dlib.get_frontal_face_detector()

    @torch.no_grad()
    def embed(self, pictures: Tensor, near_px: Tensor | None = None) -> Tensor:
        """(N, 128) vectors of length 1; see `dpe_toolkit.api.IdentityEmbedder`.

        Without ``near_px`` dlib looks for the face itself; a row is nan where it sees none.

        Raises:
            ValueError: a shape that does not fit.
        """
        expect_faces(pictures, near_px)
        points = self._points(pictures) if near_px is None else mesh_of(near_px)[:, _MESH_POINTS]
        seen = ~points.isnan().any(dim=2).any(dim=1)
        chips = _bytes(aligned_images(pictures, points.nan_to_num(), _TEMPLATE_PX, _CHIP_PX)) if seen.any() else []
        result = torch.full((len(pictures), 128), torch.nan, dtype=torch.float64)
        for row in torch.nonzero(seen)[:, 0].tolist():
            result[row] = torch.tensor(list(self._network.compute_face_descriptor(chips[row])))
        return torch.nn.functional.normalize(result, dim=1).to(pictures)

    def _points(self, pictures: Tensor) -> Tensor:
        """(N, 5, 2) the template's points in image pixels, nan where no face is seen."""
        found = torch.full((len(pictures), len(_FIVE), 2), torch.nan, dtype=torch.float64)
        # dlib sees no face below 80 pixels unless it enlarges the image first.
        enlarge = int(pictures.shape[3] < _SMALL_PX)
        for row, image in enumerate(_bytes(pictures)):
            boxes = self._find(image, enlarge)
            if boxes:
                shape = self._landmarks(image, max(boxes, key=lambda box: box.area()))
                # dlib counts pixels by their centres.
                found[row] = torch.tensor([(point.x + 0.5, point.y + 0.5) for point in shape.parts()])
        return found


def open_dlib() -> DlibIdentity:
    """The embedder, with the weights that package face-recognition-models carries.

    Raises:
        PluginError: a package is missing.
        CheckpointError: its weights are.
    """
    try:
        import dlib
    except ImportError as error:
        raise _missing("dlib") from error
    # Importing that package needs a part of setuptools that is gone; only its files are wanted.
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or not package.submodule_search_locations:
        raise _missing("face_recognition_models")
    folder = Path(package.submodule_search_locations[0]) / "models"
    for name in (_NETWORK, _LANDMARKS):
        if not (folder / name).is_file():
            raise CheckpointError(
                "it is missing from package face-recognition-models",
                "The weights that the package carries",
                f"Install it again: {_INSTALL} --force-reinstall",
                path=folder / name,
            )
    return DlibIdentity(dlib, folder)


def _missing(name: str) -> PluginError:
    return PluginError(
        f"identity 'dlib' needs the Python package {name}, which is not installed",
        "dlib with its weights, from the package index",
        f"{_INSTALL}, or choose identity 'arcface'",
        plugin="face_identity",
    )


def _bytes(pictures: Tensor) -> list[npt.NDArray[np.uint8]]:
    """(H, W, 3) RGB, 8 bit."""
    scaled = (pictures.clamp(0, 1) * 255).round().cpu().to(torch.uint8)
    return [np.ascontiguousarray(one) for one in scaled.permute(0, 2, 3, 1).numpy()]
