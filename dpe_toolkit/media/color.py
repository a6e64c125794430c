"""Colour tags and HDR10 metadata: read from decoded frames, resolved where unspecified, written on streams and frames.

Source of the HDR10 part: SMPTE ST 2086 and CTA-861.3, how bright the mastering display was and how bright the film
gets; the layout of FFmpeg's AVMasteringDisplayMetadata and AVContentLightMetadata.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import av
import av.logging
from av.buffer import Buffer
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dpe_toolkit.core.frames import ColorInfo, PixelLayout

__all__ = [
    "BT709_CURVES",
    "HdrInfo",
    "as_rgb",
    "as_video",
    "color_name",
    "container_color",
    "conversion_arguments",
    "is_ordinary",
    "read_color",
    "read_hdr",
    "resolve_range",
    "same_light",
    "same_meaning",
    "tag_encoder",
    "tag_frame",
]

_LOCATIONS = ("unspecified", "left", "center", "topleft", "top", "bottomleft", "bottom")
_LOG_LOCK = threading.Lock()
# H.273 matrix numbers to the numbers of swscale's coefficient tables.
_COEFFICIENTS = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_FULL, _LIMITED = 2, 1
_RESERVED, _UNSPECIFIED = 0, 2
_DISPLAY_P3, _BT2020 = 12, 9
_SRGB = 13
_MATRICES = {0: "RGB", 1: "BT.709", 4: "FCC", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020", 10: "BT.2020 CL"}
_PRIMARIES = {1: "BT.709", 4: "BT.470 M", 5: "BT.601 (625)", 6: "BT.601 (525)", 7: "SMPTE 240M", 9: "BT.2020"}
_PRIMARIES |= {10: "XYZ", 11: "DCI-P3", 12: "Display P3"}
_TRANSFERS = {1: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.709", 7: "SMPTE 240M", 8: "linear", 11: "xvYCC"}
_TRANSFERS |= {13: "sRGB", 14: "BT.709", 15: "BT.709", 16: "PQ", 17: "DCI gamma 2.6", 18: "HLG"}
BT709_CURVES = frozenset({1, 2, 6, 14, 15})
"""Transfer numbers that mean the curve of BT.709; an unstated one is taken for it."""
_ALIKE = frozenset({1, 2, 6, 13, 14, 15})
"""Curves of ordinary video, close enough that a cut between them is common practice."""
# Side data of FFmpeg, by its own names.
_MASTERING, _LIGHT_LEVELS = "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"
_DYNAMIC = {"DOVI_METADATA": "Dolby Vision", "DYNAMIC_HDR_PLUS": "HDR10+", "DYNAMIC_HDR_VIVID": "HDR Vivid"}
_RATIONALS = 10


def container_color(stream: VideoStream) -> ColorInfo:
    """What the container says, read before the first frame is decoded: the decoder then puts its own word there."""
    context = stream.codec_context
    return ColorInfo(
        matrix=int(context.colorspace),
        transfer=int(context.color_trc),
        primaries=int(context.color_primaries),
        range=int(context.color_range),
    )


def read_color(
    container: InputContainer, frame: VideoFrame, layout: PixelLayout, outer: ColorInfo | None = None
) -> ColorInfo:
    """What the code values of ``frame``, the container's first frame, mean.

    The image's own word goes before the container's, which fills in what the image leaves open: a ProRes
    header knows only some curves. DNxHD's header says BT.709 whatever the file holds, so there the container counts.

    Args:
        container: the file.
        frame: its first frame.
        layout: planes of the image.
        outer: `container_color`; None where it is not known.
    """
    outer = outer or ColorInfo()
    full = frame.format.name.startswith("yuvj")
    matrix = _first(int(frame.colorspace), outer.matrix, (_UNSPECIFIED,))
    if _is_dnxhd(container) and outer.matrix not in (_RESERVED, _UNSPECIFIED):
        matrix = outer.matrix
    unclear = (_RESERVED, _UNSPECIFIED)
    return ColorInfo(
        matrix=matrix,
        transfer=_first(int(frame.color_trc), outer.transfer, unclear),
        primaries=_first(int(frame.color_primaries), outer.primaries, unclear),
        range=_FULL if full else int(frame.color_range) or outer.range,
        chroma_location=_read_chroma_location(container) if any(layout.chroma_shift) else 0,
    )


def _first(own: int, outer: int, unclear: tuple[int, ...]) -> int:
    return own if own not in unclear or outer in unclear else outer


def _is_dnxhd(container: InputContainer) -> bool:
    return any(
        stream.codec_context is not None and stream.codec_context.name == "dnxhd" for stream in container.streams.video
    )


def color_name(color: ColorInfo) -> str:
    """Matrix, primaries and curve in words, e.g. ``BT.2020 PQ``."""
    words = [
        _MATRICES.get(color.matrix, "" if color.matrix == _UNSPECIFIED else f"matrix {color.matrix}"),
        _PRIMARIES.get(color.primaries, ""),
        _TRANSFERS.get(color.transfer, ""),
    ]
    return " ".join(dict.fromkeys(filter(None, words))) or "untagged"


def is_ordinary(color: ColorInfo) -> bool:
    """True for the curves of BT.709 and sRGB, and unstated ones."""
    return color.transfer in BT709_CURVES or color.transfer == _SRGB


def same_light(first: ColorInfo, second: ColorInfo) -> bool:
    """True where images of both may stand in one film without a conversion of curve or primaries.

    Ordinary video of all kinds, untagged included, is alike; PQ, HLG, linear light and wide primaries are not.
    """
    curves = {first.transfer, second.transfer}
    gamuts = {first.primaries, second.primaries}
    wide = {_BT2020, 10, 11, _DISPLAY_P3}
    return (len(curves) == 1 or curves <= _ALIKE) and (len(gamuts) == 1 or not gamuts & wide)


def _read_chroma_location(container: InputContainer) -> int:
    """The chroma siting as FFmpeg's number.

    PyAV hands it out nowhere but in the library's description of the file, and there only at the
    verbose log level; hence the lock and the levels, held for this one call.
    """
    describe = getattr(container, "dumps_format", None)
    if describe is None:
        return 0
    with _LOG_LOCK:
        before = av.logging.get_level()
        try:
            av.logging.set_level(av.logging.VERBOSE)
            av.logging.set_libav_level(av.logging.VERBOSE)
            text = str(describe())
        finally:
            av.logging.set_libav_level(av.logging.INFO)
            av.logging.set_level(before)
    for line in text.splitlines():
        if ": Video:" in line:
            words = line.replace("(", ", ").replace(")", ", ").split(", ")
            return next((number for number, name in enumerate(_LOCATIONS) if number and name in words), 0)
    return 0


def resolve_range(color: ColorInfo, layout: PixelLayout) -> int:
    """1 for limited, 2 for full; what is unspecified is limited for YUV and full for RGB and gray images."""
    if color.range in (_LIMITED, _FULL):
        return color.range
    return _LIMITED if layout.family == "yuv" else _FULL


def same_meaning(first: ColorInfo, second: ColorInfo, layout: PixelLayout) -> bool:
    """True where the same code value shows the same colour, as far as matrix and range say."""
    matrices = (_COEFFICIENTS.get(first.matrix), _COEFFICIENTS.get(second.matrix))
    return (None in matrices or matrices[0] == matrices[1]) and (
        resolve_range(first, layout) == resolve_range(second, layout)
    )


def conversion_arguments(
    source: tuple[ColorInfo, PixelLayout], target: tuple[ColorInfo, PixelLayout], height: int
) -> dict[str, int | None]:
    """Arguments that make a reformatter respect both sides' matrix and range.

    A matrix that is not stated is BT.709 from 720 lines on and BT.601 below, as everywhere in the toolkit.
    """
    assumed = 1 if height >= 720 else 5
    matrices = [
        _COEFFICIENTS.get(color.matrix, assumed if layout.family == "yuv" else None)
        for color, layout in (source, target)
    ]
    return {
        "src_colorspace": matrices[0],
        "dst_colorspace": matrices[1],
        "src_color_range": resolve_range(*source),
        "dst_color_range": resolve_range(*target),
    }


def tag_encoder(context: VideoCodecContext, color: ColorInfo) -> None:
    """Puts every tag on an encoder that is not open yet; the container's tags follow from it."""
    context.colorspace = color.matrix
    context.color_trc = color.transfer
    context.color_primaries = color.primaries
    context.color_range = color.range
    if 0 < color.chroma_location < len(_LOCATIONS):
        context.options = {**context.options, "chroma_sample_location": _LOCATIONS[color.chroma_location]}


