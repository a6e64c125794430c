"""What plugins import: nothing else of the toolkit is anybody's to rely on.

Here is what components are made of. Beside it, `dpe_toolkit.api.face` has the face mesh: which vertices
are which, the canonical face, blendshape names and head pose. Four modules are for distributions that do more than give
components:

- `dpe_toolkit.api.commands`: commands of the ``dpe`` program, as ``dpe_register_commands`` adds them;
- `dpe_toolkit.api.footage`: reading media, and finding and following the faces in it;
- `dpe_toolkit.api.components`: making and calling components outside of a render;
- `dpe_toolkit.api.networks`: the DPE networks and their weights files, for training and evaluation.

Everything in them is public and versioned by `API_VERSION`:

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
    first_line,
    nearest_names,
)
from dpe_toolkit.core.files import append_to, replaced
from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.core.timing import Span
from dpe_toolkit.core.version import API_VERSION, OLDEST_API_VERSION
from dpe_toolkit.editing.components import CheckpointFormat, Component, ComponentContext, Weights
from dpe_toolkit.editing.measures import (
    ExpressionRegressor,
    FaceReading,
    IdentityEmbedder,
    PerceptualFeatures,
    PictureMetric,
)
from dpe_toolkit.editing.options import NoOptions, PluginOptions
from dpe_toolkit.editing.protocols import (
    BeginsShot,
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
from dpe_toolkit.face.codes import Appearance, CodePart, CodeSpace, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack, FloatArray, Placement
from dpe_toolkit.hookspecs import hookimpl
from dpe_toolkit.plans.edit import ComponentChoice, EditPlan
from dpe_toolkit.plans.images import Dissolve, Gap, Over, Show
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.take import Take

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
    "KINDS",
    "MEASURE_KINDS",
    "OLDEST_API_VERSION",
    "REGIONS",
    "AnalysisError",
    "Appearance",
    "BeginsShot",
    "Branch",
    "CheckpointError",
    "CheckpointFormat",
    "CodePart",
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
    "Dissolve",
    "DpeEditor",
    "DpeError",
    "DpeNetwork",
    "EditPlan",
    "EncodedSource",
    "Encoder",
    "ExactFraction",
    "ExpressionRegressor",
    "FaceBatch",
    "FaceReading",
    "FaceTrack",
    "FastDpe",
    "FloatArray",
    "FrameBatch",
    "Gap",
    "GenerateRequest",
    "Generated",
    "Generator",
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
    "Over",
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
    "Show",
    "Span",
    "Take",
    "TimelineError",
    "TrainingError",
    "Weights",
    "WeightsFile",
    "WeightsHeader",
    "WindowShape",
    "aligned_mask",
    "append_to",
    "cut_aligned",
    "expect_shape",
    "file_digest",
    "first_line",
    "full_rgb",
    "hookimpl",
    "keep_freed_memory",
    "load_generator",
    "load_network",
    "nearest_names",
    "paste_aligned",
    "read_weights",
    "replaced",
    "sample_rgb",
    "split_flow",
    "window_rgb",
]

_RENAMED: dict[str, str] = {}
"""Name that goes with the next `API_VERSION` to the name to use instead."""

_NEEDS_TORCH = {
    "Branch": "dpe_toolkit.networks",
    "DpeEditor": "dpe_toolkit.networks",
    "DpeNetwork": "dpe_toolkit.networks",
    "EncodedSource": "dpe_toolkit.networks",
    "FastDpe": "dpe_toolkit.networks",
    "LoadedGenerator": "dpe_toolkit.checkpoint",
    "NetworkParams": "dpe_toolkit.networks",
    "Rendering": "dpe_toolkit.networks",
    "WeightsFile": "dpe_toolkit.checkpoint",
    "WeightsHeader": "dpe_toolkit.checkpoint",
    "aligned_mask": "dpe_toolkit.geometry",
    "cut_aligned": "dpe_toolkit.geometry",
    "file_digest": "dpe_toolkit.checkpoint",
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
