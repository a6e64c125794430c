"""From a plan to pictures: a lazy graph, pulled span by span, and the session that writes it."""

from __future__ import annotations

from dpe_toolkit.analysis import NO_PROGRESS, ProgressSink, Stage
from dpe_toolkit.rendering.device import resolve_device
from dpe_toolkit.rendering.node import Executor, Inputs, Need, RenderNode
from dpe_toolkit.rendering.record import EditsRecord, ShotRecord, edits_path
from dpe_toolkit.rendering.report import RenderedFrame, RenderReport
from dpe_toolkit.rendering.session import RenderRegistry, render_frame, render_plan
from dpe_toolkit.rendering.viewing import ColourChoice

__all__ = [
    "NO_PROGRESS",
    "ColourChoice",
    "EditsRecord",
    "Executor",
    "Inputs",
    "Need",
    "ProgressSink",
    "RenderNode",
    "RenderRegistry",
    "RenderReport",
    "RenderedFrame",
    "ShotRecord",
    "Stage",
    "edits_path",
    "render_frame",
    "render_plan",
    "resolve_device",
]
