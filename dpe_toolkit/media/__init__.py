"""Media files: probing, exact reading, sound, writing, smart render. The only package that imports PyAV."""

from __future__ import annotations

from dpe_toolkit.media.color import HdrInfo
from dpe_toolkit.media.copy.ranges import CopiedRange, CopySource, copy_source
from dpe_toolkit.media.framing import FramePlace, convert_frames, fit_frames, place_in_frame
from dpe_toolkit.media.opening import file_digest
from dpe_toolkit.media.pixels import joined_layout, with_alpha, without_alpha
from dpe_toolkit.media.probe import MediaInfo, media_plan, probe
from dpe_toolkit.media.read.images import SequenceReader, probe_sequence
from dpe_toolkit.media.read.sequence import ImageSequence, sequence_digest, sequence_of
from dpe_toolkit.media.read.video import VideoReader
from dpe_toolkit.media.settings import (
    SEQUENCES,
    WITH_PRESET,
    WITHOUT_QUALITY,
    AudioTracks,
    CodecName,
    OutputSettings,
)
from dpe_toolkit.media.sound.mix import AudioMix, AudioPart
from dpe_toolkit.media.sound.streams import StreamInfo, sound_streams
from dpe_toolkit.media.write.codecs import ENCODERS, CodecSupport, list_codecs, written_codecs
from dpe_toolkit.media.write.containers import CONTAINERS, choose_codec, codec_suffixes
from dpe_toolkit.media.write.output_files import check_folder, written_whole
from dpe_toolkit.media.write.output_format import OutputFormat, fit_format
from dpe_toolkit.media.write.stills import write_png, write_still_clip
from dpe_toolkit.media.write.writer import VideoWriter

__all__ = [
    "CONTAINERS",
    "ENCODERS",
    "SEQUENCES",
    "WITHOUT_QUALITY",
    "WITH_PRESET",
    "AudioMix",
    "AudioPart",
    "AudioTracks",
    "CodecName",
    "CodecSupport",
    "CopiedRange",
    "CopySource",
    "FramePlace",
    "HdrInfo",
    "ImageSequence",
    "MediaInfo",
    "OutputFormat",
    "OutputSettings",
    "SequenceReader",
    "StreamInfo",
    "VideoReader",
    "VideoWriter",
    "check_folder",
    "choose_codec",
    "codec_suffixes",
    "convert_frames",
    "copy_source",
    "file_digest",
    "fit_format",
    "fit_frames",
    "joined_layout",
    "list_codecs",
    "media_plan",
    "place_in_frame",
    "probe",
    "probe_sequence",
    "sequence_digest",
    "sequence_of",
    "sound_streams",
    "with_alpha",
    "without_alpha",
    "write_png",
    "write_still_clip",
    "written_codecs",
    "written_whole",
]
