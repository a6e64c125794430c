"""The one module that plugins import.

Everything here is public and versioned by `API_VERSION`:

- *additive*, any release: new names, new hooks, new fields with defaults, new arguments of hooks, new optional
  protocols. A plugin needs no change.
- *warned for one release*: a name that moves or goes is still here for one minor release and warns with its
  successor when it is used; a plugin for the API version before is still loaded.
- *breaking*, with a new `API_VERSION` alone: a protocol's method, a field's meaning, unit or shape, a hook's name.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from dpe_toolkit.core.errors import (
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
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import CheckpointFormat, Component, ComponentContext
from dpe_toolkit.editing.measures import (
    ExpressionRegressor,
    FaceReading,
    IdentityEmbedder,
    PerceptualFeatures,
    PictureMetric,
)
from dpe_toolkit.editing.options import NoOptions, PluginOptions
from dpe_toolkit.editing.protocols import (
    Composited,
    Compositor,
    Detector,
    Encoder,
    Generated,
    GenerateRequest,
    Generator,
    Landmarker,
    MatteMaker,
    MotionExtractor,
    Refiner,
    ShapesWindow,
    ShotGenerator,
    ShotMaterial,
    WindowShape,
)
from dpe_toolkit.editing.stages import KINDS, MEASURE_KINDS, ComponentKind
from dpe_toolkit.face.blendshapes import BLENDSHAPE_NAMES, BLENDSHAPE_VERTICES
from dpe_toolkit.face.canonical import FACE_WIDTH_CM, CanonicalFace, canonical_face, canonical_mesh
from dpe_toolkit.face.codes import Appearance, CodeSpace, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.pose import (
    POSE_SIZE,
    Similarities,
    canonical_shapes,
    fit_pose,
    fit_similarities,
    head_angles_deg,
    head_pose,
    place_shapes,
    rotation_matrix,
    rotation_vector,
)
from dpe_toolkit.face.regions import REGIONS, region_blendshapes, region_weights, vertex_weights
from dpe_toolkit.face.topology import (
    BEARD_OUTLINE,
    BROWS,
    EYE_RINGS,
    EYES,
    FACE_OVAL,
    INNER_LIP_PAIRS,
    INNER_LIPS,
    JAW_LINE,
    LID_PAIRS,
    LIP_RINGS,
    LIP_SURROUND,
    MOUSTACHE_OUTLINE,
    MOUTH_CORNERS,
    NOSE_BASE,
    NOSE_BRIDGE,
    NUM_FACE_VERTICES,
    NUM_MESH_VERTICES,
    OUTER_LIPS,
    RIGID_VERTICES,
    Eye,
)
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack, Placement
from dpe_toolkit.hookspecs import hookimpl
from dpe_toolkit.plans.edit import ComponentChoice, EditPlan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.problems import Problem

if TYPE_CHECKING:
    from dpe_toolkit.checkpoint import (
        LoadedGenerator,
        WeightsFile,
        WeightsHeader,
        file_digest,
        load_generator,
        load_network,
        read_weights,
    )
    from dpe_toolkit.face.differentiable import HeadPoses, fit_head_poses
    from dpe_toolkit.geometry import aligned_mask, cut_aligned, full_rgb, paste_aligned, sample_rgb, window_rgb
    from dpe_toolkit.networks import (
        Branch,
        DpeEditor,
        DpeNetwork,
        EncodedSource,
        FastDpe,
        NetworkParams,
        Rendering,
        keep_freed_memory,
        split_flow,
    )

__all__ = [
    "API_VERSION",
    "BEARD_OUTLINE",
    "BLENDSHAPE_NAMES",
    "BLENDSHAPE_VERTICES",
    "BROWS",
    "EYES",
    "EYE_RINGS",
    "FACE_OVAL",
    "FACE_WIDTH_CM",
    "INNER_LIPS",
    "INNER_LIP_PAIRS",
    "JAW_LINE",
    "KINDS",
    "LID_PAIRS",
    "LIP_RINGS",
    "LIP_SURROUND",
    "MEASURE_KINDS",
    "MOUSTACHE_OUTLINE",
    "MOUTH_CORNERS",
    "NOSE_BASE",
    "NOSE_BRIDGE",
    "NUM_FACE_VERTICES",
    "NUM_MESH_VERTICES",
    "OLDEST_API_VERSION",
    "OUTER_LIPS",
    "POSE_SIZE",
    "REGIONS",
    "RIGID_VERTICES",
    "AnalysisError",
    "Appearance",
    "Branch",
    "CanonicalFace",
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
    "DpeEditor",
    "DpeError",
    "DpeNetwork",
    "EditPlan",
    "EncodedSource",
    "Encoder",
    "ExpressionRegressor",
    "Eye",
    "FaceBatch",
    "FaceReading",
    "FaceTrack",
    "FastDpe",
    "FrameBatch",
    "GenerateRequest",
    "Generated",
    "Generator",
    "HeadPoses",
    "IdentityEmbedder",
    "Landmarker",
    "LoadedGenerator",
    "MatteMaker",
    "MediaError",
    "MediaPlan",
    "MixRequest",
    "MotionCode",
    "MotionExtractor",
    "MotionTrack",
    "NetworkParams",
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
    "Refiner",
    "RenderError",
    "RenderPlan",
    "Rendering",
    "ShapesWindow",
    "ShotGenerator",
    "ShotMaterial",
    "ShotPlan",
    "Similarities",
    "Span",
    "TimelineError",
    "TrainingError",
    "WeightsFile",
    "WeightsHeader",
    "WindowShape",
    "aligned_mask",
    "canonical_face",
    "canonical_mesh",
    "canonical_shapes",
    "cut_aligned",
    "expect_shape",
    "file_digest",
    "fit_head_poses",
    "fit_pose",
    "fit_similarities",
    "full_rgb",
    "head_angles_deg",
    "head_pose",
    "hookimpl",
    "keep_freed_memory",
    "load_generator",
    "load_network",
    "paste_aligned",
    "place_shapes",
    "read_weights",
    "region_blendshapes",
    "region_weights",
    "rotation_matrix",
    "rotation_vector",
    "sample_rgb",
    "split_flow",
    "vertex_weights",
    "window_rgb",
]

API_VERSION = 1
"""Raised when something a plugin may rely on changes its meaning or goes."""

OLDEST_API_VERSION = 1
"""Plugins that state a version from this one on are loaded."""

_RENAMED: dict[str, str] = {}
"""Name that goes with the next `API_VERSION` to the name to use instead."""

_NEEDS_TORCH = {
    "Branch": "dpe_toolkit.networks",
    "DpeEditor": "dpe_toolkit.networks",
    "DpeNetwork": "dpe_toolkit.networks",
    "EncodedSource": "dpe_toolkit.networks",
    "FastDpe": "dpe_toolkit.networks",
    "HeadPoses": "dpe_toolkit.face.differentiable",
    "LoadedGenerator": "dpe_toolkit.checkpoint",
    "NetworkParams": "dpe_toolkit.networks",
    "Rendering": "dpe_toolkit.networks",
    "WeightsFile": "dpe_toolkit.checkpoint",
    "WeightsHeader": "dpe_toolkit.checkpoint",
    "aligned_mask": "dpe_toolkit.geometry",
    "cut_aligned": "dpe_toolkit.geometry",
    "file_digest": "dpe_toolkit.checkpoint",
    "fit_head_poses": "dpe_toolkit.face.differentiable",
    "full_rgb": "dpe_toolkit.geometry",
    "keep_freed_memory": "dpe_toolkit.networks",
    "load_generator": "dpe_toolkit.checkpoint",
    "load_network": "dpe_toolkit.checkpoint",
    "paste_aligned": "dpe_toolkit.geometry",
    "read_weights": "dpe_toolkit.checkpoint",
    "sample_rgb": "dpe_toolkit.geometry",
    "split_flow": "dpe_toolkit.networks",
    "window_rgb": "dpe_toolkit.geometry",
}
"""Name to where it is."""


def __getattr__(name: str) -> object:
    """Loads what needs torch at its first use, so that listing plugins stays cheap."""
    if name in _RENAMED:
        message = f"dpe_toolkit.api.{name} goes with API {API_VERSION + 1}; use {_RENAMED[name]}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return globals()[_RENAMED[name]]
    if name in _NEEDS_TORCH:
        return getattr(import_module(_NEEDS_TORCH[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
