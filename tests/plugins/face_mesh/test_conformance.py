from __future__ import annotations

from dpe_face_mesh import plugin
from dpe_toolkit.testing import DetectorConformance, EncoderConformance, GeneratorConformance, MotionConformance

(DETECTOR,) = plugin.dpe_register_detectors()
(ENCODER,) = plugin.dpe_register_encoders()
(MOTION,) = plugin.dpe_register_motion_extractors()
(GENERATOR,) = plugin.dpe_register_generators()
PARTS = (DETECTOR, ENCODER, MOTION)


class TestMeshDetector(DetectorConformance):
    component = DETECTOR


class TestMeshEncoder(EncoderConformance):
    component = ENCODER
    partners = PARTS


class TestMeshMotion(MotionConformance):
    component = MOTION
    partners = PARTS


class TestMeshGenerator(GeneratorConformance):
    component = GENERATOR
    partners = PARTS
