"""Media files: probing, exact reading, writing. The only package that imports PyAV."""

from __future__ import annotations

from dpe_toolkit.video.audio import AudioSegment
from dpe_toolkit.video.codecs import CodecSupport, list_codecs
from dpe_toolkit.video.digest import file_digest
from dpe_toolkit.video.holding import write_held_still
from dpe_toolkit.video.probe import MediaInfo, media_plan, probe
from dpe_toolkit.video.reader import VideoReader
from dpe_toolkit.video.replacing import written_whole
from dpe_toolkit.video.settings import CodecName, OutputSettings
from dpe_toolkit.video.stills import write_png
from dpe_toolkit.video.writer import VideoWriter

__all__ = [
    "AudioSegment",
    "CodecName",
    "CodecSupport",
    "MediaInfo",
    "OutputSettings",
    "VideoReader",
    "VideoWriter",
    "file_digest",
    "list_codecs",
    "media_plan",
    "probe",
    "write_held_still",
    "write_png",
    "written_whole",
]