def tag_frame(frame: VideoFrame, color: ColorInfo) -> None:
    """Puts the tags on one frame: the ProRes encoder writes those of the frame, not of the stream."""
    frame.colorspace = color.matrix
    frame.color_trc = color.transfer
    frame.color_primaries = color.primaries
    frame.color_range = color.range


def as_video(color: ColorInfo, layout: PixelLayout) -> ColorInfo:
    """The tags of RGB or gray images once they are turned into limited-range YUV."""
    if layout.family == "yuv":
        return color
    primaries = 1 if color.primaries == _UNSPECIFIED else color.primaries
    return replace(color, matrix=9 if primaries == _BT2020 else 1, range=_LIMITED, primaries=primaries)


def as_rgb(color: ColorInfo) -> ColorInfo:
    """The tags of YUV images once they are turned into RGB."""
    return replace(color, matrix=0, range=_FULL, chroma_location=0)


@dataclass(frozen=True, slots=True)
class HdrInfo:
    """What a file says of its brightness."""

    display: tuple[Fraction, ...] = ()
    """Red, green and blue primaries and white point, x and y of each, then least and most luminance in cd/m²; empty
    where it is not stated."""
    light: tuple[int, int] = (0, 0)
    """Most light of a pixel and of a frame's average, in cd/m²; 0 where it is not stated."""
    dynamic: tuple[str, ...] = ()
    """Kinds of metadata that change from scene to scene, which are never carried."""

    @property
    def is_static(self) -> bool:
        """Whether there is any of HDR10's own."""
        return bool(self.display) or any(self.light)

    def x265_parameters(self) -> str:
        """As parameters of the x265 encoder."""
        found = []
        if self.display:
            red, green, blue, white = (
                "({},{})".format(*(round(value * 50000) for value in self.display[at : at + 2])) for at in (0, 2, 4, 6)
            )
            least, most = (round(value * 10000) for value in self.display[8:])
            found.append(f"master-display=G{green}B{blue}R{red}WP{white}L({most},{least})")
        if any(self.light):
            found.append(f"max-cll={self.light[0]},{self.light[1]}")
        return ":".join(found)


