"""The canonical face: the average face that poses and expressions are measured against."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from dpe_toolkit.face.topology import EYES, NUM_FACE_VERTICES, NUM_MESH_VERTICES

__all__ = ["FACE_WIDTH_CM", "CanonicalFace", "canonical_face", "canonical_mesh"]

FloatArray = npt.NDArray[np.float32]

FACE_WIDTH_CM = 15.48619
"""Width of the canonical face in its own units: the size of a head is given by it."""


@dataclass(frozen=True, slots=True)
class CanonicalFace:
    """The face model's average face. Its arrays are shared: nobody writes to them."""

    vertices: FloatArray
    """(468, 3) float32, about centimetres; x right, y down, z away from the viewer, as in meshes of images."""
    triangles: npt.NDArray[np.int64]
    """(898, 3) vertex indices; the mesh is closed over eyes and mouth, its only border is `FACE_OVAL`."""


@lru_cache(maxsize=1)
def canonical_face() -> CanonicalFace:
    """The canonical face that the package carries.

    Source: canonical face model of MediaPipe (Google and the MediaPipe authors, Apache-2.0), as its Face Landmarker
    bundle has it; see data/NOTICE.
    """
    stored = resources.files("dpe_toolkit.face") / "data" / "canonical_face.npz"
    with np.load(io.BytesIO(stored.read_bytes()), allow_pickle=False) as arrays:
        return CanonicalFace(arrays["vertices"].astype(np.float32), arrays["triangles"].astype(np.int64))


@lru_cache(maxsize=1)
def canonical_mesh() -> FloatArray:
    """(478, 3) the canonical face with all vertices of each iris in the middle of its eye's border.

    The model has no place for irises, which move within the eye.
    """
    vertices = np.zeros((NUM_MESH_VERTICES, 3), np.float32)
    vertices[:NUM_FACE_VERTICES] = canonical_face().vertices
    for eye in EYES:
        vertices[eye.iris] = vertices[eye.ring].mean(axis=0)
    return vertices
