"""Reading frames: exact at any order, and without seeking where the order is the film's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media.index import FrameIndex
from dpe_toolkit.media.opening import open_media, video_stream
from dpe_toolkit.media.pixels import copy_out, empty_planes
from dpe_toolkit.media.probe import MediaInfo, indexed
from dpe_toolkit.media.rotation import rotate_planes

__all__ = ["VideoReader"]

# Decoding on is cheaper than a seek up to about this many frames.
_SKIP_FRAMES = 24
# Frame threads hold one frame each, so more of them cost memory for little speed.
_MOST_THREADS = 4
_SEEK_ATTEMPTS = 3


class VideoReader:
    """Decoded frames of one file by index. Use it as a context manager, from one thread at a time.

    Memory does not depend on the clip's length, except for the 16 bytes a frame of its index.

    Args:
        path: media file; a still is a clip of one frame.
        threads: decoder threads; 0 = up to four, as many as there are cores.

    Raises:
        MediaError: the file cannot be opened or its frames not be decoded.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self._path = path
        self._threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self.info: MediaInfo
        """What the file holds."""
        self._index: FrameIndex
        self.info, self._index = indexed(path)
        self._container: InputContainer | None = None
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._waiting: tuple[int, VideoFrame] | None = None
        self._last: tuple[int, VideoFrame] | None = None
        self._next = len(self._index)
        self._reformatter = VideoReformatter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the decoder; a later `read` opens it again."""
        self._frames, self._waiting, self._next = iter(()), None, len(self._index)
        self._last = None
        if self._container is not None:
            self._container.close()
            self._container = None

    def read(self, span: Span) -> FrameBatch:
        """The frames of ``span``, in arrays that belong to the caller.

        Raises:
            MediaError: a frame outside the clip, or one that cannot be decoded; the frame is named.
        """
        info = self.info
        if span.start < 0 or span.stop > info.num_frames:
            raise MediaError(
                f"Frames {span.start}:{span.stop} are asked for",
                f"frames within 0:{info.num_frames}",
                "correct the range, or relink the clip to its full media",
                path=self._path,
                frame=span.start if span.start < 0 else span.stop - 1,
            )
        planes = empty_planes(info.stored_layout, len(span), *self._stored_size)
        for row, index in enumerate(self._index.stored(range(span.start, span.stop))):
            copy_out(self._planar(self._frame_at(index), index), planes, row)
        if info.rotation_deg:
            planes = rotate_planes(planes, info.rotation_deg)
        rows = np.arange(span.start, span.stop, dtype=np.int64)
        exact = self._index.timed and not info.variable_rate
        pts = self._index.pts[span.start : span.stop].copy() if exact else rows.copy()
        time_base = Fraction(info.time_base if exact else 1 / info.rate)
        return FrameBatch(planes, info.layout, info.color, rows, pts, time_base, info.rate, info.sample_aspect)

    @property
    def _stored_size(self) -> tuple[int, int]:
        upright = (self.info.width, self.info.height)
        return upright[::-1] if self.info.rotation_deg % 180 else upright

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        """The frames of ``span`` in batches of at most ``size``."""
        for part in span.split(size):
            yield self.read(part)

    def _planar(self, frame: VideoFrame, index: int) -> VideoFrame:
        info = self.info
        if (frame.width, frame.height) != self._stored_size:
            raise MediaError(
                f"The image changes to {frame.width}x{frame.height}",
                "{}x{} as at its start".format(*self._stored_size),
                "cut the file where its size changes, or convert it to one size",
                path=self._path,
                frame=index,
            )
        name = info.stored_layout.name
        if frame.format.name.replace("yuvj", "yuv") == name:
            return frame
        return self._reformatter.reformat(frame, format=name, interpolation=Interpolation.POINT, threads=1)

    def _frame_at(self, index: int) -> VideoFrame:
        if self._last is not None and self._last[0] == index:
            return self._last[1]  # Of a variable rate, a frame may be shown several times.
        if not self._reaches(index):
            self._seek(index)
        while True:
            found, frame = self._waiting or next(self._frames, (len(self._index), None))
            self._waiting = None
            if found == index and frame is not None:
                self._next = index + 1
                self._last = (index, frame)
                return frame
            if found > index:
                if frame is not None:
                    self._waiting = (found, frame)
                self._next = found
                raise MediaError(
                    "The frame cannot be decoded",
                    "an undamaged file",
                    "replace the file, or leave this frame out of the edit",
                    path=self._path,
                    frame=index,
                )

    def _reaches(self, index: int) -> bool:
        """True where decoding on gets to ``index`` at least as fast as a seek."""
        if self._container is None or index < self._next:
            return False
        if index < self._next + _SKIP_FRAMES or not self._index.timed:
            return True
        keys = self._index.keys
        key = keys[max(0, int(np.searchsorted(keys, index, side="right")) - 1)]
        return bool(key <= self._next)

    def _seek(self, index: int) -> None:
        """Puts the decoder at a frame from which ``index`` decodes right."""
        if self._index.timed and index >= _SKIP_FRAMES:
            container, stream = self._open()
            keys = self._index.keys[self._index.keys <= index]
            for key in keys[::-1][:_SEEK_ATTEMPTS]:
                if self._start_at(container, stream, int(key), index):
                    return
        self.close()
        container, stream = self._open()
        self._frames, self._next = self._decoded(stream, container.demux(stream), None), 0

    def _start_at(self, container: InputContainer, stream: VideoStream, key: int, index: int) -> bool:
        """False where nothing up to ``index`` shows: some formats seek only roughly, some films refresh slowly."""
        try:
            container.seek(int(self._index.pts[key]), stream=stream, backward=True)
        except av.error.FFmpegError:
            return False
        packets = iter(container.demux(stream))
        first = next((packet for packet in packets if packet.is_keyframe and packet.pts is not None), None)
        if first is None or first.pts is None or self._index.at(first.pts) > index:
            return False

        def onward() -> Iterator[Packet[VideoStream]]:
            yield first
            yield from packets

        self._frames, self._next = self._decoded(stream, onward(), first.pts), self._index.at(first.pts)
        # An image refreshed bit by bit (no true key frames) shows only once all of it has come.
        self._waiting = next(self._frames, None)
        return self._waiting is not None and self._waiting[0] <= index

    def _open(self) -> tuple[InputContainer, VideoStream]:
        if self._container is None:
            self._container = open_media(self._path)
            stream = video_stream(self._container, self._path)
            stream.codec_context.thread_count = self._threads
            stream.thread_type = "AUTO" if self._threads > 1 else "NONE"
        return self._container, video_stream(self._container, self._path)

    def _decoded(
        self, stream: VideoStream, packets: Iterator[Packet[VideoStream]], since: int | None
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Frames with their index. Those shown before ``since``, the key frame, refer to what was not decoded."""
        count = 0
        try:
            for packet in packets:
                try:
                    frames = stream.decode(packet)
                except av.error.InvalidDataError:
                    continue  # The frame that is missing is named when it is asked for.
                for frame in frames:
                    if not self._index.timed or frame.pts is None:
                        yield count, frame
                    elif since is None or frame.pts >= since:
                        yield self._index.at(frame.pts), frame
                    count += 1
        except av.error.FFmpegError:
            return
