"""Numbered pictures as one clip: PNG, TIFF, DPX, JPEG and EXR, each frame a file of its own.

A sequence is named like a file, ``plate.[1001-1100].exr``, as editing programs do; with ``x2`` behind the last
number every other one is meant.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from dpe_toolkit.media.digest import file_digest
from dpe_toolkit.media.layouts import empty_planes, layout_of
from dpe_toolkit.media.opening import media_fault, open_media, picture_stream
from dpe_toolkit.media.probe import MediaInfo, probe
from dpe_toolkit.media.reader import VideoReader
from dpe_toolkit.plans.media import MissingImages

__all__ = ["ImageSequence", "SequenceReader", "probe_sequence", "sequence_digest", "sequence_of"]

_NAME = re.compile(r"(.*)\[(\d+)-(\d*)(?:x(\d+))?\](\.[A-Za-z0-9]+)")
_FLOAT_SUFFIXES = (".exr",)
_RATE = Fraction(25)
_DEEP = {False: PixelLayout("gbrp16le", "rgb", 16), True: PixelLayout("gbrap16le", "rgb", 16, alpha=True)}
_ENCODED = ColorInfo(matrix=0, transfer=1, primaries=1, range=2)


@dataclass(frozen=True, slots=True)
class ImageSequence:
    """A run of numbered pictures."""

    path: Path
    """The folder and the name with its numbers in brackets; of a single picture, the file."""
    prefix: str
    first: int
    last: int
    step: int
    padding: int
    """Digits of a number, with zeros in front; 0 where the file has none."""
    suffix: str

    @property
    def num_frames(self) -> int:
        """Frames, those included whose pictures are not there."""
        return (self.last - self.first) // self.step + 1

    def image(self, frame: int) -> Path:
        """The file of a frame, 0 being the first."""
        if not self.padding:
            return self.path
        return self.path.with_name(f"{self.prefix}{self.first + frame * self.step:0{self.padding}d}{self.suffix}")

    def missing(self) -> frozenset[int]:
        """Frames whose pictures are not there."""
        return frozenset(frame for frame in range(self.num_frames) if not self.image(frame).is_file())


def sequence_of(path: Path) -> ImageSequence | None:
    """The sequence that a path means, None where it means a file that `VideoReader` reads.

    Where the last number is left out the sequence goes on for as long as there are files.

    Raises:
        MediaError: the numbers make no sequence.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        if path.suffix.lower() in _FLOAT_SUFFIXES:
            return ImageSequence(path, path.stem, 0, 0, 1, 0, path.suffix)
        return None
    first, step = int(match[2]), int(match[4] or 1)
    found = ImageSequence(path, match[1], first, first, max(1, step), len(match[2]), match[5])
    last = int(match[3]) if match[3] else _last_there(found)
    if last < first or not step:
        raise MediaError(
            f"Pictures {first} to {last} in steps of {step} make no sequence",
            "a last number that is not below the first",
            "correct the name or the reference",
            path=path,
        )
    return replace(found, last=last)


def _last_there(sequence: ImageSequence) -> int:
    frame = 0
    while sequence.image(frame + 1).is_file():
        frame += 1
    return sequence.first + frame * sequence.step


def probe_sequence(sequence: ImageSequence, rate: Fraction = _RATE) -> MediaInfo:
    """What the sequence holds, by the first picture that is there.

    Raises:
        MediaError: none is there, or it cannot be read.
    """
    there = next((frame for frame in range(sequence.num_frames) if sequence.image(frame).is_file()), None)
    if there is None:
        raise MediaError(
            "None of the pictures of the sequence exists",
            f"files from {sequence.image(0).name} on",
            "put them there, or relink the clip",
            path=sequence.path,
        )
    image = sequence.image(there)
    info = _probe_float(image) if image.suffix.lower() in _FLOAT_SUFFIXES else probe(image)
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


def sequence_digest(sequence: ImageSequence) -> str:
    """``sha256:`` over the digests of all pictures."""
    digest = hashlib.sha256()
    for frame in range(sequence.num_frames):
        image = sequence.image(frame)
        digest.update((file_digest(image) if image.is_file() else "missing").encode())
    return f"sha256:{digest.hexdigest()}"


class SequenceReader:
    """Frames of a sequence by index, as `VideoReader` gives those of a film.

    Args:
        sequence: the pictures.
        rate: frames a second.
        missing: what is given for a picture that is not there: an error, the one before it, or black.

    Raises:
        MediaError: no picture of the sequence can be read.
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
            MediaError: a frame outside the sequence, one whose picture is missing, unreadable or unlike the first.
        """
        info = self.info
        if span.start < 0 or span.stop > info.num_frames:
            raise MediaError(
                f"Frames {span.start}:{span.stop} are asked for",
                f"frames within 0:{info.num_frames}",
                "correct the range, or relink the clip to all of its pictures",
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
            "The picture is missing", "a file for every frame", "put it there, or relink the clip", path=image
        )

    def _read_image(self, image: Path, frame: int) -> Sequence[np.ndarray]:
        if image.suffix.lower() in _FLOAT_SUFFIXES:
            batch = _read_float(image)
        else:
            with VideoReader(image, threads=1) as reader:
                batch = reader.read(Span(0, 1))
        if batch.layout != self.info.layout or batch.stored_size_px != (self.info.width, self.info.height):
            seen, size = batch.stored_size_px, (self.info.width, self.info.height)
            raise MediaError(
                f"The picture is {seen[0]}x{seen[1]} {batch.layout.name}",
                f"{size[0]}x{size[1]} {self.info.layout.name} as the first of the sequence",
                "write all pictures of a sequence alike",
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
            return next(container.decode(picture_stream(container, image)))
        except (av.error.FFmpegError, StopIteration) as error:
            raise media_fault(error, image, "The picture cannot be decoded", "replace the file") from error


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
    """(H, W, channels) of a picture of floats. Halves are read as they lie: the library's conversion rounds them."""
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
    """One picture of linear light as 16-bit RGB under the curve of BT.709; light above 1 is white."""
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
