"""Images that are stored lying and meant to be shown upright: rotated by quarters, code value by code value."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.video.frame import VideoFrame

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, PixelLayout, Plane
from dpe_toolkit.media.pixels import layout_of

__all__ = ["display_rotation", "rotate_planes", "rotated_color", "rotated_layout"]

_SWAPPED = {"422": "440", "440": "422"}
_QUARTER = 90
_MATRIX = "DISPLAYMATRIX"
_LEFT = 1
# Where a chroma sample lies in its cell, (x, y): 0 on the first luma sample, 1 on the last.
_LOCATIONS = {1: (0.0, 0.5), 2: (0.5, 0.5), 3: (0.0, 0.0), 4: (0.5, 0.0), 5: (0.0, 1.0), 6: (0.5, 1.0)}


def display_rotation(frame: VideoFrame, path: Path) -> int:
    """Degrees clockwise by which a player rotates the image: 0, 90, 180 or 270.

    Raises:
        MediaError: the file asks for a mirrored image, or for another angle.
    """
    try:
        # What the library declares for its side data differs with its version, and is not what it has by name.
        data = cast("Mapping[str, Buffer]", frame.side_data)
        matrix = bytes(data[_MATRIX])
    except KeyError:
        return 0
    except ValueError:
        # The file has side data of a kind that PyAV does not know, and then shows none of it.
        return -frame.rotation % 360
    a, b, _, c, d = struct.unpack("<5i", matrix[:20])
    if not any((a, b, c, d)):
        return 0
    angle = round(math.degrees(math.atan2(b, a)), 1)
    if a * d - b * c <= 0 or angle % _QUARTER:
        what = "mirrored" if a * d - b * c <= 0 else f"rotated by {angle:g} degrees"
        raise MediaError(
            f"The file asks for its image to be {what}",
            "an upright image, or one rotated by quarters",
            "write the media upright first",
            path=path,
        )
    return int(angle) % 360


def rotated_layout(layout: PixelLayout, degrees: int, size_px: tuple[int, int], path: Path) -> PixelLayout:
    """The layout of an image rotated clockwise; 4:2:2 on its side is 4:4:0.

    Args:
        layout: as stored.
        degrees: 0, 90, 180 or 270.
        size_px: (width, height) as stored.
        path: the file, for messages.

    Raises:
        MediaError: chroma cells would not fall on whole cells, or there is no such format.
    """
    if not degrees:
        return layout
    # Clockwise by 90 the rows are reversed, by 270 the columns, by 180 both.
    reversed_axes = {90: (1,), 180: (0, 1), 270: (0,)}[degrees]
    if any(layout.chroma_shift[axis] and size_px[axis] % 2 for axis in reversed_axes):
        raise _cannot_rotate(path, degrees, f"{size_px[0]}x{size_px[1]} pixels with subsampled colour")
    if degrees == 180 or layout.chroma_shift[0] == layout.chroma_shift[1]:
        return layout
    shape = next(shape for shape in _SWAPPED if shape in layout.name)
    try:
        rotated = layout_of(layout.name.replace(shape, _SWAPPED[shape]))
        VideoFrame(16, 16, rotated.name)
    except (MediaError, ValueError) as error:
        raise _cannot_rotate(path, degrees, f"pixels of format {layout.name}") from error
    return rotated


def _cannot_rotate(path: Path, degrees: int, what: str) -> MediaError:
    return MediaError(
        f"The image is to be rotated by {degrees} degrees and has {what}",
        "an image that can be rotated without mixing values",
        "write the media upright first",
        path=path,
    )


def rotate_planes(planes: tuple[Plane, ...], degrees: int) -> tuple[Plane, ...]:
    """(N, h, w) planes rotated clockwise; each code value is kept."""
    return tuple(np.ascontiguousarray(np.rot90(plane, -degrees // _QUARTER, axes=(1, 2))) for plane in planes)


def rotated_color(color: ColorInfo, degrees: int, layout: PixelLayout) -> ColorInfo:
    """The tags of an image rotated clockwise: where chroma lies rotates with it; unstated means left."""
    if not degrees or not any(layout.chroma_shift):
        return color
    x, y = _LOCATIONS.get(color.chroma_location or _LEFT, _LOCATIONS[_LEFT])
    place = {90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[degrees]
    return replace(color, chroma_location=next((name for name, at in _LOCATIONS.items() if at == place), 0))
