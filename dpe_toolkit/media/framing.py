"""Images of one size, layout and meaning from images of another: scaled into a frame, with bars or cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout, Plane
from dpe_toolkit.media.color import conversion_arguments, resolve_range, same_meaning, tag_frame
from dpe_toolkit.media.pixels import copy_into, copy_out, empty_planes, plane_sizes

__all__ = ["FramePlace", "convert_frames", "fit_frames", "place_in_frame"]

_LIMITED = 1
_INTERPOLATION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Where an image lies in a frame, in whole pixels of the frame; it may stand out."""

    size_px: tuple[int, int]
    """(width, height) to which the image is scaled."""
    origin_px: tuple[int, int]
    """Place of its first pixel, x and y."""

    def covered(self, frame_px: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the frame in which it is seen."""
        (width, height), (x, y) = self.size_px, self.origin_px
        return slice(max(0, y), min(frame_px[1], y + height)), slice(max(0, x), min(frame_px[0], x + width))

    def fills(self, frame_px: tuple[int, int]) -> bool:
        """True where nothing of the frame is left free."""
        rows, columns = self.covered(frame_px)
        return rows == slice(0, frame_px[1]) and columns == slice(0, frame_px[0])


def place_in_frame(
    size_px: tuple[int, int], frame_px: tuple[int, int], fit: Literal["fit", "fill", "none"], layout: PixelLayout
) -> FramePlace:
    """Where an image comes to lie, in the middle of the frame.

    Sizes and places are multiples of the chroma subsampling, so that no chroma sample is shared by an image
    and what lies beside it.

    Args:
        size_px: (width, height) of the image.
        frame_px: (width, height) of the frame.
        fit: all of it with bars, all of the frame with parts cut off, or unscaled.
        layout: the image's.
    """
    shares = [frame / own for frame, own in zip(frame_px, size_px, strict=True)]
    share = 1.0 if fit == "none" else min(shares) if fit == "fit" else max(shares)
    scaled, origin = [], []
    for axis in range(2):
        step = 1 << layout.chroma_shift[axis]
        length = size_px[axis] if fit == "none" else max(step, round(size_px[axis] * share / step) * step)
        if fit == "fit" and abs(length - frame_px[axis]) < step:
            length = frame_px[axis]
        scaled.append(length)
        origin.append((frame_px[axis] - length) // 2 // step * step)
    return FramePlace((scaled[0], scaled[1]), (origin[0], origin[1]))


def fit_frames(batch: FrameBatch, frame_px: tuple[int, int], fit: Literal["fit", "fill", "none"]) -> FrameBatch:
    """The images in frames of another size, black or transparent beside them; the same batch where they fit."""
    if batch.stored_size_px == frame_px:
        return batch
    place = place_in_frame(batch.stored_size_px, frame_px, fit, batch.layout)
    scaled = (
        batch
        if place.size_px == batch.stored_size_px
        else _reformatted(batch, place.size_px, batch.layout, batch.color)
    )
    planes = []
    for position, (plane, size) in enumerate(zip(scaled.planes, plane_sizes(batch.layout, *frame_px), strict=True)):
        shift = batch.layout.chroma_shift if _is_chroma(batch.layout, position) else (0, 0)
        origin = place.origin_px[0] >> shift[0], place.origin_px[1] >> shift[1]
        planes.append(_placed(plane, size, origin, _black(batch, position)))
    return replace(batch, planes=tuple(planes))


def convert_frames(batch: FrameBatch, layout: PixelLayout, color: ColorInfo) -> FrameBatch:
    """The same images as planes of another layout and meaning; the same batch where they are that already."""
    if batch.layout == layout and same_meaning(batch.color, color, layout):
        return batch
    return _reformatted(batch, batch.stored_size_px, layout, color)


def _is_chroma(layout: PixelLayout, position: int) -> bool:
    return layout.family == "yuv" and position in (1, 2)


def _black(batch: FrameBatch, position: int) -> int:
    """The code of what lies beside an image, in one plane: black, and transparent."""
    if batch.layout.alpha and position == batch.layout.num_planes - 1:
        return 0
    if _is_chroma(batch.layout, position):
        return 1 << (batch.layout.depth - 1)
    return 16 << (batch.layout.depth - 8) if resolve_range(batch.color, batch.layout) == _LIMITED else 0


def _placed(plane: Plane, size: tuple[int, int], origin: tuple[int, int], around: int) -> Plane:
    count, height, width = plane.shape
    placed: Plane = np.full((count, size[1], size[0]), around, plane.dtype)
    spans: Sequence[tuple[int, int, int]] = [
        (max(0, start), min(whole, start + own), start)
        for start, own, whole in ((origin[1], height, size[1]), (origin[0], width, size[0]))
    ]
    (top, bottom, y), (left, right, x) = spans
    placed[:, top:bottom, left:right] = plane[:, top - y : bottom - y, left - x : right - x]
    return placed


def _reformatted(batch: FrameBatch, size_px: tuple[int, int], layout: PixelLayout, color: ColorInfo) -> FrameBatch:
    planes = empty_planes(layout, len(batch), *size_px)
    reformatter = VideoReformatter()
    moved = conversion_arguments((batch.color, batch.layout), (color, layout), batch.stored_size_px[1])
    for row in range(len(batch)):
        frame = VideoFrame(*batch.stored_size_px, batch.layout.name)
        copy_into(batch.planes, row, frame)
        tag_frame(frame, batch.color)
        shown = reformatter.reformat(
            frame, *size_px, format=layout.name, interpolation=_INTERPOLATION, threads=1, **moved
        )
        copy_out(shown, planes, row)
    return replace(batch, planes=planes, layout=layout, color=color)
