"""Who a face is, by an ArcFace network that the user has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dpe_face_identity.alignment import aligned_images, expect_faces, mesh_of
from dpe_face_identity.options import ArcFaceOptions
from dpe_toolkit.api import CheckpointError, OptionsError, PluginError
from dpe_toolkit.api.face import EYES

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["ArcFaceIdentity", "open_arcface"]

_SIDE_PX = 112
_TEMPLATE_PX = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
"""Centres of both eyes, tip of the nose and corners of the mouth, from the image's left, as the training had them."""
_NOSE, _MOUTH = 1, (61, 291)


class ArcFaceIdentity:
    """Embedder of an ArcFace network for aligned faces of 112 pixels, RGB in [-1, 1]. It passes no gradient.

    Source: Deng et al., CVPR 2019; alignment and range are those of the authors' published networks.

    Args:
        session: the network, with one image for input.
    """

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    @torch.no_grad()
    def embed(self, pictures: Tensor, near_px: Tensor | None = None) -> Tensor:
        """(N, K) vectors of length 1; see `dpe_toolkit.api.IdentityEmbedder`.

        Raises:
            ValueError: a shape that does not fit.
            PluginError: ``near_px`` is None, since this network finds no faces.
        """
        expect_faces(pictures, near_px)
        if near_px is None:
            raise PluginError(
                "identity 'arcface' was not told where the faces are",
                "near_px, the vertices of a face mesh",
                "read them with regressor 'mesh' first, or choose identity 'dlib', which finds faces itself",
                plugin="face_identity",
            )
        faces = aligned_images(pictures, _points(mesh_of(near_px)), _TEMPLATE_PX, _SIDE_PX)
        images = np.ascontiguousarray((faces.clamp(0, 1) * 2 - 1).cpu().float().numpy())
        # One at a time: many published files are of a fixed batch of one.
        answers = [self._session.run(None, {self._input: image[None]})[0] for image in images]
        vectors = torch.from_numpy(np.concatenate(answers).astype(np.float32))
        return torch.nn.functional.normalize(vectors, dim=1).to(pictures)


def open_arcface(options: ArcFaceOptions, weights: Path | None) -> ArcFaceIdentity:
    """The embedder with the network of a file.

    Raises:
        OptionsError: no file is named.
        PluginError: onnxruntime is missing.
        CheckpointError: the file cannot be used.
    """
    if weights is None and not options.weights:
        raise OptionsError(
            "identity 'arcface' has no network",
            "the path of an ArcFace network as ONNX file, for faces of 112 pixels",
            "name it by option weights, or choose identity 'dlib', which brings its own",
        )
    path = weights or Path(options.weights)
    try:
        import onnxruntime
    except ImportError as error:
        raise PluginError(
            "identity 'arcface' needs the Python package onnxruntime, which is not installed",
            "onnxruntime 1.20 or newer",
            "pip install 'dpe-face-identity[arcface]', or choose identity 'dlib'",
            plugin="face_identity",
        ) from error
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.num_threads
    settings.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # a damaged file makes the runtime raise nearly anything
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        raise _refused(path, f"it cannot be read ({reason})") from error
    _check(path, session)
    return ArcFaceIdentity(session)


def _points(mesh: Tensor) -> Tensor:
    """(N, 5, 2) the template's points of (N, V, 2) meshes."""
    eyes = [mesh[:, corners].mean(dim=1) for corners in (eye.corners for eye in EYES)]
    return torch.stack([*eyes, mesh[:, _NOSE], *(mesh[:, corner] for corner in _MOUTH)], dim=1)


def _check(path: Path, session: InferenceSession) -> None:
    """Raises `CheckpointError` unless the network takes one aligned face and gives one vector."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    takes = [list(one.shape) for one in inputs]
    # An open batch is a name or None.
    batches = [shape[0] for shape in takes if shape[1:] == [3, _SIDE_PX, _SIDE_PX]]
    if len(takes) != 1 or not batches or (isinstance(batches[0], int) and batches[0] != 1):
        raise _refused(path, f"its inputs have the shapes {takes}")
    if len(outputs[0].shape) != 2:
        raise _refused(path, f"its first output has the shape {list(outputs[0].shape)}")


def _refused(path: Path, wrong: str) -> CheckpointError:
    return CheckpointError(
        wrong,
        f"An ONNX file that takes (N, 3, {_SIDE_PX}, {_SIDE_PX}) and gives (N, K)",
        "Give an ArcFace recognition network, as its authors publish them",
        path=path,
    )
