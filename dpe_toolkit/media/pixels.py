"""Pixel formats: which planes hold an image, and numpy arrays to and from the media library's frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import PixelLayout, Plane

__all__ = [
    "copy_into",
    "copy_out",
    "empty_planes",
    "joined_layout",
    "layout_of",
    "plane_sizes",
    "with_alpha",
    "without_alpha",
]

_PLANAR = re.compile(r"(yuv|yuva)(420|422|440|444)p(\d+le)?|(gbrp|gbrap|gray)(\d+le)?")
_SHIFTS = {"420": (1, 1), "422": (1, 0), "440": (0, 1), "444": (0, 0)}

# Each pair holds the same code values: the conversion only moves them (tested for every entry).
_EQUIVALENT = {
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    **dict.fromkeys(("nv16", "yuyv422", "uyvy422", "yvyu422"), "yuv422p"),
    **dict.fromkeys(("nv24", "nv42", "vuyx", "vyu444"), "yuv444p"),
    **dict.fromkeys(("vuya", "uyva", "ayuv"), "yuva444p"),
    **dict.fromkeys(("nv20le", "p210le", "y210le"), "yuv422p10le"),
    **dict.fromkeys(("p212le", "y212le"), "yuv422p12le"),
    **dict.fromkeys(("p410le", "xv30le"), "yuv444p10le"),
    **dict.fromkeys(("p412le", "xv36le"), "yuv444p12le"),
    **dict.fromkeys(("p416le", "xv48le"), "yuv444p16le"),
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "p216le": "yuv422p16le",
    "ayuv64le": "yuva444p16le",
    **dict.fromkeys(("rgb24", "bgr24", "rgb0", "0rgb", "bgr0", "0bgr"), "gbrp"),
    **dict.fromkeys(("rgba", "argb", "abgr", "bgra", "ya8", "pal8"), "gbrap"),
    **dict.fromkeys(("x2rgb10le", "x2bgr10le"), "gbrp10le"),
    **dict.fromkeys(("rgb48le", "bgr48le"), "gbrp16le"),
    **dict.fromkeys(("rgba64le", "bgra64le"), "gbrap16le"),
    **dict.fromkeys(("monow", "monob"), "gray"),
}


def layout_of(format_name: str, path: Path | None = None) -> PixelLayout:
    """The planar layout that holds a decoder's pixel format without loss.

    Big-endian formats become little-endian ones, packed and semi-planar ones planar; ``yuvj420p`` is
    ``yuv420p``, whose full range is said by the colour tags.

    Raises:
        MediaError: a format of another kind (float, 4:1:1, XYZ, Bayer).
    """
    little = re.sub(r"be$", "le", format_name).replace("yuvj", "yuv")
    name = _EQUIVALENT.get(little, little)
    match = _PLANAR.fullmatch(name)
    depth = int((match[3] or match[5] or "8le")[:-2]) if match else 0
    if match is None or not 8 <= depth <= 16:
        raise MediaError(
            f"The pixel format is {format_name}",
            "YUV 4:2:0, 4:2:2, 4:4:0 or 4:4:4, RGB or gray of 8 to 16 bit",
            "convert the file to one of these, e.g. ProRes or FFV1",
            path=path,
        )
    family: Literal["yuv", "rgb", "gray"] = "yuv" if match[1] else ("gray" if match[4] == "gray" else "rgb")
    return PixelLayout(name, family, depth, _SHIFTS.get(match[2] or "444", (0, 0)), name.startswith(("yuva", "gbrap")))


def joined_layout(layouts: Sequence[PixelLayout]) -> PixelLayout:
    """The layout that holds the images of all ``layouts``: the deepest values and the finest colour.

    RGB and gray stay what they are among themselves; in company they become YUV.
    """
    if len(set(layouts)) == 1:
        return layouts[0]
    depth = next(depth for depth in (8, 10, 12, 16) if depth >= max(one.depth for one in layouts))
    ending = "" if depth == 8 else f"{depth}le"
    alpha = any(one.alpha for one in layouts)
    families = {one.family for one in layouts}
    if families == {"rgb"}:
        return layout_of(f"{'gbrap' if alpha else 'gbrp'}{ending}")
    if families == {"gray"}:
        return layout_of(f"gray{ending}")
    finest = [min(one.chroma_shift[axis] for one in layouts if one.family != "gray") for axis in (0, 1)]
    shape = {(0, 0): "444", (1, 0): "422", (1, 1): "420", (0, 1): "444"}[finest[0], finest[1]]
    return layout_of(f"{'yuva' if alpha else 'yuv'}{shape}p{ending}")


def with_alpha(layout: PixelLayout) -> PixelLayout:
    """The layout with a plane of alpha, of 16 bit where the library has none of its depth."""
    if layout.alpha:
        return layout
    name = {"yuv": layout.name.replace("yuv", "yuva"), "rgb": layout.name.replace("gbrp", "gbrap"), "gray": "gbrap"}
    try:
        VideoFrame(16, 16, name[layout.family])
    except ValueError:
        shift = {(1, 1): "420", (1, 0): "422", (0, 0): "444"}[layout.chroma_shift]
        return layout_of(f"yuva{shift}p16le" if layout.family == "yuv" else "gbrap16le")
    return layout_of(name[layout.family])


def without_alpha(layout: PixelLayout) -> PixelLayout:
    """The layout without its plane of alpha."""
    return layout_of(layout.name.replace("yuva", "yuv").replace("gbrap", "gbrp")) if layout.alpha else layout


def plane_sizes(layout: PixelLayout, width: int, height: int) -> list[tuple[int, int]]:
    """(width, height) of each plane; chroma of an odd size is rounded up."""
    shift_x, shift_y = layout.chroma_shift
    chroma = (-(-width >> shift_x), -(-height >> shift_y))
    return [chroma if layout.family == "yuv" and i in (1, 2) else (width, height) for i in range(layout.num_planes)]


def empty_planes(layout: PixelLayout, num_frames: int, width: int, height: int) -> tuple[Plane, ...]:
    """Arrays for ``num_frames`` frames, not yet filled."""
    dtype = np.uint8 if layout.depth == 8 else np.uint16
    return tuple(np.empty((num_frames, h, w), dtype) for w, h in plane_sizes(layout, width, height))


def _view(plane: VideoPlane, size: tuple[int, int], dtype: npt.DTypeLike) -> npt.NDArray[np.uint8 | np.uint16]:
    """The plane's own memory as (h, w), padding cut off."""
    rows: npt.NDArray[np.uint8 | np.uint16] = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    # A negative line size means that the last line comes first.
    return rows[:: -1 if plane.line_size < 0 else 1][: size[1], : size[0]]


def copy_out(frame: VideoFrame, planes: tuple[Plane, ...], row: int) -> None:
    """Copies a planar frame's code values into row ``row`` of ``planes``."""
    for source, target in zip(frame.planes, planes, strict=True):
        target[row] = _view(source, (target.shape[2], target.shape[1]), target.dtype)


def copy_into(planes: tuple[Plane, ...], row: int, frame: VideoFrame) -> None:
    """Copies row ``row`` of ``planes`` into a planar frame of the same layout."""
    for source, target in zip(planes, frame.planes, strict=True):
        _view(target, (source.shape[2], source.shape[1]), source.dtype)[:] = source[row]
