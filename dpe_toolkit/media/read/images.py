"""Reading the frames of an image sequence, those of linear light in floats under the curve of BT.709."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av.error
import numpy as np
from av.video.frame import VideoFrame

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media.opening import media_fault, open_media, video_stream
from dpe_toolkit.media.pixels import empty_planes, layout_of
from dpe_toolkit.media.probe import MediaInfo, probe
from dpe_toolkit.media.read.sequence import FLOAT_SUFFIXES, ImageSequence
from dpe_toolkit.media.read.video import VideoReader
from dpe_toolkit.plans.media import MissingImages

__all__ = ["SequenceReader", "probe_sequence"]

_RATE = Fraction(25)
_DEEP = {False: PixelLayout("gbrp16le", "rgb", 16), True: PixelLayout("gbrap16le", "rgb", 16, alpha=True)}
_ENCODED = ColorInfo(matrix=0, transfer=1, primaries=1, range=2)


def probe_sequence(sequence: ImageSequence, rate: Fraction = _RATE) -> MediaInfo:
    """What the sequence holds, by the first frame that is there.

    Raises:
        MediaError: none is there, or it cannot be read.
    """
    there = next((frame for frame in range(sequence.num_frames) if sequence.image(frame).is_file()), None)
    if there is None:
        raise MediaError(
            "None of the images of the sequence exists",
            f"files from {sequence.image(0).name} on",
            "put them there, or relink the clip",
            path=sequence.path,
        )
    image = sequence.image(there)
    info = _probe_float(image) if image.suffix.lower() in FLOAT_SUFFIXES else probe(image)
    return replace(
        info,
        path=sequence.path,
        num_frames=sequence.num_frames,
        rate=rate,
        time_base=1 / rate,
        start_s=Fraction(0),
        start_frame=sequence.first if sequence.padding else 0,
        audio_streams=0,
        variable_rate=False,
    )


class SequenceReader:
    """Frames of a sequence by index, as `VideoReader` gives those of a film.

    Args:
        sequence: the images.
        rate: frames a second.
        missing: what is given for an image that is not there: an error, the one before it, or black.

    Raises:
        MediaError: no image of the sequence can be read.
    """

    def __init__(self, sequence: ImageSequence, *, rate: Fraction = _RATE, missing: MissingImages = "error") -> None:
        self._sequence = sequence
        self._missing = missing
        self.info = probe_sequence(sequence, rate)
        """What the sequence holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def read(self, span: Span) -> FrameBatch:
        """The frames of ``span``.

        Raises:
            MediaError: a frame outside the sequence, one whose image is missing, unreadable or unlike the first.
        """
        info = self.info
        if span.start < 0 or span.stop > info.num_frames:
            raise MediaError(
                f"Frames {span.start}:{span.stop} are asked for",
                f"frames within 0:{info.num_frames}",
                "correct the range, or relink the clip to all of its images",
                path=self._sequence.path,
            )
        planes = empty_planes(info.layout, len(span), info.width, info.height)
        for row, frame in enumerate(span):
            for plane, values in zip(planes, self._planes(frame), strict=True):
                plane[row] = values
        index = np.arange(span.start, span.stop, dtype=np.int64)
        return FrameBatch(planes, info.layout, info.color, index, index.copy(), info.time_base, info.rate)

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        """The frames of ``span`` in batches of at most ``size``."""
        for part in span.split(size):
            yield self.read(part)

    def _planes(self, frame: int) -> Sequence[np.ndarray]:
        image = self._sequence.image(frame)
        if image.is_file():
            return self._read_image(image, frame)
        if self._missing == "black":
            return _black(self.info)
        if self._missing == "hold":
            held = next((other for other in range(frame - 1, -1, -1) if self._sequence.image(other).is_file()), None)
            held = held if held is not None else min(set(range(self.info.num_frames)) - self._sequence.missing())
            return self._read_image(self._sequence.image(held), held)
        raise MediaError(
            "The image is missing", "a file for every frame", "put it there, or relink the clip", path=image
        )

    def _read_image(self, image: Path, frame: int) -> Sequence[np.ndarray]:
        if image.suffix.lower() in FLOAT_SUFFIXES:
            batch = _read_float(image)
        else:
            with VideoReader(image, threads=1) as reader:
                batch = reader.read(Span(0, 1))
        if batch.layout != self.info.layout or batch.stored_size_px != (self.info.width, self.info.height):
            seen, size = batch.stored_size_px, (self.info.width, self.info.height)
            raise MediaError(
                f"The image is {seen[0]}x{seen[1]} {batch.layout.name}",
                f"{size[0]}x{size[1]} {self.info.layout.name} as the first of the sequence",
                "write all images of a sequence alike",
                path=image,
                frame=frame,
            )
        return [plane[0] for plane in batch.planes]


