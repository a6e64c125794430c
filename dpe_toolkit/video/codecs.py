"""What this machine can encode and decode."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.codec.codec import UnknownCodecError

__all__ = ["CodecSupport", "list_codecs"]

_WRITTEN = (("h264", "libx264"), ("prores", "prores_ks"), ("ffv1", "ffv1"), ("aac", "aac"), ("flac", "flac"))
_READ = ("h264", "hevc", "av1", "vp9", "prores", "dnxhd", "ffv1", "mpeg2video", "mjpeg", "png")


@dataclass(frozen=True, slots=True)
class CodecSupport:
    """One codec and whether the media library here has it."""

    name: str
    """What people call it."""
    library: str
    """The encoder's or decoder's name in FFmpeg."""
    direction: str
    """``encode`` or ``decode``."""
    available: bool
    pixel_formats: tuple[str, ...] = ()
    """Formats that an encoder takes."""


def list_codecs() -> tuple[CodecSupport, ...]:
    """The codecs that outputs are written with, then those that footage commonly has."""
    written = [_support(name, library, "w") for name, library in _WRITTEN]
    return (*written, *(_support(name, name, "r") for name in _READ))


def _support(name: str, library: str, mode: str) -> CodecSupport:
    direction = "encode" if mode == "w" else "decode"
    try:
        codec = av.Codec(library, "w" if mode == "w" else "r")
    except UnknownCodecError:
        return CodecSupport(name, library, direction, available=False)
    formats = tuple(form.name for form in codec.video_formats or ()) if mode == "w" else ()
    return CodecSupport(name, codec.name, direction, available=True, pixel_formats=formats)
