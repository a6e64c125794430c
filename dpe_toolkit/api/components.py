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
    plan_windows,
    window_shape,
)
from dpe_toolkit.checkpoint import find_weights
from dpe_toolkit.geometry import write_window
from dpe_toolkit.plugins import Registry, load_registry
from dpe_toolkit.rendering.device import resolve_device

__all__ = [
    "NO_PROGRESS",
    "ComponentMaker",
    "ComponentPool",
    "ProgressSink",
    "Registry",
    "WindowPlan",
    "cut_faces",
    "find_weights",
    "guard_plugin",
    "is_out_of_memory",
    "load_registry",
    "plan_windows",
    "resolve_device",
    "window_shape",
    "write_window",
]
