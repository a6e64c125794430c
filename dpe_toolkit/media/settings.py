"""What the output is: codec, container, quality, and what of the source's pixels may be given up.

The suffix of the output picks a codec: .mp4 and .m4v H.264, .mov ProRes 422 HQ, .mkv FFV1. Named by itself, a codec
also goes into the other containers listed in `CONTAINERS`; picture sequences go into a folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.core.errors import MediaError

__all__ = ["CONTAINERS", "SEQUENCES", "AudioTracks", "CodecName", "OutputSettings", "choose_codec"]

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

_BY_SUFFIX: dict[str, CodecName] = {".mp4": "h264", ".m4v": "h264", ".mov": "prores", ".mkv": "ffv1"}
_PLAYED = (".mp4", ".m4v", ".mov", ".mkv")
CONTAINERS: dict[CodecName, tuple[str, ...]] = {
    "h264": _PLAYED,
    "h265": _PLAYED,
    "prores": (".mov", ".mkv"),
    "prores4444": (".mov", ".mkv"),
    "dnxhr_hq": (".mov",),
    "dnxhr_hqx": (".mov",),
    "ffv1": (".mkv", ".mp4"),
    "png": (),
    "tiff": (),
    "exr": (),
    "h264_nvenc": _PLAYED,
    "hevc_nvenc": _PLAYED,
    "h264_videotoolbox": _PLAYED,
    "hevc_videotoolbox": _PLAYED,
    "h264_qsv": _PLAYED,
    "hevc_qsv": _PLAYED,
}
"""Suffixes that each codec may be written to; none for sequences, which are folders."""
WITHOUT_QUALITY = frozenset({"prores", "prores4444", "dnxhr_hq", "dnxhr_hqx", "ffv1", "png", "tiff", "exr"})
"""Codecs of one quality, which ``crf`` does not change."""
WITH_PRESET = frozenset({"h264", "h265"})
SEQUENCES = frozenset({"png", "tiff", "exr"})
"""Codecs of single pictures: the output is a folder of numbered files."""


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


def choose_codec(path: Path, settings: OutputSettings) -> CodecName:
    """The codec to write ``path`` with.

    Raises:
        MediaError: an unknown suffix, or one that cannot hold the codec asked for.
    """
    suffix = path.suffix.lower()
    if settings.codec in SEQUENCES:
        if suffix in _BY_SUFFIX:
            raise MediaError(
                f"{settings.codec} pictures do not go into a {suffix} file",
                "the name of a folder for them",
                "rename the output or choose another codec",
                path=path,
            )
        return settings.codec
    if suffix not in _BY_SUFFIX:
        raise MediaError(
            f"The output's suffix is {suffix!r}",
            f"one of {', '.join(sorted(_BY_SUFFIX))}, or a folder and the codec png, tiff or exr",
            "rename the output",
            path=path,
        )
    codec = settings.codec or _BY_SUFFIX[suffix]
    if suffix not in CONTAINERS[codec]:
        raise MediaError(
            f"{codec} does not go into a {suffix} file",
            f"{codec} in {', '.join(CONTAINERS[codec])}",
            "rename the output or choose another codec",
            path=path,
        )
    return codec
