"""What tests of plugins need: conformance suites, fakes, clips of known truth, and a guard against the network.

A plugin's tests subclass the suite of each kind of component that it provides::

    class TestSoftEdge(CompositorConformance):
        component = next(iter(plugin.dpe_register_compositors()))
"""

from __future__ import annotations

from dpe_toolkit.testing.accelerator import ACCELERATOR, PretendAccelerator, pretend_accelerator
from dpe_toolkit.testing.burnin import (
    NUM_LANES,
    BurnIn,
    NumberedClip,
    make_numbered_clip,
    numbered_frames,
    numbered_picture,
    read_burn_ins,
)
from dpe_toolkit.testing.clips import ClipSpec, make_clip
from dpe_toolkit.testing.conformance import (
    SUITES,
    CheckResult,
    ComponentConformance,
    CompositorConformance,
    ConformanceError,
    ConformanceWarning,
    DetectorConformance,
    EncoderConformance,
    FeaturesConformance,
    GeneratorConformance,
    IdentityConformance,
    LandmarkConformance,
    MatteConformance,
    MetricConformance,
    MotionConformance,
    RefinerConformance,
    RegressorConformance,
    ms_per_frame,
    run_suite,
    suite_for,
)
from dpe_toolkit.testing.faces import DrawnFace, draw_face, performance
from dpe_toolkit.testing.fakes import fake_component, plugin_of
from dpe_toolkit.testing.footage import KnownClip, acted_clip, drawn_clip, photograph_clip
from dpe_toolkit.testing.network import NetworkReachedError, no_network
from dpe_toolkit.testing.pictures import (
    LAYOUTS,
    REC709,
    batch_from_rgb,
    burn_frame_number,
    read_frame_number,
)

__all__ = [
    "ACCELERATOR",
    "LAYOUTS",
    "NUM_LANES",
    "REC709",
    "SUITES",
    "BurnIn",
    "CheckResult",
    "ClipSpec",
    "ComponentConformance",
    "CompositorConformance",
    "ConformanceError",
    "ConformanceWarning",
    "DetectorConformance",
    "DrawnFace",
    "EncoderConformance",
    "FeaturesConformance",
    "GeneratorConformance",
    "IdentityConformance",
    "KnownClip",
    "LandmarkConformance",
    "MatteConformance",
    "MetricConformance",
    "MotionConformance",
    "NetworkReachedError",
    "NumberedClip",
    "PretendAccelerator",
    "RefinerConformance",
    "RegressorConformance",
    "acted_clip",
    "batch_from_rgb",
    "burn_frame_number",
    "draw_face",
    "drawn_clip",
    "fake_component",
    "make_clip",
    "make_numbered_clip",
    "ms_per_frame",
    "no_network",
    "numbered_frames",
    "numbered_picture",
    "performance",
    "photograph_clip",
    "plugin_of",
    "pretend_accelerator",
    "read_burn_ins",
    "read_frame_number",
    "run_suite",
    "suite_for",
]
