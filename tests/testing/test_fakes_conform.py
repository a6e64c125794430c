"""The fakes keep every promise, so that a fault seeded into one of them is the only thing a suite can find."""

from __future__ import annotations

from dpe_toolkit.testing import (
    CompositorConformance,
    DetectorConformance,
    EncoderConformance,
    GeneratorConformance,
    KnownClip,
    MotionConformance,
    drawn_clip,
    fake_component,
)

FAKES = tuple(fake_component(kind) for kind in ("detector", "encoder", "motion", "generator", "compositor"))


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
