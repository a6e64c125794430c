"""Reading media, and finding the faces in it, outside of a render. Importing it loads torch and PyAV."""

from __future__ import annotations

from dpe_toolkit.analysis import FaceFinder, FrameSource, OpenReader, prefetch, slice_track
from dpe_toolkit.geometry import full_rgb, sample_rgb
from dpe_toolkit.media import MediaInfo, VideoReader, probe, write_png, written_whole

__all__ = [
    "FaceFinder",
    "FrameSource",
    "MediaInfo",
    "OpenReader",
    "VideoReader",
    "full_rgb",
    "prefetch",
    "probe",
    "sample_rgb",
    "slice_track",
    "write_png",
    "written_whole",
]
