from __future__ import annotations

import pytest

from dpe_face_mesh import plugin
from dpe_toolkit.testing import (
    DetectorConformance,
    EncoderConformance,
    FeaturesConformance,
    GeneratorConformance,
    MotionConformance,
    RegressorConformance,
)

(DETECTOR,) = plugin.dpe_register_detectors()
(ENCODER,) = plugin.dpe_register_encoders()
(MOTION,) = plugin.dpe_register_motion_extractors()
(GENERATOR,) = plugin.dpe_register_generators()
(REGRESSOR,) = plugin.dpe_register_regressors()
(FEATURES,) = plugin.dpe_register_features()
PARTS = (DETECTOR, ENCODER, MOTION)


@pytest.mark.smoke
class TestMeshDetector(DetectorConformance):
    component = DETECTOR


class TestMeshEncoder(EncoderConformance):
    component = ENCODER
    partners = PARTS


@pytest.mark.smoke
class TestMeshMotion(MotionConformance):
    component = MOTION
    partners = PARTS


class TestMeshGenerator(GeneratorConformance):
    component = GENERATOR
    partners = PARTS


@pytest.mark.smoke
class TestMeshRegressor(RegressorConformance):
    component = REGRESSOR


class TestMeshFeatures(FeaturesConformance):
    component = FEATURES