def read_hdr(frame: VideoFrame) -> HdrInfo | None:
    """What a file's first frame says, None where it says nothing."""
    try:
        # What the library declares for its side data differs with its version, and is not what it has by name.
        data = cast("Mapping[str, Buffer]", frame.side_data)
        found = {name: bytes(data[name]) for name in (_MASTERING, _LIGHT_LEVELS, *_DYNAMIC) if name in data}
    except ValueError:
        return None  # Side data of a kind that PyAV does not know; it then shows none of it.
    if not found:
        return None
    display: tuple[Fraction, ...] = ()
    if len(found.get(_MASTERING, b"")) >= 88:
        numbers = struct.unpack("<22i", found[_MASTERING][:88])
        pairs = zip(numbers[0 : 2 * _RATIONALS : 2], numbers[1 : 2 * _RATIONALS : 2], strict=True)
        values = tuple(Fraction(top, bottom) if bottom else Fraction(0) for top, bottom in pairs)
        display = values if numbers[20] and numbers[21] else ()
    light = struct.unpack("<2I", found[_LIGHT_LEVELS][:8]) if len(found.get(_LIGHT_LEVELS, b"")) >= 8 else (0, 0)
    dynamic = tuple(title for name, title in _DYNAMIC.items() if name in found)
    return HdrInfo(display, (light[0], light[1]), dynamic)
