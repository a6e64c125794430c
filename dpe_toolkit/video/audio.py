"""The sound of an output: copied as it is where nothing was cut, else put together by the sample."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from dpe_toolkit.errors import MediaError
from dpe_toolkit.video.opening import media_fault, open_media
from dpe_toolkit.video.probe import probe
from dpe_toolkit.video.samples import Samples, audio_zero_s, read_samples, silence, stream_channels
from dpe_toolkit.video.settings import CodecName

__all__ = ["AudioSegment", "AudioTrack", "audio_tracks"]

_MP4 = frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "libopus"})
_PCM = frozenset({"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le"})
_COPIED = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": (_MP4 - {"opus", "libopus"}) | _PCM,
    ".mkv": _MP4 | {"flac", "vorbis", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"},
}
_AAC_BITS_A_CHANNEL = 128_000
_SHORT_FORMATS = frozenset({"u8", "u8p", "s16", "s16p"})


@dataclass(frozen=True, slots=True)
class AudioSegment:
    """A stretch of the output's sound. Segments follow each other without a hole."""

    path: Path | None
    """Media file, or None for silence. A file without sound is silent."""
    start_s: Fraction
    """Seconds from the file's first picture."""
    duration_s: Fraction
    """Seconds."""


class AudioTrack(Protocol):
    """One audio stream of an output, written along with the picture so that nothing piles up."""

    def advance(self, until_s: Fraction) -> Iterator[Packet[AudioStream]]:
        """The packets up to ``until_s`` seconds of output that were not given yet."""
        ...

    def finish(self) -> Iterator[Packet[AudioStream]]:
        """All that is left."""
        ...

    def close(self) -> None:
        """Closes the files read from."""
        ...


@dataclass(frozen=True, slots=True)
class _Sound:
    """What one audio stream of a file holds."""

    codec: str
    rate: int
    layout: str
    sample_format: str


def audio_tracks(
    container: OutputContainer, path: Path, codec: CodecName, segments: Sequence[AudioSegment]
) -> list[AudioTrack]:
    """Adds the output's audio streams: as many as the segment with the most has.

    One segment that covers a file from its start to its end is copied packet by packet, where the
    container takes its codec. All else is decoded, cut by the sample and encoded: AAC into MP4 and H.264
    MOV, PCM into ProRes MOV, FLAC into Matroska.

    Raises:
        MediaError: a file that cannot be opened.
    """
    sounds = {segment.path: _sounds(segment.path) for segment in segments if segment.path is not None}
    suffix = path.suffix.lower()
    tracks: list[AudioTrack] = []
    for number in range(max((len(found) for found in sounds.values()), default=0)):
        whole = _whole_file(segments)
        if whole is not None and sounds[whole][number].codec in _COPIED[suffix]:
            tracks.append(_CopiedTrack(container, whole, number))
            continue
        parts = [(segment, _has(sounds, segment, number)) for segment in segments]
        heard = [found[number] for found in sounds.values() if number < len(found)]
        tracks.append(_EncodedTrack(container, parts, number, _output_sound(suffix, codec, heard)))
    return tracks


def _has(sounds: dict[Path, list[_Sound]], segment: AudioSegment, number: int) -> bool:
    return segment.path is not None and number < len(sounds[segment.path])


def _sounds(path: Path) -> list[_Sound]:
    with open_media(path) as container:
        return [
            _Sound(s.codec_context.name, s.rate, s.layout.name, s.format.name if s.format else "fltp")
            for s in container.streams.audio
        ]


def _whole_file(segments: Sequence[AudioSegment]) -> Path | None:
    """The file that the segments play from its start to its end, if they do just that."""
    if len(segments) != 1 or segments[0].path is None or segments[0].start_s != 0:
        return None
    try:
        duration_s = probe(segments[0].path).duration_s
    except MediaError:
        # Sound alone: no picture says where the copy would have to end.
        return None
    return segments[0].path if segments[0].duration_s >= duration_s else None


