"""The containers that outputs are written to, one row each: what goes into them, and how it is put there.

The suffix of the output picks a container and a codec: .mp4 and .m4v H.264, .mov ProRes 422 HQ, .mkv FFV1. Named by
itself, a codec also goes into the other containers whose row lists it; image sequences go into a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.settings import SEQUENCES, CodecName, OutputSettings

__all__ = ["CONTAINERS", "FOLDER", "SOUND_FILE", "Container", "choose_codec", "codec_suffixes", "container_of"]

_PLAYED: tuple[CodecName, ...] = (
    "h264",
    "h265",
    "h264_nvenc",
    "hevc_nvenc",
    "h264_videotoolbox",
    "hevc_videotoolbox",
    "h264_qsv",
    "hevc_qsv",
)
"""Codecs of players."""
_EDITED: tuple[CodecName, ...] = ("prores", "prores4444", "dnxhr_hq", "dnxhr_hqx")
"""Codecs of editing and finishing, beside which MOV holds sound without loss."""
_MP4_SOUND = frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "libopus"})
_WAV_SOUND = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
_MOV_SOUND = (_MP4_SOUND - {"opus", "libopus"}) | _WAV_SOUND | {"pcm_s16be", "pcm_s24be", "pcm_s32be"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One kind of file that outputs are written to, or the folder of a sequence."""

    muxer: str
    """FFmpeg's name of it."""
    codecs: tuple[CodecName, ...]
    """Video codecs that go into it. The first is written unless another is named."""
    options: Mapping[str, str] = field(default_factory=dict)
    """For the muxer."""
    copied_sound: frozenset[str] = frozenset()
    """Audio codecs, by the decoder's name, whose packets it takes as they are."""
    sound: Literal["aac", "flac", "pcm"] = "aac"
    """What mixed sound is encoded in."""
    pcm_beside: tuple[CodecName, ...] = ()
    """Video codecs beside which mixed sound is PCM instead."""
    holds_pcm: bool = False
    """More channels than AAC and FLAC have are written as PCM."""
    tagged: bool = True
    """It names codecs by four letters, of which players want certain ones."""
    shapeless: tuple[CodecName, ...] = ()
    """Codecs whose streams say nothing of the pixels' shape, where this container, as written here, does not either."""


CONTAINERS: dict[str, Container] = {
    ".mp4": Container(
        muxer="mp4", codecs=(*_PLAYED, "ffv1"), options={"movflags": "+faststart"}, copied_sound=_MP4_SOUND
    ),
    ".m4v": Container(muxer="mp4", codecs=_PLAYED, options={"movflags": "+faststart"}, copied_sound=_MP4_SOUND),
    ".mov": Container(
        muxer="mov",
        codecs=(*_EDITED, *_PLAYED),
        copied_sound=_MOV_SOUND,
        pcm_beside=_EDITED,
        holds_pcm=True,
    ),
    ".mkv": Container(
        muxer="matroska",
        codecs=("ffv1", "prores", "prores4444", *_PLAYED),
        copied_sound=_MP4_SOUND | _WAV_SOUND | {"flac", "vorbis"},
        sound="flac",
        holds_pcm=True,
        tagged=False,
        shapeless=("ffv1", "prores", "prores4444"),
    ),
}
"""Suffix, in lower case, to the container of it."""
FOLDER = Container(muxer="image2", codecs=("png", "tiff", "exr"), shapeless=("png", "tiff", "exr"))
"""The folder of an image sequence, which takes a codec by name only; its sound lies beside the images."""
SOUND_FILE = Container(muxer="wav", codecs=(), copied_sound=_WAV_SOUND, sound="pcm")
"""The sound beside the images of a sequence."""


def codec_suffixes(codec: CodecName) -> tuple[str, ...]:
    """Suffixes of the containers that take a codec, those first that write it unasked; none of image sequences."""
    takers = [suffix for suffix, container in CONTAINERS.items() if codec in container.codecs]
    return tuple(sorted(takers, key=lambda suffix: CONTAINERS[suffix].codecs[0] != codec))


def container_of(path: Path, codec: CodecName) -> Container:
    """The container that an output of a codec is written to, ``path`` having been accepted by `choose_codec`."""
    return FOLDER if codec in SEQUENCES else CONTAINERS[path.suffix.lower()]


def choose_codec(path: Path, settings: OutputSettings) -> CodecName:
    """The codec to write ``path`` with.

    Raises:
        MediaError: an unknown suffix, or one that cannot hold the codec asked for.
    """
    suffix = path.suffix.lower()
    if settings.codec in SEQUENCES:
        if suffix in CONTAINERS:
            raise MediaError(
                f"{settings.codec} images do not go into a {suffix} file",
                "the name of a folder for them",
                "rename the output or choose another codec",
                path=path,
            )
        return settings.codec
    if suffix not in CONTAINERS:
        raise MediaError(
            f"The output's suffix is {suffix!r}",
            f"one of {', '.join(sorted(CONTAINERS))}, or a folder and the codec png, tiff or exr",
            "rename the output",
            path=path,
        )
    codec = settings.codec or CONTAINERS[suffix].codecs[0]
    if codec not in CONTAINERS[suffix].codecs:
        raise MediaError(
            f"{codec} does not go into a {suffix} file",
            f"{codec} in {', '.join(codec_suffixes(codec))}",
            "rename the output or choose another codec",
            path=path,
        )
    return codec
