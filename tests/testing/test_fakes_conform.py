"""The fakes keep every promise, so that a fault seeded into one of them is the only thing a suite can find."""

from __future__ import annotations

from dpe_toolkit.testing import (
    CompositorConformance,
    DetectorConformance,
    EncoderConformance,
    GeneratorConformance,
    KnownClip,
    LandmarkConformance,
    MatteConformance,
    MotionConformance,
    RefinerConformance,
    drawn_clip,
    fake_component,
)

KINDS = ("detector", "encoder", "motion", "generator", "compositor", "landmark", "refine", "matte")
FAKES = tuple(fake_component(kind) for kind in KINDS)


class Drawn:
    partners = FAKES

    @classmethod
    def source_clip(cls) -> KnownClip:
        return drawn_clip()

    @classmethod
    def driver_clip(cls) -> KnownClip:
        return drawn_clip(first_frame=5)


class TestFakeDetector(Drawn, DetectorConformance):
    component = FAKES[0]


class TestFakeEncoder(Drawn, EncoderConformance):
    component = FAKES[1]


class TestFakeMotion(Drawn, MotionConformance):
    component = FAKES[2]


class TestFakeGenerator(Drawn, GeneratorConformance):
    component = FAKES[3]


class TestFakeCompositor(Drawn, CompositorConformance):
    component = FAKES[4]


class TestFakeLandmarker(Drawn, LandmarkConformance):
    component = FAKES[5]


class TestFakeRefiner(Drawn, RefinerConformance):
    component = FAKES[6]


class TestFakeMatte(Drawn, MatteConformance):
    component = FAKES[7]
