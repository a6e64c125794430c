"""Colour tags: read from decoded frames, resolved where unspecified, written on streams and frames."""

from __future__ import annotations

import threading
from dataclasses import replace

import av
import av.logging
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from dpe_toolkit.frames import ColorInfo, PixelLayout

__all__ = [
    "as_video",
    "conversion_arguments",
    "read_color",
    "resolve_range",
    "same_meaning",
    "tag_encoder",
    "tag_frame",
]

_LOCATIONS = ("unspecified", "left", "center", "topleft", "top", "bottomleft", "bottom")
_LOG_LOCK = threading.Lock()
# H.273 matrix numbers to the numbers of swscale's coefficient tables.
_COEFFICIENTS = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_FULL, _LIMITED = 2, 1


def read_color(container: InputContainer, frame: VideoFrame, layout: PixelLayout) -> ColorInfo:
    """What the code values of ``frame``, the container's first picture, mean."""
    full = frame.format.name.startswith("yuvj")
    return ColorInfo(
        matrix=int(frame.colorspace),
        transfer=int(frame.color_trc),
        primaries=int(frame.color_primaries),
        range=_FULL if full else int(frame.color_range),
        chroma_location=_read_chroma_location(container) if any(layout.chroma_shift) else 0,
    )


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
    """1 for limited, 2 for full; what is unspecified is limited for YUV and full for RGB and gray pictures."""
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
    source: tuple[ColorInfo, PixelLayout], target: tuple[ColorInfo, PixelLayout]
) -> dict[str, int | None]:
    """Arguments that make a reformatter respect both sides' matrix and range."""
    return {
        "src_colorspace": _COEFFICIENTS.get(source[0].matrix),
        "dst_colorspace": _COEFFICIENTS.get(target[0].matrix),
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
    """The tags of RGB or gray pictures once they are turned into limited-range YUV."""
    if layout.family == "yuv":
        return color
    return replace(color, matrix=1, range=_LIMITED, primaries=1 if color.primaries == 2 else color.primaries)
