"""What has to be known of a clip before it can be rendered: faces, tracks, windows, motion."""

from __future__ import annotations

from dpe_toolkit.analysis.association import Tracklet, associate
from dpe_toolkit.analysis.chain import motion_extractor, shot_components
from dpe_toolkit.analysis.choosing import SeenFace
from dpe_toolkit.analysis.clip import ClipAnalysis, ClipRequest, analyse_clip, seen_faces
from dpe_toolkit.analysis.detect import FrameSource, OpenReader
from dpe_toolkit.analysis.devices import Halving, is_out_of_memory
from dpe_toolkit.analysis.finder import FaceFinder
from dpe_toolkit.analysis.pair import analyse_pair
from dpe_toolkit.analysis.pool import ComponentMaker, ComponentPool, describe_span, guard_plugin
from dpe_toolkit.analysis.prefetch import prefetch
from dpe_toolkit.analysis.progress import NO_PROGRESS, ProgressSink, Stage
from dpe_toolkit.analysis.store import AnalysisStore
from dpe_toolkit.analysis.tracks import Gap, find_gaps, hold_motion, hold_track, slice_motion, slice_track
from dpe_toolkit.analysis.windows import (
    BLOCK,
    WindowPlan,
    cut_faces,
    gather_faces,
    place_faces,
    plan_windows,
    window_shape,
)

__all__ = [
    "BLOCK",
    "NO_PROGRESS",
    "AnalysisStore",
    "ClipAnalysis",
    "ClipRequest",
    "ComponentMaker",
    "ComponentPool",
    "FaceFinder",
    "FrameSource",
    "Gap",
    "Halving",
    "OpenReader",
    "ProgressSink",
    "SeenFace",
    "Stage",
    "Tracklet",
    "WindowPlan",
    "analyse_clip",
    "analyse_pair",
    "associate",
    "cut_faces",
    "describe_span",
    "find_gaps",
    "gather_faces",
    "guard_plugin",
    "hold_motion",
    "hold_track",
    "is_out_of_memory",
    "motion_extractor",
    "place_faces",
    "plan_windows",
    "prefetch",
    "seen_faces",
    "shot_components",
    "slice_motion",
    "slice_track",
    "window_shape",
]
