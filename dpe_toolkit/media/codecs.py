"""What this machine can encode and decode."""

from __future__ import annotations

from dataclasses import dataclass

import av
from av.codec.codec import UnknownCodecError

from dpe_toolkit.media.encoders import ENCODERS, can_encode, formats_of, written_layout
from dpe_toolkit.media.settings import CONTAINERS, CodecName

__all__ = ["CodecSupport", "list_codecs", "written_codecs"]

_SHAPES = {(1, 1): "4:2:0", (1, 0): "4:2:2", (0, 0): "4:4:4"}
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
    title: str = ""
    """What people call it, for those that are written."""
    containers: tuple[str, ...] = ()
    """Suffixes of the outputs that take it, or ``folder``."""

    @property
    def pixels(self) -> str:
        """What may be written, in words: ``4:2:0 4:2:2, 8 10 bit, alpha``."""
        layouts = [written_layout(name) for name in self.pixel_formats]
        kinds = {_SHAPES.get(one.chroma_shift, "") if one.family == "yuv" else one.family for one in layouts}
        depths = sorted({one.depth for one in layouts})
        bits = "half float" if depths == [32] else f"{' '.join(map(str, depths))} bit"
        words = [" ".join(sorted(filter(None, kinds))).replace("rgb", "RGB"), bits]
        return ", ".join([*words, "alpha"] if any(one.alpha for one in layouts) else words)


def list_codecs() -> tuple[CodecSupport, ...]:
    """The codecs that outputs are written with, then those that footage commonly has."""
    return (*written_codecs(), *(_readable(name) for name in _READ))


def written_codecs() -> tuple[CodecSupport, ...]:
    """The codecs that outputs are written with; hardware encoders only where they can be opened."""
    return tuple(_writable(name) for name, encoder in ENCODERS.items() if not encoder.hardware or can_encode(name))


def _writable(name: CodecName) -> CodecSupport:
    encoder, available = ENCODERS[name], can_encode(name)
    formats = tuple(layout.name for layout in formats_of(name)) if available else ()
    places = CONTAINERS[name] or ("folder",)
    return CodecSupport(name, encoder.library, "encode", available, formats, encoder.title, places)


def _readable(name: str) -> CodecSupport:
    try:
        codec = av.Codec(name, "r")
    except UnknownCodecError:
        return CodecSupport(name, name, "decode", available=False)
    return CodecSupport(name, codec.name, "decode", available=True)
