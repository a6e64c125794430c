"""The one module that plugins import.

Everything here is public and versioned: within one `API_VERSION` names and fields are only added.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dpe_toolkit.codes import REGIONS, Appearance, CodeSpace, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.components import (
    KINDS,
    CheckpointFormat,
    Component,
    ComponentContext,
    ComponentKind,
    Composited,
    Compositor,
    Detector,
    Encoder,
    Generated,
    GenerateRequest,
    Generator,
    MotionExtractor,
    ShapesWindow,
    ShotGenerator,
    ShotMaterial,
    WindowShape,
)
from dpe_toolkit.errors import (
    AnalysisError,
    CheckpointError,
    DatasetError,
    DpeError,
    MediaError,
    OptionsError,
    PlanError,
    PluginError,
    RenderError,
    TimelineError,
    TrainingError,
)
from dpe_toolkit.faces import Detections, FaceBatch, FaceTrack, Placement
from dpe_toolkit.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.hookspecs import hookimpl
from dpe_toolkit.measuring import (
    MEASURE_KINDS,
    ExpressionRegressor,
    FaceReading,
    IdentityEmbedder,
    PerceptualFeatures,
    PictureMetric,
)
from dpe_toolkit.options import NoOptions, PluginOptions
from dpe_toolkit.plan import ComponentChoice, EditPlan, MediaPlan, Problem, RenderPlan, ShotPlan
from dpe_toolkit.shapes import expect_shape
from dpe_toolkit.timing import Span

if TYPE_CHECKING:
    from dpe_toolkit.geometry import aligned_mask, cut_aligned, full_rgb, paste_aligned, sample_rgb, window_rgb

__all__ = [
    "API_VERSION",
    "KINDS",
    "MEASURE_KINDS",
    "REGIONS",
    "AnalysisError",
    "Appearance",
    "CheckpointError",
    "CheckpointFormat",
    "CodeSpace",
    "ColorInfo",
    "Component",
    "ComponentChoice",
    "ComponentContext",
    "ComponentKind",
    "Composited",
    "Compositor",
    "DatasetError",
    "Detections",
    "Detector",
    "DpeError",
    "EditPlan",
    "Encoder",
    "ExpressionRegressor",
    "FaceBatch",
    "FaceReading",
    "FaceTrack",
    "FrameBatch",
    "GenerateRequest",
    "Generated",
    "Generator",
    "IdentityEmbedder",
    "MediaError",
    "MediaPlan",
    "MixRequest",
    "MotionCode",
    "MotionExtractor",
    "MotionTrack",
    "NoOptions",
    "OptionsError",
    "PerceptualFeatures",
    "PictureMetric",
    "PixelLayout",
    "Placement",
    "PlanError",
    "PluginError",
    "PluginOptions",
    "Problem",
    "RenderError",
    "RenderPlan",
    "ShapesWindow",
    "ShotGenerator",
    "ShotMaterial",
    "ShotPlan",
    "Span",
    "TimelineError",
    "TrainingError",
    "WindowShape",
    "aligned_mask",
    "cut_aligned",
    "expect_shape",
    "full_rgb",
    "hookimpl",
    "paste_aligned",
    "sample_rgb",
    "window_rgb",
]

API_VERSION = 1
"""Raised when something a plugin may rely on changes its meaning or goes."""

_NEEDS_TORCH = frozenset({"aligned_mask", "cut_aligned", "full_rgb", "paste_aligned", "sample_rgb", "window_rgb"})


def __getattr__(name: str) -> object:
    """Loads what needs torch at its first use, so that listing plugins stays cheap."""
    if name in _NEEDS_TORCH:
        return getattr(import_module("dpe_toolkit.geometry"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
