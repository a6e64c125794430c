"""What a media file holds, found out without decoding more than its first frame."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dpe_toolkit.core.errors import MediaError, OptionsError
from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.core.timing import parse_time
from dpe_toolkit.media.color import HdrInfo, container_color, read_color, read_hdr
from dpe_toolkit.media.index import FrameIndex, at_constant_rate, build_index, exact_rate
from dpe_toolkit.media.opening import exact_ratio, file_digest, open_media, video_stream
from dpe_toolkit.media.pixels import layout_of
from dpe_toolkit.media.rotation import display_rotation, rotated_color, rotated_layout
from dpe_toolkit.plans.media import MediaPlan

__all__ = ["MediaInfo", "indexed", "media_plan", "probe"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """One media file's frames and the facts that planning asks for."""

    path: Path
    width: int
    """Stored pixels of the upright image."""
    height: int
    num_frames: int
    """Frames that are really there, whatever the header says; of a variable rate, those at the constant one."""
    rate: Fraction
    """Frames a second; 25 for a still."""
    time_base: Fraction
    """Seconds in one tick of the frames' times."""
    start_s: Fraction
    """Time of the first frame in the file's own clock: the zero from which audio is placed."""
    start_frame: int
    """Frame number of the start timecode; 0 where there is none."""
    drop_frame: bool
    """The start timecode is counted in drop-frame."""
    layout: PixelLayout
    """Planes as the reader gives them, upright."""
    stored_layout: PixelLayout
    """Planes as they are stored."""
    color: ColorInfo
    codec: str
    audio_streams: int
    sample_aspect: Fraction
    """Width of a pixel over its height."""
    rotation_deg: int
    """Clockwise rotation of the stored image, which the reader applies: 0, 90, 180 or 270."""
    interlaced: bool
    hdr: HdrInfo | None = None
    """What HDR metadata says beside the colour tags."""
    variable_rate: bool
    """Frames last differently long; the reader shows them at a constant rate."""

    @property
    def duration_s(self) -> Fraction:
        """Seconds from the first frame's start to the last one's end."""
        return self.num_frames / self.rate


def probe(path: Path) -> MediaInfo:
    """What the file holds. Remembered for as long as its size and modification time stay.

    Raises:
        MediaError: the file cannot be opened, or has no picture that can be decoded.
    """
    return indexed(path)[0]


def indexed(path: Path) -> tuple[MediaInfo, FrameIndex]:
    """`probe`, with the index of the frames."""
    try:
        found = path.stat()
    except OSError:
        return _read(path, 0, 0)
    return _read(path, found.st_size, found.st_mtime_ns)


def media_plan(path: Path) -> MediaPlan:
    """The file as a plan names it, with its content digest.

    Raises:
        MediaError: as `probe`.
    """
    info = probe(path)
    return MediaPlan(
        path=path,
        digest=file_digest(path),
        width=info.width,
        height=info.height,
        num_frames=info.num_frames,
        rate=info.rate,
        start_frame=info.start_frame,
        pixel_format=info.layout.name,
        has_audio=info.audio_streams > 0,
    )


@lru_cache(maxsize=32)
def _read(path: Path, size: int, modified_ns: int) -> tuple[MediaInfo, FrameIndex]:
    with open_media(path) as container:
        index = build_index(container, video_stream(container, path), path)
    with open_media(path) as container:
        stream = video_stream(container, path)
        outer = container_color(stream)
        frame = _first_frame(container, stream, path)
        if stream.frames not in (0, len(index)):
            _log.warning("%s: the header promises %d frames, the file has %d", path, stream.frames, len(index))
        rate, variable = exact_rate(stream, index)
        if variable:
            index, rate = at_constant_rate(index, exact_ratio(stream.time_base) or 1 / rate)
        return _describe(path, container, stream, (frame, index, outer), rate), index


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> VideoFrame:
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            if frames:
                return frames[0]
    except (av.error.FFmpegError, MemoryError) as error:
        _log.debug("%s: %s", path, error)
    name = stream.codec_context.name
    raise MediaError(
        f"No frame of the {name} stream can be decoded",
        "a codec that this machine reads",
        "check the file, or convert it; 'dpe doctor' lists the codecs",
        path=path,
        frame=0,
    )


def _describe(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    seen: tuple[VideoFrame, FrameIndex, ColorInfo],
    rate: Fraction,
) -> MediaInfo:
    frame, index, outer = seen
    stored = layout_of(frame.format.name, path)
    size = (frame.width, frame.height)
    rotation = display_rotation(frame, path)
    layout = rotated_layout(stored, rotation, size, path)
    on_side = rotation % 180 != 0
    aspect = exact_ratio(stream.sample_aspect_ratio) or Fraction(1)
    time_base = exact_ratio(stream.time_base) or 1 / rate
    start_frame, drop_frame = _start_timecode(container, rate)
    return MediaInfo(
        path=path,
        width=size[int(on_side)],
        height=size[int(not on_side)],
        num_frames=index.num_shown,
        rate=rate,
        time_base=time_base,
        start_s=int(index.pts[0]) * time_base if index.timed else Fraction(0),
        start_frame=start_frame,
        drop_frame=drop_frame,
        layout=layout,
        stored_layout=stored,
        color=rotated_color(read_color(container, frame, stored, outer), rotation, stored),
        codec=stream.codec_context.name,
        audio_streams=sum(1 for audio in container.streams.audio if audio.codec_context is not None),
        sample_aspect=1 / aspect if on_side else aspect,
        rotation_deg=rotation,
        interlaced=bool(frame.interlaced_frame) or stream.codec_context.field_order > 1,
        hdr=read_hdr(frame),
        variable_rate=index.shown is not None,
    )


def _tags(container: InputContainer) -> Iterator[tuple[str, str]]:
    yield from container.metadata.items()
    for stream in container.streams:
        yield from stream.metadata.items()


def _start_timecode(container: InputContainer, rate: Fraction) -> tuple[int, bool]:
    """Frame number of the start timecode and whether it counts in drop-frame."""
    for key, value in _tags(container):
        if key.lower() == "timecode":
            try:
                return parse_time(value, rate), ";" in value
            except OptionsError as error:
                _log.warning("start timecode %r is ignored: %s", value, error)
    return 0, False
