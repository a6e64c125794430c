"""What may be asked of an output: codec, quality, and what of the source's pixels may be given up.

Which codec a suffix means, and where else a codec goes, stands in `dpe_toolkit.media.write.containers`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SEQUENCES", "WITHOUT_QUALITY", "WITH_PRESET", "AudioTracks", "CodecName", "OutputSettings"]

CodecName = Literal[
    "h264",
    "h265",
    "prores",
    "prores4444",
    "dnxhr_hq",
    "dnxhr_hqx",
    "ffv1",
    "png",
    "tiff",
    "exr",
    "h264_nvenc",
    "hevc_nvenc",
    "h264_videotoolbox",
    "hevc_videotoolbox",
    "h264_qsv",
    "hevc_qsv",
]

AudioTracks = Literal["mix", "separate"]

WITHOUT_QUALITY = frozenset({"prores", "prores4444", "dnxhr_hq", "dnxhr_hqx", "ffv1", "png", "tiff", "exr"})
"""Codecs of one quality, which ``crf`` does not change."""
WITH_PRESET = frozenset({"h264", "h265"})
"""Codecs whose encoders trade speed for size, by ``preset``."""
SEQUENCES = frozenset({"png", "tiff", "exr"})
"""Codecs of single images: the output is a folder of numbered files."""


class OutputSettings(BaseModel):
    """How the output is encoded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    codec: CodecName | None = Field(default=None, description="by the output's suffix if unset")
    crf: int = Field(default=16, ge=0, le=51, description="quality: 0 is the best, 16 looks like the source")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"] = Field(
        default="veryfast", description="speed; slower presets give smaller files of the same look"
    )
    depth: Literal[8, 10, 12, 16] | None = Field(default=None, description="bits a value; the source's if unset")
    chroma: Literal["420", "422", "444"] | None = Field(
        default=None, description="resolution of colour; the source's if unset"
    )
    audio_tracks: AudioTracks = Field(default="mix", description="the timeline's sound tracks: one stream, or one each")
    pass_through: bool = Field(
        default=False,
        description="copy runs of untouched frames whose packets fit the output as they are stored",
    )
    strict_colour: bool = Field(default=False, description="refuse an output that cannot hold what the source has")
    threads: int = Field(default=0, ge=0, le=64, description="encoder threads; 0 = as many as there are cores")
