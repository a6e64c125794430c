"""Native windows: parts of decoded frames as RGB, and edited parts written back into the planes.

An edit is written as a *difference*: the change of the RGB window, weighed by the matte, is taken through
the colour matrix (which is linear) and added to the decoded code values. Where nothing changed, the code
values stay as they are, bit for bit, whatever the subsampling, range or depth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, Plane
from dpe_toolkit.editing.handover import download, upload
from dpe_toolkit.face.tracks import FloatArray
from dpe_toolkit.geometry.anamorphic import SquarePixels
from dpe_toolkit.geometry.color import code_scale, rgb_from_yuv_matrix, through, yuv_from_rgb_matrix

__all__ = ["full_rgb", "sample_rgb", "upload_window", "window_rgb", "write_window"]

_RGB_FROM_GBR = (2, 0, 1)


def window_rgb(
    frames: FrameBatch, origin_px: npt.NDArray[np.int64], size_px: tuple[int, int], device: torch.device | str = "cpu"
) -> torch.Tensor:
    """RGB of one window a frame, without resampling luma.

    Chroma is raised to luma resolution so that averaging it back over each chroma cell gives exactly
    the decoded chroma: linear, plus what that loses in each cell.

    Args:
        frames: N frames.
        origin_px: (N, 2) frame position x, y of each window's first pixel, even; may lie outside.
        size_px: (width, height), even.
        device: where the result is wanted.

    Returns:
        (N, 3, h, w) float32 RGB, nominally [0, 1], not clamped; outside the frame the border is repeated. Where
        the frames have a view, the colours are those that it shows; where their pixels are not square, the
        window's are.
    """
    return upload_window(frames, origin_px, size_px, device, ())[0]


def upload_window(
    frames: FrameBatch,
    origin_px: npt.NDArray[np.int64],
    size_px: tuple[int, int],
    device: torch.device | str,
    along: Sequence[torch.Tensor],
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """What `window_rgb` gives, and other float32 tensors of the CPU on the device, all in one transfer.

    Code values go up and become RGB there. Colours under a view and pixels that are not square are made on the
    CPU, which alone can do the first, and RGB goes up.
    """
    if frames.pixel_aspect == 1 and frames.view is None:
        cut = _cut_planes(frames, origin_px, size_px)
        held = upload(device, *cut, *along)
        return _stored_rgb(frames, held[: len(cut)]), held[len(cut) :]
    if frames.pixel_aspect == 1:
        rgb = _stored_rgb(frames, _cut_planes(frames, origin_px, size_px))
    else:
        squares = SquarePixels.of(frames, origin_px, size_px)
        stored = _cut_planes(frames, squares.stored_origin_px, squares.stored_size_px)
        rgb = squares.widen(_stored_rgb(frames, stored))
    pixels, *others = upload(device, rgb if frames.view is None else through(frames.view.shown, rgb), *along)
    return pixels, tuple(others)


def _cut_planes(
    frames: FrameBatch, origin_px: npt.NDArray[np.int64], size_px: tuple[int, int]
) -> tuple[torch.Tensor, ...]:
    """(N, 1, h, w) float32 code values of each plane that carries colour, on the CPU."""
    layout = frames.layout
    width, height = size_px
    luma = _cut(frames.planes[0], origin_px, width, height)
    if layout.family == "gray":
        return (luma,)
    shift_x, shift_y = layout.chroma_shift if layout.family == "yuv" else (0, 0)
    origin = origin_px >> np.array([shift_x, shift_y])
    return (luma, *(_cut(plane, origin, width >> shift_x, height >> shift_y) for plane in frames.planes[1:3]))


def _stored_rgb(frames: FrameBatch, cut: Sequence[torch.Tensor]) -> torch.Tensor:
    """`window_rgb` in stored pixels and encoded colours, of what `_cut_planes` gave, on its device."""
    layout = frames.layout
    scale = code_scale(layout, frames.color)
    luma = cut[0]
    if layout.family == "gray":
        return ((luma - scale.luma_offset) / scale.luma_scale).repeat(1, 3, 1, 1)
    if layout.family == "rgb":
        gbr = torch.cat(list(cut), dim=1)
        return ((gbr - scale.luma_offset) / scale.luma_scale)[:, _RGB_FROM_GBR, :, :]
    shift_x, shift_y = layout.chroma_shift
    chroma = torch.cat(list(cut[1:]), dim=1)
    chroma = _raise_chroma((chroma - scale.chroma_offset) / scale.chroma_scale, 1 << shift_x, 1 << shift_y)
    yuv = torch.cat([(luma - scale.luma_offset) / scale.luma_scale, chroma], dim=1)
    return _mix_channels(yuv, _matrix(rgb_from_yuv_matrix, frames.color, frames.size_px[1], yuv.device))


@lru_cache(maxsize=64)
def _matrix(
    make: Callable[[ColorInfo, int], FloatArray], color: ColorInfo, height_px: int, device: torch.device
) -> torch.Tensor:
    """A colour matrix, brought to a device once and not with every window."""
    return upload(device, torch.from_numpy(make(color, height_px)))[0]


def write_window(
    frames: FrameBatch,
    origin_px: npt.NDArray[np.int64],
    source_rgb: torch.Tensor,
    edited_rgb: torch.Tensor,
    matte: torch.Tensor,
) -> FrameBatch:
    """The frames with an edited window put in; planes of ``frames`` are not touched.

    Args:
        frames: N frames.
        origin_px: (N, 2) as in `window_rgb`.
        source_rgb: (N, 3, h, w) what `window_rgb` gave.
        edited_rgb: (N, 3, h, w) what to show instead.
        matte: (N, 1, h, w) in [0, 1]; 0 keeps the decoded code value.

    Returns:
        New frames. A luma sample changes only where its matte is above 0, a chroma sample only where that
        of a luma sample of its cell is.
    """
    layout = frames.layout
    scale = code_scale(layout, frames.color)
    change, origin_px = _change(frames, origin_px, source_rgb, edited_rgb, matte)
    planes: list[Plane] = [plane.copy() for plane in frames.planes[: layout.num_planes - int(layout.alpha)]]
    untouched = frames.planes[len(planes) :]
    shift = np.array(layout.chroma_shift if layout.family == "yuv" else (0, 0))
    for place, (plane, values) in enumerate(zip(planes, download(*_code_changes(frames, change)), strict=True)):
        _add(plane, values.numpy(), origin_px >> shift if place else origin_px, scale.maximum)
    return frames.with_planes((*planes, *untouched))


def _change(
    frames: FrameBatch,
    origin_px: npt.NDArray[np.int64],
    source_rgb: torch.Tensor,
    edited_rgb: torch.Tensor,
    matte: torch.Tensor,
) -> tuple[torch.Tensor, npt.NDArray[np.int64]]:
    """(N, 3, h, w) the weighed change of encoded RGB in stored pixels, and where its windows begin.

    It lies on the device of the windows, or on the CPU where a view or pixels that are not square need that.
    """
    if frames.view is not None:
        # Both sides through the same inverse: what is equal before is equal after, and the edit stays exact.
        source_rgb, edited_rgb, matte = download(source_rgb, edited_rgb, matte)
        source_rgb, edited_rgb = (through(frames.view.encoded, rgb) for rgb in (source_rgb, edited_rgb))
    change = (edited_rgb - source_rgb) * matte
    if frames.pixel_aspect == 1:
        return change, origin_px
    height, width = change.shape[2:]
    squares = SquarePixels.of(frames, origin_px, (width, height))
    return squares.narrow(*download(change)), squares.stored_origin_px


def _code_changes(frames: FrameBatch, change: torch.Tensor) -> list[torch.Tensor]:
    """(N, h, w) what is added to the code values of each plane, alpha left out."""
    layout = frames.layout
    scale = code_scale(layout, frames.color)
    if layout.family == "rgb":
        return [change[:, channel] * scale.luma_scale for channel in (1, 2, 0)]
    yuv = _mix_channels(change, _matrix(yuv_from_rgb_matrix, frames.color, frames.size_px[1], change.device))
    luma = yuv[:, 0] * scale.luma_scale
    if layout.family == "gray":
        return [luma]
    shift_x, shift_y = layout.chroma_shift
    chroma = _cell_means(yuv[:, 1:], 1 << shift_x, 1 << shift_y) * scale.chroma_scale
    return [luma, chroma[:, 0], chroma[:, 1]]


def _mix_channels(pixels: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """(N, 3, h, w) each pixel through a (3, 3) matrix; a plain product, which beats a 1x1 convolution here."""
    return (matrix @ pixels.flatten(2)).reshape(pixels.shape)


def _cut(plane: Plane, origin: npt.NDArray[np.int64], width: int, height: int) -> torch.Tensor:
    """(N, 1, height, width) float32 code values; indices outside the plane are clamped to its border."""
    out = np.empty((len(origin), height, width), np.float32)
    _, plane_height, plane_width = plane.shape
    for row, (x, y) in enumerate(origin):
        if 0 <= x <= plane_width - width and 0 <= y <= plane_height - height:
            out[row] = plane[row, y : y + height, x : x + width]
        else:
            rows = np.clip(np.arange(y, y + height), 0, plane_height - 1)
            columns = np.clip(np.arange(x, x + width), 0, plane_width - 1)
            out[row] = plane[row][rows[:, None], columns[None, :]]
    return torch.from_numpy(out)[:, None]


def _raise_chroma(chroma: torch.Tensor, step_x: int, step_y: int) -> torch.Tensor:
    """Chroma at luma resolution: each step is 1, or 2 for subsampled axes."""
    for axis, step in ((3, step_x), (2, step_y)):
        if step == 2:
            chroma = _double(chroma, axis)
    return chroma


def _cell_means(values: torch.Tensor, step_x: int, step_y: int) -> torch.Tensor:
    """Means over chroma cells, by strided sums: several times faster than pooling on a CPU."""
    if step_x == 2:
        values = (values[..., 0::2] + values[..., 1::2]) * 0.5
    return (values[:, :, 0::2] + values[:, :, 1::2]) * 0.5 if step_y == 2 else values


def _double(values: torch.Tensor, axis: int) -> torch.Tensor:
    """Twice as many samples along an axis, each pair averaging to the sample it came from.

    Linear interpolation gives a pair whose mean is a little smoothed; with that difference added to
    both, what is left is an eighth of the neighbours' difference either way.
    """
    count = values.shape[axis]
    before = torch.cat([values.narrow(axis, 0, 1), values.narrow(axis, 0, count - 1)], dim=axis)
    after = torch.cat([values.narrow(axis, 1, count - 1), values.narrow(axis, count - 1, 1)], dim=axis)
    slope = (after - before) * 0.125
    return torch.stack([values - slope, values + slope], dim=axis + 1).flatten(axis, axis + 1)


def _add(plane: Plane, change: FloatArray, origin: npt.NDArray[np.int64], maximum: int) -> None:
    """Adds (N, h, w) code values to the part of the plane that the windows cover."""
    _, plane_height, plane_width = plane.shape
    height, width = change.shape[1:]
    for row, (x, y) in enumerate(origin.tolist()):
        top, left = max(0, -y), max(0, -x)
        bottom, right = min(height, plane_height - y), min(width, plane_width - x)
        if bottom <= top or right <= left:
            continue
        part = change[row, top:bottom, left:right]
        target = plane[row, y + top : y + bottom, x + left : x + right]
        total = np.rint(target + part)
        np.clip(total, 0, maximum, out=total)
        target[...] = total.astype(plane.dtype)


def sample_rgb(frames: FrameBatch, row: int, to_frame: FloatArray, size_px: tuple[int, int]) -> FloatArray:
    """A resampled picture of any part of one frame, for detectors and previews.

    Each plane is resampled at its own resolution and only the result is turned into RGB, so that the
    cost follows the size asked for and not the size of the frame.

    Args:
        frames: the batch.
        row: row of the batch.
        to_frame: (2, 3) affine map from result pixels to frame pixels (continuous: pixel i covers [i, i+1)).
        size_px: (width, height) of the result.

    Returns:
        (h, w, 3) float32 RGB clipped to [0, 1], as the frames' view shows it; outside the frame the border is
        repeated.
    """
    if frames.pixel_aspect != 1:
        squeeze = frames.stored_size_px[0] / frames.size_px[0]
        to_frame = to_frame * np.array([[squeeze], [1.0]], np.float32)
    rgb = _sampled(frames, row, to_frame, size_px)
    return rgb if frames.view is None else np.clip(frames.view.shown(rgb), 0, 1)


def _sampled(frames: FrameBatch, row: int, to_frame: FloatArray, size_px: tuple[int, int]) -> FloatArray:
    """`sample_rgb` from stored pixels, in encoded colours."""
    layout = frames.layout
    scale = code_scale(layout, frames.color)
    shift = (0, 0) if layout.family != "yuv" else layout.chroma_shift
    luma = _resample(frames.planes[0][row], to_frame, (0, 0), size_px)
    first = (luma - scale.luma_offset) / scale.luma_scale
    if layout.family == "gray":
        return np.clip(np.repeat(first[:, :, None], 3, axis=2), 0, 1)
    others = [_resample(plane[row], to_frame, shift, size_px) for plane in frames.planes[1:3]]
    if layout.family == "rgb":
        blue, red = ((plane - scale.luma_offset) / scale.luma_scale for plane in others)
        return np.clip(np.stack([red, first, blue], axis=2), 0, 1)
    chroma = [(plane - scale.chroma_offset) / scale.chroma_scale for plane in others]
    matrix = rgb_from_yuv_matrix(frames.color, frames.size_px[1])
    rgb = cv2.transform(np.stack([first, *chroma], axis=2), matrix)
    return np.asarray(np.clip(rgb, 0, 1), np.float32)


def _resample(
    plane: Plane,
    to_frame: FloatArray,
    shift: tuple[int, int],
    size_px: tuple[int, int],
) -> FloatArray:
    """One plane through the map, averaged first where the map shrinks by two or more."""
    matrix = to_frame.astype(np.float64) / np.array([[1 << shift[0]], [1 << shift[1]]])
    shrink = int(np.sqrt(abs(np.linalg.det(matrix[:, :2]))) + 1e-6)
    if shrink >= 2:
        height, width = plane.shape
        size = (-(-width // shrink), -(-height // shrink))
        matrix = matrix * np.array([[size[0] / width], [size[1] / height]])
        plane = cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(plane.dtype)
    # OpenCV counts from pixel centres: centre of result pixel i is i + 0.5 here
    matrix[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(plane, matrix, size_px, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return out.astype(np.float32)


def full_rgb(frames: FrameBatch, row: int) -> npt.NDArray[np.uint8]:
    """One whole frame as (H, W, 3) uint8 RGB, for stills and previews."""
    width, height = frames.size_px
    even = ((width + 1) & ~1, (height + 1) & ~1)
    rgb = window_rgb(frames.take(slice(row, row + 1)), np.zeros((1, 2), np.int64), even)[0, :, :height, :width]
    return np.asarray((rgb.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(1, 2, 0).contiguous().numpy())
