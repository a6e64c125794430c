"""The real face networks must read the set as they read people."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from dpe_face_mesh.detector import MeshDetector
from dpe_face_mesh.options import DetectorOptions
from dpe_research.dataset.synth import Expression, Pose, SyntheticFace, render_face, sample_identity, sample_poses
from dpe_toolkit.api.face import BLENDSHAPE_NAMES, fit_pose, rotation_matrix
from dpe_toolkit.face.tracks import Detections
from dpe_toolkit.testing import batch_from_rgb

pytestmark = pytest.mark.slow
NEUTRAL = Expression.of({})


@lru_cache(maxsize=1)
def detector() -> MeshDetector:
    return MeshDetector(DetectorOptions())


def read(face: SyntheticFace) -> Detections:
    """What the detector finds without being told where to look."""
    return detector().detect(batch_from_rgb(face.picture[None]), None)[0]


def angles(mesh_px: np.ndarray) -> list[float]:
    turn = rotation_matrix(fit_pose(mesh_px[None])[:, 1:4])[0]
    return np.degrees([np.arcsin(turn[2, 0]), np.arctan2(-turn[2, 1], turn[2, 2]), np.arctan2(turn[1, 0], turn[0, 0])])


def test_the_face_is_found_and_its_mesh_and_pose_are_read():
    errors, read_deg, true_deg = [], [], []
    for seed in range(4):
        for pose in sample_poses(seed, 6):
            face = render_face(sample_identity(seed), pose, NEUTRAL, 256)
            found = read(face)
            assert len(found) == 1
            assert found.scores[0] > 0.9
            apart = np.linalg.norm((found.landmarks_px[0] - face.mesh_px)[:, :2], axis=1)
            errors.append(apart.mean() / (face.place[2] * 256))
            read_deg.append(angles(found.landmarks_px[0]))
            true_deg.append(face.pose_deg)
    assert np.mean(errors) < 0.03
    for axis in range(3):
        assert np.corrcoef(np.array(read_deg)[:, axis], np.array(true_deg)[:, axis])[0, 1] > 0.93


@pytest.mark.parametrize(
    ("names", "rise"),
    [
        (("jawOpen",), 0.3),
        (("eyeBlinkLeft", "eyeBlinkRight"), 0.2),
        (("mouthSmileLeft", "mouthSmileRight"), 0.3),
        (("browInnerUp",), 0.3),
        (("mouthPucker",), 0.4),
        (("eyeLookOutLeft", "eyeLookInRight"), 0.3),
    ],
)
def test_readings_rise_with_what_was_drawn(names: tuple[str, ...], rise: float):
    index = BLENDSHAPE_NAMES.index(names[0])
    means = []
    for amount in (0.0, 0.5, 1.0):
        expression = Expression.of(dict.fromkeys(names, amount))
        faces = [render_face(sample_identity(seed), Pose(yaw_deg=8), expression, 256) for seed in range(3)]
        means.append(np.mean([read(face).blendshapes[0, index] for face in faces]))
    assert means[0] < means[1] < means[2] + 0.05
    assert means[2] - means[0] > rise
