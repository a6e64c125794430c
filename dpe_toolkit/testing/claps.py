"""Clips of claps: a white frame and a click at its very begin, by which picture and sound can be held together."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from dpe_toolkit.core.files import replaced
from dpe_toolkit.core.frames import ColorInfo, FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import AudioMix, AudioPart, OutputSettings, VideoReader, VideoWriter
from dpe_toolkit.media.sound.samples import read_samples
from dpe_toolkit.testing.pictures import LAYOUTS

__all__ = ["CLAP_RATE_HZ", "click_samples", "flash_frames", "write_claps"]

CLAP_RATE_HZ = 48000
_SIZE = (64, 32)
_BATCH = 64
_BLACK, _WHITE = 64, 940
_LOUD = 20000
_COLOR = ColorInfo(1, 1, 1, 1, 1)


def write_claps(path: Path, num_frames: int, *, rate: Fraction, every: int) -> Path:
    """A ProRes MOV with 16-bit sound that claps at frames 0, ``every``, 2 ``every``, ...

    Each click is one sample, the one nearest to the exact time at which its frame begins.
    """
    length_s = num_frames / rate
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "clicks.wav"
        samples = np.zeros(round(length_s * CLAP_RATE_HZ), np.int16)
        samples[[round(frame / rate * CLAP_RATE_HZ) for frame in range(0, num_frames, every)]] = _LOUD
        with replaced(sound) as part, wave.open(str(part), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(CLAP_RATE_HZ)
            file.writeframes(samples.tobytes())
        heard = AudioPart(sound, 0, Fraction(0), length_s, Fraction(0))
        with VideoWriter(
            path,
            OutputSettings(codec="prores"),
            width=_SIZE[0],
            height=_SIZE[1],
            rate=rate,
            layout=LAYOUTS["yuv422p10le"],
            color=_COLOR,
            audio=[AudioMix((heard,), length_s)],
        ) as writer:
            for span in Span(0, num_frames).split(_BATCH):
                writer.write(_pictures(span, every, rate))
    return path


def _pictures(span: Span, every: int, rate: Fraction) -> FrameBatch:
    frames = np.arange(span.start, span.stop, dtype=np.int64)
    luma = np.where(frames % every == 0, _WHITE, _BLACK).astype(np.uint16)
    width, height = _SIZE
    planes = (
        np.broadcast_to(luma[:, None, None], (len(span), height, width)).copy(),
        *(np.full((len(span), height, width // 2), 512, np.uint16) for _ in range(2)),
    )
    return FrameBatch(planes, LAYOUTS["yuv422p10le"], _COLOR, frames, frames.copy(), 1 / rate, rate)


def flash_frames(path: Path) -> list[int]:
    """Frames at which it becomes white; a white frame behind a white one is no flash of its own."""
    found: list[int] = []
    before = False
    with VideoReader(path) as reader:
        half = 1 << (reader.info.layout.depth - 1)
        for batch in reader.iterate(Span(0, reader.info.num_frames), _BATCH):
            for frame, plane in zip(batch.index.tolist(), batch.planes[0], strict=True):
                white = float(plane.mean()) > half
                if white and not before:
                    found.append(frame)
                before = white
    return found


def click_samples(path: Path, num_samples: int) -> list[int]:
    """Where the loudest sample of each click lies, counted from the first picture."""
    at, found = 0, list[int]()
    for block in _blocks(path, num_samples):
        for place in np.flatnonzero(np.abs(block) > 0.1).tolist():
            if found and at + place - found[-1] < CLAP_RATE_HZ // 100:
                continue
            near = np.abs(block[place : place + 8])
            found.append(at + place + int(near.argmax()))
        at += len(block)
    return found


def _blocks(path: Path, num_samples: int) -> Iterator[np.ndarray]:
    blocks = read_samples(path, 0, start_s=Fraction(0), num_samples=num_samples, rate=CLAP_RATE_HZ, layout="mono")
    yield from (block[0] for block in blocks)
