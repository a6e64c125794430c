from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dpe_face_mesh import plugin
from dpe_face_mesh.detector import MeshDetector
from dpe_face_mesh.landmarker import MeshLandmarker
from dpe_face_mesh.options import DetectorOptions, LandmarkOptions
from dpe_toolkit.api import Detections
from dpe_toolkit.testing import KnownClip, LandmarkConformance

(COMPONENT,) = plugin.dpe_register_landmarkers()
EYES_NOSE_MOUTH = [33, 263, 1, 61, 291]


class TestLandmarker(LandmarkConformance):
    component = COMPONENT


@pytest.mark.parametrize("points", [[], EYES_NOSE_MOUTH])
def test_boxes_of_another_detector_get_the_mesh_that_the_own_detector_draws(
    dpe_photograph: KnownClip, points: list[int]
) -> None:
    frames = dpe_photograph.frames()
    own = MeshDetector(DetectorOptions()).detect(frames, None)
    bare = [replace(one, landmarks_px=one.landmarks_px[:, points], blendshapes=one.blendshapes[:, :0]) for one in own]
    given = MeshLandmarker(LandmarkOptions()).landmarks(frames, bare)
    for mesh, known in zip(given, own, strict=True):
        assert (mesh.landmarks_px.shape, mesh.blendshapes.shape) == (known.landmarks_px.shape, known.blendshapes.shape)
        size = float(np.ptp(known.landmarks_px[0, :, 0]))
        assert float(np.abs(mesh.landmarks_px - known.landmarks_px)[..., :2].mean()) < 0.02 * size


def test_a_box_without_a_face_is_left_out(dpe_photograph: KnownClip) -> None:
    corner = np.array([[0, 0, 12, 12]], np.float32)
    nobody = Detections(corner, np.zeros((1, 0, 3), np.float32), np.ones(1, np.float32), np.zeros((1, 0), np.float32))
    frames = dpe_photograph.frames().take(slice(0, 1))
    (found,) = MeshLandmarker(LandmarkOptions()).landmarks(frames, [nobody])
    assert (len(found), found.landmarks_px.shape[1:]) == (0, (478, 3))
