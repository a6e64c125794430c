"""Making and calling components outside of a render, as an evaluation does. Importing it loads torch and PyAV."""

from __future__ import annotations

from dpe_toolkit.analysis import (
    NO_PROGRESS,
    ComponentMaker,
    ComponentPool,
    ProgressSink,
    WindowPlan,
    cut_faces,
    guard_plugin,
    is_out_of_memory,
    motion_extractor,
    plan_windows,
    shot_components,
    window_shape,
)
from dpe_toolkit.checkpoint import find_weights
from dpe_toolkit.editing.handover import taken_codes, taken_motion
from dpe_toolkit.editing.pipeline import EditedSpan, Guarded, ShotComponents, ShotPipeline, retarget
from dpe_toolkit.editing.stages import DETECTOR, ENCODER, MOTION
from dpe_toolkit.geometry import write_window
from dpe_toolkit.plugins import Registry, load_registry
from dpe_toolkit.rendering.device import resolve_device

__all__ = [
    "DETECTOR",
    "ENCODER",
    "MOTION",
    "NO_PROGRESS",
    "ComponentMaker",
    "ComponentPool",
    "EditedSpan",
    "Guarded",
    "ProgressSink",
    "Registry",
    "ShotComponents",
    "ShotPipeline",
    "WindowPlan",
    "cut_faces",
    "find_weights",
    "guard_plugin",
    "is_out_of_memory",
    "load_registry",
    "motion_extractor",
    "plan_windows",
    "resolve_device",
    "retarget",
    "shot_components",
    "taken_codes",
    "taken_motion",
    "window_shape",
    "write_window",
]
