"""Media files: probing, exact reading, writing. The only package that imports PyAV."""

from __future__ import annotations

from dpe_toolkit.media.audio import StreamInfo, sound_streams
from dpe_toolkit.media.codecs import CodecSupport, list_codecs, written_codecs
from dpe_toolkit.media.digest import file_digest
from dpe_toolkit.media.framing import (
    FramePlace,
    convert_frames,
    fit_frames,
    place_in_frame,
    with_alpha,
    without_alpha,
)
from dpe_toolkit.media.hdr import HdrInfo
from dpe_toolkit.media.holding import write_held_still
from dpe_toolkit.media.keeping import FittedPicture, fit_picture
from dpe_toolkit.media.layouts import joined_layout
from dpe_toolkit.media.mixing import AudioMix, AudioPart
from dpe_toolkit.media.passing import PassedRun, PassSource, pass_source
from dpe_toolkit.media.probe import MediaInfo, media_plan, probe
from dpe_toolkit.media.reader import VideoReader
from dpe_toolkit.media.replacing import written_whole
from dpe_toolkit.media.sequences import (
    ImageSequence,
    SequenceReader,
    probe_sequence,
    sequence_digest,
    sequence_of,
)
from dpe_toolkit.media.settings import AudioTracks, CodecName, OutputSettings, choose_codec
from dpe_toolkit.media.stills import write_png
from dpe_toolkit.media.writer import VideoWriter

__all__ = [
    "AudioMix",
    "AudioPart",
    "AudioTracks",
    "CodecName",
    "CodecSupport",
    "FittedPicture",
    "FramePlace",
    "HdrInfo",
    "ImageSequence",
    "MediaInfo",
    "OutputSettings",
    "PassSource",
    "PassedRun",
    "SequenceReader",
    "StreamInfo",
    "VideoReader",
    "VideoWriter",
    "choose_codec",
    "convert_frames",
    "file_digest",
    "fit_frames",
    "fit_picture",
    "joined_layout",
    "list_codecs",
    "media_plan",
    "pass_source",
    "place_in_frame",
    "probe",
    "probe_sequence",
    "sequence_digest",
    "sequence_of",
    "sound_streams",
    "with_alpha",
    "without_alpha",
    "write_held_still",
    "write_png",
    "written_codecs",
    "written_whole",
]
