from __future__ import annotations

from pathlib import Path

import pytest

from dpe_face_mesh.plugin import dpe_register_detectors
from dpe_portrait import plugin
from dpe_toolkit.testing import (
    ComponentConformance,
    CompositorConformance,
    EncoderConformance,
    GeneratorConformance,
    MotionConformance,
)

(ENCODER,) = plugin.dpe_register_encoders()
(MOTION,) = plugin.dpe_register_motion_extractors()
EXPRESSION, POSE = plugin.dpe_register_generators()
(CROP,) = plugin.dpe_register_compositors()
PARTS = (*dpe_register_detectors(), ENCODER, MOTION)


class Tiny(ComponentConformance):
    """With the weights of a tiny network."""

    partners = PARTS

    @pytest.fixture(autouse=True)
    def _weights(self, tiny: Path) -> None:
        type(self).weights = tiny


class TestDpeEncoder(Tiny, EncoderConformance):
    component = ENCODER


class TestDpeMotion(Tiny, MotionConformance):
    component = MOTION


class TestDpeExpression(Tiny, GeneratorConformance):
    component = EXPRESSION


class TestDpePose(Tiny, GeneratorConformance):
    component = POSE


class TestCrop(CompositorConformance):
    component = CROP