def _output_sound(suffix: str, codec: CodecName, heard: Sequence[_Sound]) -> _Sound:
    """The richest of what is heard, in the codec of the container."""
    rate = max(sound.rate for sound in heard)
    layout = max((sound.layout for sound in heard), key=stream_channels)
    short = all(sound.sample_format in _SHORT_FORMATS for sound in heard)
    if suffix == ".mkv":
        return _Sound("flac", rate, layout, "s16" if short else "s32")
    if suffix == ".mov" and codec == "prores":
        return _Sound("pcm_s16le" if short else "pcm_s24le", rate, layout, "s16" if short else "s32")
    return _Sound("aac", rate, layout, "fltp")


class _CopiedTrack:
    """Packets of one stream, untouched but for their zero."""

    def __init__(self, container: OutputContainer, path: Path, number: int) -> None:
        self._path = path
        self._source = open_media(path)
        stream = self._source.streams.audio[number]
        self._time_base = stream.time_base or Fraction(1, stream.rate)
        self._zero = round(audio_zero_s(path, stream) / self._time_base)
        self._packets = iter(self._source.demux(stream))
        self._ahead: Packet[AudioStream] | None = None
        self._stream = container.add_stream_from_template(stream)

    def advance(self, until_s: Fraction) -> Iterator[Packet[AudioStream]]:
        """See `AudioTrack`."""
        limit = until_s / self._time_base
        while (packet := self._pull()) is not None:
            if packet.dts is not None and packet.dts >= limit:
                self._ahead = packet
                return
            yield packet

    def _pull(self) -> Packet[AudioStream] | None:
        if self._ahead is not None:
            packet, self._ahead = self._ahead, None
            return packet
        try:
            for packet in self._packets:
                if packet.dts is None or packet.size == 0:
                    continue
                packet.stream = self._stream
                packet.dts -= self._zero
                packet.pts = packet.dts if packet.pts is None else packet.pts - self._zero
                return packet
        except av.error.FFmpegError as error:
            raise media_fault(error, self._path, "The sound cannot be read to its end", "replace the file") from error
        return None

    def finish(self) -> Iterator[Packet[AudioStream]]:
        """See `AudioTrack`."""
        while (packet := self._pull()) is not None:
            yield packet

    def close(self) -> None:
        """See `AudioTrack`."""
        self._source.close()


class _EncodedTrack:
    """Segments decoded, cut by the sample, joined and encoded."""

    def __init__(
        self, container: OutputContainer, parts: Sequence[tuple[AudioSegment, bool]], number: int, sound: _Sound
    ) -> None:
        stream = container.add_stream(sound.codec, rate=sound.rate)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = sound.layout
        stream.codec_context.format = sound.sample_format
        if sound.codec == "aac":
            stream.codec_context.bit_rate = _AAC_BITS_A_CHANNEL * stream_channels(sound.layout)
        self._stream, self._sound = stream, sound
        self._blocks = _joined(parts, number, sound)
        self._count = 0

    def advance(self, until_s: Fraction) -> Iterator[Packet[AudioStream]]:
        """See `AudioTrack`."""
        limit = until_s * self._sound.rate
        while self._count < limit and (block := next(self._blocks, None)) is not None:
            yield from self._encode(block)

    def finish(self) -> Iterator[Packet[AudioStream]]:
        """See `AudioTrack`."""
        for block in self._blocks:
            yield from self._encode(block)
        yield from self._stream.encode(None)

    def close(self) -> None:
        """See `AudioTrack`."""
        self._blocks.close()

    def _encode(self, block: Samples) -> list[Packet[AudioStream]]:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=self._sound.layout)
        frame.sample_rate = self._sound.rate
        frame.pts, frame.time_base = self._count, Fraction(1, self._sound.rate)
        self._count += block.shape[1]
        return self._stream.encode(frame)


def _joined(parts: Sequence[tuple[AudioSegment, bool]], number: int, sound: _Sound) -> Generator[Samples, None, None]:
    """The segments' samples one after the other. Joints are rounded from exact times, so that nothing drifts."""
    elapsed = Fraction(0)
    for segment, heard in parts:
        start = round(elapsed * sound.rate)
        elapsed += segment.duration_s
        num_samples = round(elapsed * sound.rate) - start
        if not heard or segment.path is None:
            yield from silence(stream_channels(sound.layout), num_samples)
            continue
        blocks = read_samples(
            segment.path,
            number,
            start_s=segment.start_s,
            num_samples=num_samples,
            rate=sound.rate,
            layout=sound.layout,
        )
        yield from (block for block in blocks if block.shape[1])
