"""Synthetic clips: a drawn face over a textured wall, each frame with its own number in the picture."""

from __future__ import annotations

import math
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from dpe_toolkit.core.files import replaced
from dpe_toolkit.core.frames import FrameBatch, PixelLayout
from dpe_toolkit.media import AudioMix, AudioPart, OutputSettings, VideoWriter
from dpe_toolkit.testing.faces import DrawnFace, draw_face, performance
from dpe_toolkit.testing.pictures import LAYOUTS, REC709, RgbPicture, batch_from_rgb, burn_frame_number

__all__ = ["ClipSpec", "draw_picture", "make_clip", "write_tone"]

_BATCH = 8
_AUDIO_RATE_HZ = 48000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """What a synthetic clip shows."""

    num_frames: int = 24
    size_px: tuple[int, int] = (320, 240)
    """(width, height), both even."""
    rate: Fraction = Fraction(25)
    faces: Callable[[int], Sequence[DrawnFace]] | None = None
    """Faces of a frame index; None draws `performance`, ``lambda frame: ()`` an empty room."""
    layout: PixelLayout = LAYOUTS["yuv420p"]
    settings: OutputSettings | None = None
    """None takes what the file's suffix asks for."""
    tone_hz: float | None = None
    """Pitch of the sound, None for none."""
    start_frame: int = 0
    """Frame number of the start timecode."""
    numbered: bool = True
    """False leaves the frame number out of the picture."""


def make_clip(path: Path, spec: ClipSpec | None = None) -> Path:
    """``path``, with the clip written into it."""
    spec = spec or ClipSpec()
    width, height = spec.size_px
    with tempfile.TemporaryDirectory() as folder:
        audio = []
        if spec.tone_hz is not None:
            duration_s = spec.num_frames / spec.rate
            tone = write_tone(Path(folder) / "tone.wav", frequency_hz=spec.tone_hz, duration_s=duration_s)
            part = AudioPart(tone, 0, Fraction(0), duration_s, Fraction(0))
            audio.append(AudioMix((part,), duration_s))
        with VideoWriter(
            path,
            spec.settings or OutputSettings(),
            width=width,
            height=height,
            rate=spec.rate,
            layout=spec.layout,
            color=REC709,
            audio=audio,
            metadata={},
            start_frame=spec.start_frame,
        ) as writer:
            for batch in _batches(spec):
                writer.write(batch)
    return path


def draw_picture(spec: ClipSpec, frame: int) -> RgbPicture:
    """(H, W, 3) the picture of one frame, before it is encoded."""
    picture = _wall(spec.size_px).copy()
    faces = performance(frame, size_px=spec.size_px, rate=float(spec.rate)) if spec.faces is None else spec.faces(frame)
    for face in faces:
        draw_face(picture, face)
    if spec.numbered:
        burn_frame_number(picture, frame)
    return picture


def write_tone(path: Path, *, frequency_hz: float, duration_s: Fraction) -> Path:
    """``path``, a mono WAV file of 48 kHz with a sine at half level."""
    count = math.ceil(duration_s * _AUDIO_RATE_HZ)
    samples = 0.5 * np.sin(np.arange(count) * (2 * math.pi * frequency_hz / _AUDIO_RATE_HZ))
    with replaced(path) as part, wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_AUDIO_RATE_HZ)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return path


def _batches(spec: ClipSpec) -> Iterator[FrameBatch]:
    for start in range(0, spec.num_frames, _BATCH):
        frames = range(start, min(start + _BATCH, spec.num_frames))
        rgb = np.stack([draw_picture(spec, frame) for frame in frames])
        yield batch_from_rgb(rgb, rate=spec.rate, layout=spec.layout, first_index=start)


def _wall(size_px: tuple[int, int]) -> RgbPicture:
    width, height = size_px
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 0.55 + 0.25 * x / width - 0.2 * y / height + 0.03 * np.sin(x / 5) * np.sin(y / 7)
    tint = np.array([0.62, 0.72, 0.86], np.float32)
    return np.asarray(np.rint(np.clip(light[..., None] * tint, 0, 1) * 255), np.uint8)