def _black(info: MediaInfo) -> Sequence[np.ndarray]:
    planes = empty_planes(info.layout, 1, info.width, info.height)
    middle = 1 << (info.layout.depth - 1)
    limited = info.color.range == 1 or (info.color.range == 0 and info.layout.family == "yuv")
    floor = 16 << (info.layout.depth - 8) if limited else 0
    for position, plane in enumerate(planes):
        plane[:] = middle if info.layout.family == "yuv" and position in (1, 2) else floor
    if info.layout.alpha:
        planes[-1][:] = (1 << info.layout.depth) - 1
    return [plane[0] for plane in planes]


def _decoded(image: Path) -> VideoFrame:
    with open_media(image) as container:
        try:
            return next(container.decode(video_stream(container, image)))
        except (av.error.FFmpegError, StopIteration) as error:
            raise media_fault(error, image, "The image cannot be decoded", "replace the file") from error


def _probe_float(image: Path) -> MediaInfo:
    batch = _read_float(image)
    width, height = batch.stored_size_px
    return MediaInfo(
        path=image,
        width=width,
        height=height,
        num_frames=1,
        rate=_RATE,
        time_base=1 / _RATE,
        start_s=Fraction(0),
        start_frame=0,
        drop_frame=False,
        layout=batch.layout,
        stored_layout=batch.layout,
        color=_ENCODED,
        codec="exr",
        audio_streams=0,
        sample_aspect=Fraction(1),
        rotation_deg=0,
        interlaced=False,
        variable_rate=False,
    )


def _float_pixels(frame: VideoFrame, image: Path) -> np.ndarray:
    """(H, W, channels) of an image of floats. Halves are read as they lie: the library's conversion rounds them."""
    name = frame.format.name
    if name.endswith("f32le"):
        return np.atleast_3d(frame.to_ndarray())
    if name not in ("gbrpf16le", "gbrapf16le", "grayf16le"):
        layout_of(name, image)
    rows = [np.frombuffer(memoryview(plane), np.float16).reshape(frame.height, -1) for plane in frame.planes]
    planes = [row[:, : frame.width].astype(np.float32) for row in rows]
    order = [0] if len(planes) == 1 else [2, 0, 1, 3][: len(planes)]
    return np.stack([planes[index] for index in order], axis=-1)


def _read_float(image: Path) -> FrameBatch:
    """One image of linear light as 16-bit RGB under the curve of BT.709; light above 1 is white."""
    frame = _decoded(image)
    linear = _float_pixels(frame, image)
    if linear.shape[2] == 1:
        linear = np.repeat(linear, 3, axis=2)
    light = np.clip(np.nan_to_num(linear[..., :3].astype(np.float32)), 0, 1)
    # ITU-R BT.709-6, item 1.2.
    signal = np.where(light < 0.018, 4.5 * light, 1.099 * np.power(light, 0.45) - 0.099)
    channels = [signal[..., 1], signal[..., 2], signal[..., 0]]
    has_alpha = linear.shape[2] == 4
    if has_alpha:
        channels.append(np.clip(np.nan_to_num(linear[..., 3]), 0, 1))
    planes = tuple(np.rint(channel * 65535).astype(np.uint16)[None] for channel in channels)
    index = np.zeros(1, np.int64)
    return FrameBatch(planes, _DEEP[has_alpha], _ENCODED, index, index.copy(), 1 / _RATE, _RATE)
