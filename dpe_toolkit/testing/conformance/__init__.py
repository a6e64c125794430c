"""Conformance suites: what each kind of component promises, as tests that a plugin's own tests inherit."""

from __future__ import annotations

from dpe_toolkit.testing.conformance.comparing import ConformanceError, ConformanceWarning
from dpe_toolkit.testing.conformance.compositors import CompositorConformance
from dpe_toolkit.testing.conformance.detectors import DetectorConformance
from dpe_toolkit.testing.conformance.encoders import EncoderConformance
from dpe_toolkit.testing.conformance.generators import GeneratorConformance
from dpe_toolkit.testing.conformance.landmarks import LandmarkConformance
from dpe_toolkit.testing.conformance.measures import (
    FeaturesConformance,
    IdentityConformance,
    MetricConformance,
    RegressorConformance,
)
from dpe_toolkit.testing.conformance.motions import MotionConformance
from dpe_toolkit.testing.conformance.refinements import MatteConformance, RefinerConformance
from dpe_toolkit.testing.conformance.running import (
    SUITES,
    CheckResult,
    checks_of,
    ms_per_frame,
    run_suite,
    suite_for,
)
from dpe_toolkit.testing.conformance.suite import ComponentConformance

__all__ = [
    "SUITES",
    "CheckResult",
    "ComponentConformance",
    "CompositorConformance",
    "ConformanceError",
    "ConformanceWarning",
    "DetectorConformance",
    "EncoderConformance",
    "FeaturesConformance",
    "GeneratorConformance",
    "IdentityConformance",
    "LandmarkConformance",
    "MatteConformance",
    "MetricConformance",
    "MotionConformance",
    "RefinerConformance",
    "RegressorConformance",
    "checks_of",
    "ms_per_frame",
    "run_suite",
    "suite_for",
]
