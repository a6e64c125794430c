"""The codecs that outputs are written with: their encoders, the pixels they hold, their options."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import av
import av.error
import av.logging
from av.codec import CodecContext
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import PixelLayout
from dpe_toolkit.media.pixels import layout_of
from dpe_toolkit.media.settings import CodecName, OutputSettings
from dpe_toolkit.media.write.containers import codec_suffixes

__all__ = [
    "ENCODERS",
    "CodecSupport",
    "Encoder",
    "can_encode",
    "encoder_options",
    "formats_of",
    "list_codecs",
    "written_codecs",
    "written_layout",
]

_log = logging.getLogger(__name__)
_FLOAT_DEPTH = 32
_SHAPES = {(1, 1): "4:2:0", (1, 0): "4:2:2", (0, 0): "4:4:4"}
_COMMON_IN_FOOTAGE = ("h264", "hevc", "av1", "vp9", "prores", "dnxhd", "ffv1", "mpeg2video", "mjpeg", "png")
_420, _420_10 = "yuv420p", "yuv420p10le"
_H264 = tuple(f"yuv{shape}p{depth}" for depth in ("", "10le") for shape in ("420", "422", "444"))
_H265 = tuple(f"yuv{shape}p{depth}" for depth in ("", "10le", "12le") for shape in ("420", "422", "444"))
_SEMIPLANAR = {_420: "nv12", _420_10: "p010le"}
_PNG = {
    "gbrp": "rgb24",
    "gbrap": "rgba",
    "gbrp16le": "rgb48be",
    "gbrap16le": "rgba64be",
    "gray": "gray",
    "gray16le": "gray16be",
}
_TIFF = {**_PNG, "gbrp16le": "rgb48le", "gbrap16le": "rgba64le", "gray16le": "gray16le"}


@dataclass(frozen=True, slots=True)
class Encoder:
    """One codec as it is written."""

    title: str
    """What people call it."""
    library: str
    """The encoder's name in FFmpeg."""
    formats: tuple[str, ...] = ()
    """Planar pixel formats that may be written; empty = every one that the library takes."""
    encoded_as: Mapping[str, str] = field(default_factory=dict)
    """Planar format to the one that the library is handed, which holds the same values."""
    even_only: bool = False
    """Subsampled axes must have an even size."""
    limited_only: bool = False
    """There is no mark of full range, so that players take every file as limited."""
    broadcast: bool = False
    """Made for players, nearly all of which show 4:2:0 alone: RGB becomes that."""
    hardware: bool = False
    tag: str = ""
    """Four letters by which MP4 and MOV know it, where they differ from the library's."""


def _hardware(title: str, library: str, formats: tuple[str, ...], encoded_as: Mapping[str, str]) -> Encoder:
    tag = "hvc1" if library.startswith("hevc") else ""
    return Encoder(title, library, formats, encoded_as, even_only=True, broadcast=True, hardware=True, tag=tag)


ENCODERS: dict[CodecName, Encoder] = {
    "h264": Encoder("H.264", "libx264", _H264, even_only=True, broadcast=True),
    "h265": Encoder("H.265", "libx265", _H265, even_only=True, broadcast=True, tag="hvc1"),
    "prores": Encoder("ProRes 422 HQ", "prores_aw", ("yuv422p10le",), limited_only=True),
    "prores4444": Encoder("ProRes 4444", "prores_ks", ("yuv444p10le", "yuva444p10le"), limited_only=True),
    "dnxhr_hq": Encoder("DNxHR HQ", "dnxhd", ("yuv422p",)),
    "dnxhr_hqx": Encoder("DNxHR HQX", "dnxhd", ("yuv422p10le",)),
    "ffv1": Encoder("FFV1, lossless", "ffv1", encoded_as={"gbrp": "bgr0", "gbrap": "bgra"}),
    "png": Encoder("PNG images", "png", tuple(_PNG), _PNG),
    "tiff": Encoder("TIFF images", "tiff", tuple(_TIFF), _TIFF),
    "exr": Encoder("OpenEXR images, half float", "exr", ("gbrpf32le", "gbrapf32le")),
    "h264_nvenc": _hardware("H.264 by NVIDIA", "h264_nvenc", (_420, "yuv444p"), {}),
    "hevc_nvenc": _hardware("H.265 by NVIDIA", "hevc_nvenc", (_420, _420_10, "yuv444p"), {_420_10: "p010le"}),
    "h264_videotoolbox": _hardware("H.264 by Apple", "h264_videotoolbox", (_420,), {_420: "nv12"}),
    "hevc_videotoolbox": _hardware("H.265 by Apple", "hevc_videotoolbox", (_420, _420_10), _SEMIPLANAR),
    "h264_qsv": _hardware("H.264 by Intel", "h264_qsv", (_420,), {_420: "nv12"}),
    "hevc_qsv": _hardware("H.265 by Intel", "hevc_qsv", (_420, _420_10), _SEMIPLANAR),
}


