"""The audio streams of a file: how many, what they hold, and from where their time counts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.opening import exact_ratio, open_media
from dpe_toolkit.media.probe import probe

__all__ = [
    "StreamInfo",
    "audio_stream",
    "audio_zero_s",
    "sound_stream",
    "sound_streams",
    "stream_channels",
    "stream_rate",
]

_USUAL_LAYOUTS = {
    "1 channels": "mono",
    "2 channels": "stereo",
    "3 channels": "2.1",
    "4 channels": "4.0",
    "5 channels": "5.0",
    "6 channels": "5.1",
    "7 channels": "6.1",
    "8 channels": "7.1",
}
"""What channels are taken for where a file only counts them."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What one audio stream of a file holds."""

    codec: str
    rate: int
    """Samples a second."""
    layout: str
    """Channels, as FFmpeg names them."""
    sample_format: str
    duration_s: Fraction = Fraction(0)
    """Seconds from the file's first frame, or from its own start where the file has none; 0 if not stated."""


def sound_streams(path: Path) -> tuple[StreamInfo, ...]:
    """The audio streams of a file, with or without an image.

    Raises:
        MediaError: the file cannot be opened.
    """
    try:
        found = path.stat()
    except OSError:
        return _streams(path, 0, 0)
    return _streams(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _streams(path: Path, size: int, modified_ns: int) -> tuple[StreamInfo, ...]:
    with open_media(path) as container:
        return tuple(
            StreamInfo(
                stream.codec_context.name,
                stream.rate,
                _USUAL_LAYOUTS.get(stream.layout.name, stream.layout.name),
                stream.format.name if stream.format else "fltp",
                (stream.duration or 0) * (exact_ratio(stream.time_base) or Fraction(0)),
            )
            for stream in container.streams.audio
            if stream.codec_context is not None
        )


def sound_stream(path: Path, number: int) -> StreamInfo:
    """What one audio stream of a file holds.

    Raises:
        MediaError: the file cannot be opened, or has no such stream.
    """
    found = sound_streams(path)
    if number >= len(found):
        raise _no_stream(path, number, len(found))
    return found[number]


def _no_stream(path: Path, number: int, count: int) -> MediaError:
    return MediaError(
        f"The file has {count} audio streams, number {number} is asked for",
        "a stream that exists",
        "choose another file",
        path=path,
    )


def audio_zero_s(path: Path, stream: AudioStream) -> Fraction:
    """Time in the file's own clock that counts as 0: its first frame, or the first sound where it has none."""
    try:
        return probe(path).start_s
    except MediaError:
        return (stream.start_time or 0) * (exact_ratio(stream.time_base) or Fraction(1))


def stream_channels(layout: str) -> int:
    """Channels of a layout named as FFmpeg does."""
    return av.AudioLayout(layout).nb_channels


def stream_rate(path: Path, number: int) -> int:
    """Samples a second of a file's audio stream.

    Raises:
        MediaError: as `read_samples`.
    """
    with open_media(path) as container:
        return audio_stream(container, path, number).rate


def audio_stream(container: InputContainer, path: Path, number: int) -> AudioStream:
    """The file's audio stream of a number, 0 being the first.

    Raises:
        MediaError: there is no such stream.
    """
    if number >= len(container.streams.audio):
        raise _no_stream(path, number, len(container.streams.audio))
    return container.streams.audio[number]
