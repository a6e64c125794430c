"""The audio streams of an output: copied as they are where nothing was cut, else mixed by the sample and encoded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av.error
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.opening import exact_ratio, media_fault, open_media
from dpe_toolkit.media.probe import probe
from dpe_toolkit.media.settings import CodecName
from dpe_toolkit.media.sound.mix import AudioMix, mixed_blocks, whole_stream
from dpe_toolkit.media.sound.samples import Samples, packed_frame
from dpe_toolkit.media.sound.streams import StreamInfo, audio_zero_s, sound_stream, stream_channels
from dpe_toolkit.media.write.containers import Container

__all__ = ["AudioTrack", "audio_tracks"]

_log = logging.getLogger(__name__)

_AAC_BITS_A_CHANNEL = 128_000
_FASTEST_AAC_HZ = 96_000
_MOST_CHANNELS = 8
"""Of FLAC and AAC."""
_SHORT_FORMATS = frozenset({"u8", "u8p", "s16", "s16p"})

NewContainer = Callable[[int], OutputContainer]
"""The container that the output's n-th audio stream goes into."""


class AudioTrack(Protocol):
    """One audio stream of an output, written along with its frames so that nothing piles up."""

    @property
    def container(self) -> OutputContainer:
        """Where its packets go."""
        ...

    def advance(self, until_s: Fraction) -> Iterator[Packet[AudioStream]]:
        """The packets up to ``until_s`` seconds of output that were not given yet."""
        ...

    def finish(self) -> Iterator[Packet[AudioStream]]:
        """All that is left."""
        ...

    def close(self) -> None:
        """Closes the files read from."""
        ...


def audio_tracks(
    open_for: NewContainer, kind: Container, codec: CodecName, mixes: Sequence[AudioMix]
) -> list[AudioTrack]:
    """Adds the output's audio streams, one for each mix.

    A mix that is one stream of a file from its start to its end is copied packet by packet, where the
    container takes its codec. All else is decoded, cut by the sample, mixed and encoded, at the rate and with
    the channels of its richest part: AAC into MP4 and H.264 or H.265 MOV, PCM into the MOV of other codecs and
    into WAV, FLAC into Matroska.

    Args:
        open_for: where each stream goes.
        kind: of the files they go into.
        codec: of the video stream.
        mixes: what is heard.

    Raises:
        MediaError: a file that cannot be opened, or that lacks the stream asked for.
    """
    tracks: list[AudioTrack] = []
    for number, mix in enumerate(mixes):
        heard = [sound_stream(part.path, part.stream) for part in mix.parts]
        container = open_for(number)
        whole = whole_stream(mix)
        if whole is not None and heard[0].codec in kind.copied_sound and _plays_whole(whole.path, mix.length_s):
            tracks.append(_CopiedTrack(container, whole.path, whole.stream, mix.name))
        elif heard:
            tracks.append(_EncodedTrack(container, mix, _output_sound(kind, codec, heard)))
    return tracks


def _plays_whole(path: Path, length_s: Fraction) -> bool:
    """Whether the output lasts as long as the file's film, which says where a copy ends."""
    try:
        return length_s >= probe(path).duration_s
    except MediaError:
        return False


def _output_sound(kind: Container, codec: CodecName, heard: Sequence[StreamInfo]) -> StreamInfo:
    """The richest of what is heard, in the codec of the container."""
    rate = max(sound.rate for sound in heard)
    layout = max((sound.layout for sound in heard), key=stream_channels)
    short = all(sound.sample_format in _SHORT_FORMATS for sound in heard)
    too_many = kind.holds_pcm and stream_channels(layout) > _MOST_CHANNELS
    if kind.sound == "pcm" or codec in kind.pcm_beside or too_many:
        return StreamInfo("pcm_s16le" if short else "pcm_s24le", rate, layout, "s16" if short else "s32")
    if kind.sound == "flac":
        return StreamInfo("flac", rate, layout, "s16" if short else "s32")
    if rate > _FASTEST_AAC_HZ:
        _log.warning("AAC holds no %d samples a second; the sound is written at %d", rate, _FASTEST_AAC_HZ)
    return StreamInfo("aac", min(rate, _FASTEST_AAC_HZ), layout, "fltp")


class _CopiedTrack:
    """Packets of one stream, untouched but for their zero."""

    def __init__(self, container: OutputContainer, path: Path, number: int, name: str) -> None:
        self.container = container
        self._path = path
        self._source = open_media(path)
        stream = self._source.streams.audio[number]
        self._time_base = exact_ratio(stream.time_base) or Fraction(1, stream.rate)
        self._zero = round(audio_zero_s(path, stream) / self._time_base)
        self._packets = iter(self._source.demux(stream))
        self._held_back: Packet[AudioStream] | None = None
        self._stream = container.add_stream_from_template(stream)
        _name(self._stream, name)

    def advance(self, until_s: Fraction) -> Iterator[Packet[AudioStream]]:
        """See `AudioTrack`."""
        limit = until_s / self._time_base
        while (packet := self._pull()) is not None:
            if packet.dts is not None and packet.dts >= limit:
                self._held_back = packet
                return
            yield packet

    def _pull(self) -> Packet[AudioStream] | None:
        if self._held_back is not None:
            packet, self._held_back = self._held_back, None
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
    """A mix, encoded."""

    def __init__(self, container: OutputContainer, mix: AudioMix, sound: StreamInfo) -> None:
        self.container = container
        stream = container.add_stream(sound.codec, rate=sound.rate)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = sound.layout
        stream.codec_context.format = sound.sample_format
        if sound.codec == "aac":
            stream.codec_context.bit_rate = _AAC_BITS_A_CHANNEL * stream_channels(sound.layout)
        _name(stream, mix.name)
        self._stream, self._sound = stream, sound
        self._blocks = iter(mixed_blocks(mix, sound.rate, sound.layout))
        self._count = 0
        self._loudest = 0.0

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
        if self._loudest > 1:
            above_db = 20 * np.log10(self._loudest)
            _log.warning("the mix goes %.1f dB above full scale and was clipped there; lower its tracks", above_db)

    def close(self) -> None:
        """See `AudioTrack`."""
        self._blocks = iter(())

    def _encode(self, block: Samples) -> list[Packet[AudioStream]]:
        if block.size:
            self._loudest = max(self._loudest, float(np.abs(block).max()))
        frame = packed_frame(np.clip(block, -1, 1), self._sound.layout)
        frame.sample_rate = self._sound.rate
        frame.pts, frame.time_base = self._count, Fraction(1, self._sound.rate)
        self._count += block.shape[1]
        return self._stream.encode(frame)


def _name(stream: AudioStream, name: str) -> None:
    if name:
        stream.metadata["title"] = name
        stream.metadata["handler_name"] = name