def formats_of(codec: CodecName) -> tuple[PixelLayout, ...]:
    """The layouts that a codec may be written in."""
    encoder = ENCODERS[codec]
    return tuple(written_layout(name) for name in encoder.formats or _taken(encoder.library))


def written_layout(name: str) -> PixelLayout:
    """`layout_of`, and the floating formats that only outputs have."""
    if name.endswith("f32le"):
        return PixelLayout(name, "rgb", _FLOAT_DEPTH, alpha=name.startswith("gbrap"))
    return layout_of(name)


@lru_cache(maxsize=8)
def _taken(library: str) -> tuple[str, ...]:
    """The planar formats of 8 to 16 bit that an encoder of the library takes, packed RGB as planar."""
    found: dict[str, None] = {}
    for form in av.Codec(library, "w").video_formats or ():
        try:
            found[layout_of(form.name).name] = None
        except MediaError:
            continue  # Floating, 4:1:1 and other formats that no source has.
    return tuple(found)


@lru_cache(maxsize=32)
def can_encode(codec: CodecName) -> bool:
    """Whether this machine can write a codec; hardware is asked by opening its encoder once."""
    encoder = ENCODERS[codec]
    try:
        av.Codec(encoder.library, "w")
        return not encoder.hardware or _opens(encoder)
    except UnknownCodecError:
        return False


def _opens(encoder: Encoder) -> bool:
    context = CodecContext.create(encoder.library, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = 256, 256
    context.pix_fmt = encoder.encoded_as.get(encoder.formats[0], encoder.formats[0])
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    before = av.logging.get_level()
    try:
        av.logging.set_level(av.logging.PANIC)
        context.open()
    except (av.error.FFmpegError, ValueError, OSError) as error:
        _log.debug("%s cannot be opened: %s", encoder.library, error)
        return False
    finally:
        av.logging.set_level(before)
    return True


def encoder_options(codec: CodecName, settings: OutputSettings, width: int) -> tuple[str, dict[str, str]]:
    """The library's name of the encoder, and its options."""
    library, quality = ENCODERS[codec].library, str(settings.crf)
    options: dict[CodecName, dict[str, str]] = {
        "h264": {"crf": quality, "preset": settings.preset},
        "h265": {"crf": quality, "preset": settings.preset, "x265-params": _x265(settings)},
        # The number of slices is left to the encoder: of odd sizes it takes only some.
        "ffv1": {"level": "3", "coder": "range_def", "slicecrc": "1", "g": "1"},
        "prores": {"profile": "3", "vendor": "apl0"},
        "prores4444": {"profile": "4", "vendor": "apl0", "alpha_bits": "16"},
        "dnxhr_hq": {"profile": "dnxhr_hq"},
        "dnxhr_hqx": {"profile": "dnxhr_hqx"},
        "exr": {"format": "half", "compression": "zip16"},
        "tiff": {"compression_algo": "deflate"},
    }
    if codec == "prores" and width % 2:
        # Of FFmpeg's two encoders the first is four times as fast; it takes no odd widths.
        library = "prores_ks"
    if codec in options:
        return library, options[codec]
    kind = library.partition("_")[2]
    hardware = {
        "nvenc": {"rc": "vbr", "cq": quality, "preset": "p5"},
        "videotoolbox": {"q:v": str(max(1, 100 - 2 * settings.crf))},
        "qsv": {"global_quality": str(max(1, settings.crf))},
    }
    return library, hardware.get(kind, {})


def _x265(settings: OutputSettings) -> str:
    """The library's own parameters: it writes to standard error unless told not to."""
    lossless = ":lossless=1" if settings.crf == 0 else ""
    return f"log-level=error{lossless}" + (f":pools={settings.threads}" if settings.threads else "")


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
    return (*written_codecs(), *(_readable(name) for name in _COMMON_IN_FOOTAGE))


def written_codecs() -> tuple[CodecSupport, ...]:
    """The codecs that outputs are written with; hardware encoders only where they can be opened."""
    return tuple(_writable(name) for name, encoder in ENCODERS.items() if not encoder.hardware or can_encode(name))


def _writable(name: CodecName) -> CodecSupport:
    encoder, available = ENCODERS[name], can_encode(name)
    formats = tuple(layout.name for layout in formats_of(name)) if available else ()
    places = codec_suffixes(name) or ("folder",)
    return CodecSupport(name, encoder.library, "encode", available, formats, encoder.title, places)


def _readable(name: str) -> CodecSupport:
    try:
        codec = av.Codec(name, "r")
    except UnknownCodecError:
        return CodecSupport(name, name, "decode", available=False)
    return CodecSupport(name, codec.name, "decode", available=True)
