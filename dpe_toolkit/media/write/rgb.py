"""Images as RGB or gray of any depth, for files that hold nothing else.

The media library's own conversion of video to deep RGB ends a 256th below white, so that it is done here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from dpe_toolkit.core.colorimetry import code_scale, rgb_from_yuv_matrix
from dpe_toolkit.core.frames import FrameBatch, PixelLayout
from dpe_toolkit.media.color import BT709_CURVES

__all__ = ["linear_light", "rgb_frame"]

_FLOAT_DEPTH = 32
# Where a chroma sample lies, counted in luma samples from the first of its cell: (x, y) for each chroma location.
_SITES = {0: (0.0, 0.5), 1: (0.0, 0.5), 2: (0.5, 0.5), 3: (0.0, 0.0), 4: (0.5, 0.0), 5: (0.0, 1.0), 6: (0.5, 1.0)}

_SRGB = 13

_Signal = npt.NDArray[np.float32]


def rgb_frame(batch: FrameBatch, layout: PixelLayout) -> VideoFrame:
    """The first frame of ``batch`` in a planar RGB or gray layout.

    Values are the encoded ones: whatever curve is on them stays. In floating layouts, which by custom are linear light,
    the curves of ordinary video are taken off; PQ, HLG and others stay there too. 1 is white, and what lies beyond
    black and white is kept; elsewhere it is clipped. Chroma is interpolated linearly from where it is sited.

    Args:
        batch: any layout.
        layout: RGB, or gray where the batch is gray.
    """
    planes = _gbr(batch)
    if layout.depth == _FLOAT_DEPTH:
        planes = [linear_light(plane, batch.color.transfer) for plane in planes]
    if layout.family == "gray":
        planes = planes[:1]
    if layout.alpha:
        planes.append(_alpha(batch))
    width, height = batch.stored_size_px
    frame = VideoFrame(width, height, layout.name)
    dtype = np.float32 if layout.depth == _FLOAT_DEPTH else np.uint16 if layout.depth > 8 else np.uint8
    for target, signal in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), dtype).reshape(height, -1)
        if layout.depth == _FLOAT_DEPTH:
            # Files hold half floats, to which the encoder would cut these; rounding loses half as much.
            rows[:, :width] = signal.astype(np.float16)
        else:
            rows[:, :width] = np.rint(np.clip(signal, 0, 1) * ((1 << layout.depth) - 1))
    return frame


def linear_light(signal: _Signal, transfer: int) -> _Signal:
    """Light from values under the curve of ordinary video; under any other curve the values as they are.

    Source: ITU-R BT.709-6, item 1.2 (the camera's curve, as everywhere in the toolkit), and IEC 61966-2-1 for sRGB.
    """
    if transfer == _SRGB:
        return np.asarray(
            np.where(signal <= 0.04045, signal / 12.92, ((np.maximum(signal, 0) + 0.055) / 1.055) ** 2.4), np.float32
        )
    if transfer in BT709_CURVES:
        lifted = (np.maximum(signal, 0) + 0.099) / 1.099
        return np.asarray(np.where(signal < 0.081, signal / 4.5, lifted ** (1 / 0.45)), np.float32)
    return signal


def _gbr(batch: FrameBatch) -> list[_Signal]:
    layout, scale = batch.layout, code_scale(batch.layout, batch.color)
    first = (batch.planes[0][0].astype(np.float32) - scale.luma_offset) / scale.luma_scale
    if layout.family == "gray":
        return [first, first, first]
    if layout.family == "rgb":
        return [(plane[0].astype(np.float32) - scale.luma_offset) / scale.luma_scale for plane in batch.planes[:3]]
    site = _SITES.get(batch.color.chroma_location, _SITES[0])
    chroma = [
        _raised((plane[0].astype(np.float32) - scale.chroma_offset) / scale.chroma_scale, layout, site, first.shape)
        for plane in batch.planes[1:3]
    ]
    matrix = rgb_from_yuv_matrix(batch.color, first.shape[0])
    red, green, blue = (row[0] * first + row[1] * chroma[0] + row[2] * chroma[1] for row in matrix)
    return [green, blue, red]


def _alpha(batch: FrameBatch) -> _Signal:
    if not batch.layout.alpha:
        height, width = batch.planes[0].shape[1:]
        return np.ones((height, width), np.float32)
    return np.asarray(batch.planes[-1][0] / ((1 << batch.layout.depth) - 1), np.float32)


def _raised(chroma: _Signal, layout: PixelLayout, site: tuple[float, float], shape: tuple[int, ...]) -> _Signal:
    """Chroma at each luma sample."""
    for axis, shift, place in ((1, layout.chroma_shift[0], site[0]), (0, layout.chroma_shift[1], site[1])):
        if shift:
            position = (np.arange(shape[axis], dtype=np.float32) - np.float32(place)) / 2
            position = np.clip(position, 0, chroma.shape[axis] - 1)
            below = np.floor(position).astype(np.intp)
            above = np.minimum(below + 1, chroma.shape[axis] - 1)
            share = (position - below).astype(np.float32)
            share = share[None, :] if axis else share[:, None]
            chroma = chroma.take(below, axis) * (1 - share) + chroma.take(above, axis) * share
    return chroma
