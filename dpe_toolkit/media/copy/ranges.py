"""Ranges of frames copied from a source as they are stored, packet by packet, between ranges that are encoded.

A range can be copied from a frame at which decoding can start to another such frame, where no packet on either side
refers across. In H.264 that is an IDR picture; in ProRes, DNxHR and FFV1 it is every frame.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av.error
import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media.copy.h264 import has_idr, nal_length_size, parameter_ids
from dpe_toolkit.media.opening import media_fault, open_media, video_stream
from dpe_toolkit.media.probe import indexed
from dpe_toolkit.media.settings import CodecName

__all__ = ["CopiedRange", "CopySource", "copy_source", "range_packets"]

_H264 = "h264"
_STORED: dict[CodecName, tuple[str, str]] = {
    "h264": (_H264, ""),
    "prores": ("prores", "apch"),
    "prores4444": ("prores", "ap4h"),
    "dnxhr_hq": ("dnxhd", "DNXHR HQ"),
    "dnxhr_hqx": ("dnxhd", "DNXHR HQX"),
    "ffv1": ("ffv1", ""),
}
"""Codecs of which ranges can be copied: the decoder's name, and the tag or profile that a source must have."""


@dataclass(frozen=True, slots=True)
class CopiedRange:
    """Frames to be copied from a file as they are stored."""

    path: Path
    span: Span


@dataclass(frozen=True, slots=True)
class CopySource:
    """A file whose frames can be copied."""

    path: Path
    extradata: bytes
    """What the decoder needs before the first packet; sources of one output have it in common."""
    boundaries: npt.NDArray[np.int64]
    """Frames between which ranges can be copied, rising; the last is the number of frames."""
    reorder: int
    """By how many frames packets are stored before their order on screen."""

    def inside(self, span: Span) -> Span | None:
        """The largest part of ``span`` that can be copied, None where there is none."""
        within = self.boundaries[(self.boundaries >= span.start) & (self.boundaries <= span.stop)]
        if len(within) < 2:
            return None
        return Span(int(within[0]), int(within[-1]))

    def split(self, span: Span, size: int) -> tuple[Span, ...]:
        """A span that can be copied, in parts that can be, each of ``size`` frames or little more."""
        parts: list[Span] = []
        begin = span.start
        for mark in self.boundaries[(self.boundaries > span.start) & (self.boundaries <= span.stop)].tolist():
            if mark - begin >= size or mark == span.stop:
                parts.append(Span(begin, mark))
                begin = mark
        return tuple(parts)


def copy_source(path: Path, codec: CodecName) -> CopySource | None:
    """What of a file can be copied into an output of ``codec``, None where nothing can.

    Size, pixel format and tags are for the caller to compare; here the codec, its profile and the way in which
    packets are stored count. Remembered for as long as the file's size and modification time stay.

    Raises:
        MediaError: the file cannot be read.
    """
    found = path.stat()
    return _copy_source(path, codec, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=32)
def _copy_source(path: Path, codec: CodecName, size: int, modified_ns: int) -> CopySource | None:
    info, index = indexed(path)
    if codec not in _STORED or not index.timed or info.variable_rate or info.rotation_deg:
        return None
    name, mark = _STORED[codec]
    with open_media(path) as container:
        stream = video_stream(container, path)
        context = stream.codec_context
        extradata = bytes(context.extradata or b"")
        marked = not mark or mark in (context.codec_tag, context.profile)
        if context.name != name or not marked or (name == _H264 and nal_length_size(extradata) != 4):
            return None
        if name == _H264 and len(parameter_ids(extradata)) != 1:
            return None
        frames, starts = _stored_order(container.demux(stream), index.at, is_h264=name == _H264)
    if len(frames) != len(index):
        return None
    return CopySource(path, extradata, _boundaries(frames, starts), _reorder(frames))


def _stored_order(
    packets: Iterator[Packet[VideoStream]], frame_at: object, *, is_h264: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The frame of each packet as they are stored, and whether decoding can start there."""
    assert callable(frame_at)
    frames, starts = array("q"), array("b")
    for packet in packets:
        if packet.size == 0 or packet.is_discard or packet.pts is None:
            continue
        frames.append(frame_at(packet.pts))
        starts.append(packet.is_keyframe and (not is_h264 or has_idr(bytes(packet))))
    return np.frombuffer(frames, np.int64).copy(), np.frombuffer(starts, np.int8).astype(np.bool_)


def _boundaries(frames: npt.NDArray[np.int64], starts: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Packets before which all earlier frames, and no later ones, are stored."""
    if not len(frames):
        return np.zeros(0, np.int64)
    places = np.arange(len(frames))
    seen = np.maximum.accumulate(frames)
    complete = np.concatenate([[True], seen[:-1] == places[1:] - 1])
    whole = places[starts & complete & (frames == places)]
    last = [len(frames)] if seen[-1] == len(frames) - 1 else []
    return np.concatenate([whole, np.array(last, np.int64)]).astype(np.int64)


def _reorder(frames: npt.NDArray[np.int64]) -> int:
    return int((np.arange(len(frames)) - frames).max(initial=0)) if len(frames) else 0


def range_packets(copied: CopiedRange) -> Iterator[tuple[int, Packet[VideoStream]]]:
    """The packets of a range as they are stored, each with its frame counted from the range's first.

    Raises:
        MediaError: the file does not hold what it held before.
    """
    _, index = indexed(copied.path)
    left = len(copied.span)
    with open_media(copied.path) as container:
        stream = video_stream(container, copied.path)
        try:
            if copied.span.start:
                container.seek(int(index.pts[copied.span.start]), stream=stream, backward=True)
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard or packet.pts is None:
                    continue
                frame = index.at(packet.pts)
                if frame not in copied.span:
                    continue
                yield frame - copied.span.start, packet
                left -= 1
                if not left:
                    return
        except av.error.FFmpegError as error:
            raise media_fault(
                error, copied.path, "The frames cannot be copied", "render without pass-through"
            ) from error
    raise MediaError(
        f"{left} of the frames {copied.span.start}:{copied.span.stop} are not stored where they should be",
        "an undamaged file",
        "render without pass-through",
        path=copied.path,
    )
