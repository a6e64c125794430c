"""Reading sound by the sample: any stretch of a file's audio, at the rate and layout asked for."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.opening import exact_ratio, open_media
from dpe_toolkit.media.sound.streams import audio_stream, audio_zero_s, stream_channels

__all__ = ["Samples", "packed_frame", "read_samples", "silence"]

Samples = npt.NDArray[np.float32]
"""(channels, n) in [-1, 1]."""

PACKED = "flt"
_BLOCK = 16384
# Lossy codecs need what came before the first sample wanted; one second is ten times what any of them needs.
_PREROLL_S = Fraction(1)
# Rounded times wander by less than this many seconds; more is a real hole.
_JITTER_S = Fraction(1, 50)


def silence(channels: int, num_samples: int) -> Iterator[Samples]:
    """``num_samples`` of nothing, in blocks."""
    for start in range(0, num_samples, _BLOCK):
        yield np.zeros((channels, min(_BLOCK, num_samples - start)), np.float32)


def read_samples(
    path: Path, number: int, *, start_s: Fraction, num_samples: int, rate: int, layout: str
) -> Iterator[Samples]:
    """Exactly ``num_samples`` of audio stream ``number``, silent where the file has no sound.

    Args:
        path: media file.
        number: 0-based among the file's audio streams.
        start_s: seconds from the file's first frame.
        num_samples: at ``rate``.
        rate: samples a second to deliver.
        layout: channels to deliver, as FFmpeg names them.

    Raises:
        MediaError: the file cannot be opened, or has no such stream, or the sound cannot be decoded.
    """
    with open_media(path) as container:
        stream = audio_stream(container, path, number)
        own_rate = stream.rate
        wanted = -(-num_samples * own_rate // rate) + (own_rate if rate != own_rate else 0)
        found = _aligned(_decoded(container, stream, path, start_s), round(start_s * own_rate), wanted)
        resampler = AudioResampler(format=PACKED, layout=layout, rate=own_rate)
        blocks: Iterator[Samples] = (block for frame in found for block in _converted(resampler, frame, own_rate))
        if rate != own_rate:
            blocks = _resampled(blocks, layout, own_rate, rate)
        yield from _exactly(blocks, num_samples, stream_channels(layout))


def _decoded(
    container: InputContainer, stream: AudioStream, path: Path, start_s: Fraction
) -> Iterator[tuple[int, AudioFrame]]:
    """Frames with the position of their first sample, counted from the file's zero."""
    time_base = exact_ratio(stream.time_base) or Fraction(1, stream.rate)
    zero_s = audio_zero_s(path, stream)
    # Times coarser than a sample do not tell where one is: then samples are counted from the start.
    if start_s > 2 * _PREROLL_S and time_base * stream.rate <= 1:
        container.seek(int((zero_s + start_s - _PREROLL_S) / time_base), stream=stream)
    expected: int | None = None
    try:
        # A packet that a file's end cuts off is flagged corrupt; what is missing there becomes silence.
        whole = (packet for packet in container.demux(stream) if not packet.is_corrupt)
        for frame in (frame for packet in whole for frame in stream.decode(packet)):
            position = expected or 0
            if frame.pts is not None:
                position = round((frame.pts * time_base - zero_s) * stream.rate)
            if expected is not None and abs(position - expected) <= _JITTER_S * stream.rate:
                position = expected
            expected = position + frame.samples
            yield position, frame
    except av.error.FFmpegError as error:
        reason = error.strerror or str(error)
        raise MediaError(
            f"The sound cannot be decoded ({reason})", "undamaged audio", "replace the file's sound", path=path
        ) from error


def _aligned(
    frames: Iterator[tuple[int, AudioFrame]], start: int, num_samples: int
) -> Iterator[tuple[AudioFrame | None, int, int]]:
    """(frame, first, last sample of it) or (None, 0, n) for silence, that cover ``num_samples`` from ``start``."""
    cursor, stop = start, start + num_samples
    for position, frame in frames:
        if position > cursor:
            hole = min(position, stop) - cursor
            yield None, 0, hole
            cursor += hole
        first, last = max(0, cursor - position), min(frame.samples, stop - position)
        if last > first:
            yield frame, first, last
            cursor += last - first
        elif last > 0 or position < cursor:
            yield frame, 0, 0  # Keeps the converter fed in order; gives no samples.
        if cursor >= stop:
            return


def _converted(resampler: AudioResampler, piece: tuple[AudioFrame | None, int, int], rate: int) -> Iterator[Samples]:
    frame, first, last = piece
    if frame is None:
        yield from silence(resampler.layout.nb_channels, last)
    elif last > first:
        frame.pts = None
        whole = [_unpacked(found) for found in resampler.resample(frame)]
        yield np.concatenate(whole, axis=1, dtype=np.float32)[:, first:last]


def _resampled(blocks: Iterator[Samples], layout: str, own_rate: int, rate: int) -> Iterator[Samples]:
    resampler = AudioResampler(format=PACKED, layout=layout, rate=rate)
    for block in blocks:
        frame = packed_frame(block, layout)
        frame.sample_rate = own_rate
        for found in resampler.resample(frame):
            yield _unpacked(found)
    for found in resampler.resample(None):
        yield _unpacked(found)


def packed_frame(block: Samples, layout: str) -> AudioFrame:
    """A frame of (channels, n) samples.

    Packed, not planar: PyAV reads past its memory where a planar frame has more than eight channels.
    """
    packed = np.ascontiguousarray(block.T, np.float32).reshape(1, -1)
    return AudioFrame.from_ndarray(packed, format=PACKED, layout=layout)


def _unpacked(frame: AudioFrame) -> Samples:
    samples: Samples = frame.to_ndarray().astype(np.float32, copy=False)
    return samples.reshape(-1, frame.layout.nb_channels).T


def _exactly(blocks: Iterator[Samples], num_samples: int, channels: int) -> Iterator[Samples]:
    missing = num_samples
    for block in blocks:
        kept = block[:, :missing]
        missing -= kept.shape[1]
        yield kept
        if not missing:
            return
    yield from silence(channels, missing)
