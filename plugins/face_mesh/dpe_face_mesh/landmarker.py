"""Landmarker ``face_mesh``: the mesh of faces that another detector found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dpe_face_mesh.detector import MeshDetector
from dpe_face_mesh.options import DetectorOptions, LandmarkOptions
from dpe_toolkit.api import Detections, FrameBatch

__all__ = ["MeshLandmarker"]

FloatArray = npt.NDArray[np.float32]
_FIVE_POINTS = 5


class MeshLandmarker:
    """Draws the mesh in each box, and once more in the region that it then lies in.

    Each frame stands on its own. Where the detector gave five points the face is taken as turned as its eyes are, else
    as upright, which the second drawing corrects for heads up to about 45 degrees.
    """

    def __init__(self, options: LandmarkOptions) -> None:
        self._meshes = MeshDetector(DetectorOptions(keep_score=options.keep_score, num_threads=options.num_threads))

    def landmarks(self, frames: FrameBatch, found: Sequence[Detections]) -> list[Detections]:
        """478 vertices and 52 blendshapes of each face; see `dpe_toolkit.api.Landmarker`."""
        return [
            self._meshes.in_boxes(frames, row, faces.boxes_px, _angles(faces.landmarks_px))
            for row, faces in enumerate(found)
        ]


def _angles(points: FloatArray) -> FloatArray:
    """(M,) how far faces are turned, by the first two of five points, which are the eyes from left to right."""
    if points.shape[1] != _FIVE_POINTS:
        return np.zeros(len(points), np.float32)
    across = points[:, 1, :2] - points[:, 0, :2]
    return np.asarray(np.arctan2(across[:, 1], across[:, 0]), np.float32)
