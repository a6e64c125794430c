"""The sound of an output put together by the sample: parts placed in time, faded, and added up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dpe_toolkit.media.sound.retime import SampleWindow, retimed
from dpe_toolkit.media.sound.samples import Samples, read_samples
from dpe_toolkit.media.sound.streams import stream_channels, stream_rate

__all__ = ["AudioMix", "AudioPart", "mixed_blocks", "whole_stream"]

_BLOCK = 16384


@dataclass(frozen=True, slots=True)
class AudioPart:
    """A stretch of one stream of a file, at its place in the output. Times are exact."""

    path: Path
    stream: int
    """0-based among the file's audio streams."""
    record_s: Fraction
    """Output time at which it begins."""
    duration_s: Fraction
    """Seconds of output."""
    start_s: Fraction
    """Time of the file, from its first frame, at ``record_s``."""
    speed: Fraction = Fraction(1)
    """Seconds of the file that pass in one of the output; below 0 backwards, never 0: what is frozen is silent."""
    fade: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))
    """Share of it at its begin and its end, in [0, 1]; the power follows in a straight line between, so that two parts
    whose shares add up to 1 keep their loudness."""

    @property
    def stop_s(self) -> Fraction:
        """Output time at which it ends."""
        return self.record_s + self.duration_s


@dataclass(frozen=True, slots=True)
class AudioMix:
    """One audio stream of an output: parts that may overlap, silence where there is none."""

    parts: tuple[AudioPart, ...]
    length_s: Fraction
    """Seconds of output."""
    name: str = ""
    """Title of the stream."""


def mixed_blocks(mix: AudioMix, rate: int, layout: str) -> Iterator[Samples]:
    """The sum of the parts, block by block, ``round(length_s * rate)`` samples in all.

    Each part begins at the sample nearest to its exact time and is read when it is reached, so that neither
    rounding nor memory adds up. Sums are not limited: what is above 1 is clipped by whoever stores it.

    Args:
        mix: what is heard.
        rate: samples a second.
        layout: channels, as FFmpeg names them.
    """
    total = round(mix.length_s * rate)
    waiting = sorted(mix.parts, key=lambda part: part.record_s)
    active: list[_Voice] = []
    for start in range(0, total, _BLOCK):
        stop = min(start + _BLOCK, total)
        while waiting and round(waiting[0].record_s * rate) < stop:
            active.append(_Voice(waiting.pop(0), rate, layout))
        block = np.zeros((stream_channels(layout), stop - start), np.float32)
        for voice in active:
            voice.add(block, start)
        active = [voice for voice in active if voice.stop > stop]
        yield block


class _Voice:
    """One part while it is heard."""

    def __init__(self, part: AudioPart, rate: int, layout: str) -> None:
        self.start, self.stop = round(part.record_s * rate), round(part.stop_s * rate)
        self._fade = (float(part.fade[0]), float(part.fade[1]))
        self._blocks = _read_part(part, self.stop - self.start, rate, layout)
        self._rest: Samples = np.zeros((stream_channels(layout), 0), np.float32)
        # A part that begins before the output is heard from the output's start on.
        self._next = self.start

    def add(self, block: Samples, at: int) -> None:
        """Adds what of the part falls into the block that begins at sample ``at``."""
        while self._next < at and self._next < self.stop:
            self._take(min(at, self.stop) - self._next)
        first, last = max(self.start, at), min(self.stop, at + block.shape[1])
        if first < last:
            samples = self._take(last - first)
            gains = self._gains(np.arange(first, last) - self.start)
            block[:, first - at : last - at] += samples if gains is None else samples * gains

    def _take(self, count: int) -> Samples:
        pieces = [self._rest]
        while sum(piece.shape[1] for piece in pieces) < count:
            pieces.append(next(self._blocks))
        whole = np.concatenate(pieces, axis=1)
        self._rest = whole[:, count:]
        self._next += count
        return whole[:, :count]

    def _gains(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32] | None:
        if self._fade == (1.0, 1.0):
            return None
        begin, end = self._fade
        shares = begin + (end - begin) * (places + 0.5) / max(1, self.stop - self.start)
        return np.asarray(np.sin(np.clip(shares, 0, 1) * (np.pi / 2)), np.float32)


def _read_part(part: AudioPart, num_samples: int, rate: int, layout: str) -> Iterator[Samples]:
    """The part's samples at the output's rate, bit for bit those of the file where nothing is to be changed."""
    if part.speed == 1:
        # Counted from the sample at which the part begins: parts that go on in the same file meet without a jump.
        first = round(part.record_s * rate) + round((part.start_s - part.record_s) * rate)
        yield from read_samples(
            part.path, part.stream, start_s=Fraction(first, rate), num_samples=num_samples, rate=rate, layout=layout
        )
        return
    own_rate = stream_rate(part.path, part.stream)
    window = SampleWindow(partial(_read_own, part, own_rate, layout), stream_channels(layout))
    # The first sample lies beside the part's exact begin, by less than half a sample.
    begin_s = part.start_s + (Fraction(round(part.record_s * rate), rate) - part.record_s) * part.speed
    yield from retimed(window, begin_s * own_rate, part.speed * own_rate / rate, num_samples)


def _read_own(part: AudioPart, own_rate: int, layout: str, start: int, num_samples: int) -> Iterator[Samples]:
    return read_samples(
        part.path,
        part.stream,
        start_s=Fraction(start, own_rate),
        num_samples=num_samples,
        rate=own_rate,
        layout=layout,
    )


def whole_stream(mix: AudioMix) -> AudioPart | None:
    """The part of a mix that is one stream of a file from its start on and nothing else, if it is that."""
    if len(mix.parts) != 1:
        return None
    (part,) = mix.parts
    plain = part.record_s == part.start_s == 0 and part.speed == 1 and set(part.fade) == {Fraction(1)}
    return part if plain and part.duration_s >= mix.length_s else None
