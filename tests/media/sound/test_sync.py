from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dpe_toolkit.core.errors import AnalysisError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import AudioMix, AudioPart, OutputSettings, VideoWriter
from dpe_toolkit.media.sound.sync import MIN_CONFIDENCE, HeardPart, find_shift, match_sound
from dpe_toolkit.testing import LAYOUTS, REC709, NumberedClip, numbered_frames

RATE_HZ = 16000
Sound = npt.NDArray[np.float32]


def speech(seconds: float, seed: int) -> Sound:
    """Bursts of a voice-like sound at odd times."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * RATE_HZ), np.float32)
    place = 0
    while place < len(sound):
        length = int(rng.uniform(0.05, 0.3) * RATE_HZ)
        time = np.arange(length) / RATE_HZ
        pitch = rng.uniform(100, 300)
        voice = sum(np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in range(1, 10))
        burst = (voice * np.hanning(length) * rng.uniform(0.02, 0.1)).astype(np.float32)
        sound[place : place + length] += burst[: len(sound) - place]
        place += length + int(rng.uniform(0.02, 0.4) * RATE_HZ)
    return sound


def film(path: Path, sound: Sound, rate: int = 25) -> Path:
    """A film of numbered frames with this sound."""
    wav = path.with_suffix(".wav")
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    count = len(sound) * rate // RATE_HZ
    length_s = Fraction(count, rate)
    spec = NumberedClip(num_frames=count, rate=Fraction(rate), size_px=(112, 32))
    with VideoWriter(
        path,
        OutputSettings(),
        width=112,
        height=32,
        rate=spec.rate,
        layout=LAYOUTS["yuv420p"],
        color=REC709,
        audio=[AudioMix((AudioPart(wav, 0, Fraction(0), length_s, Fraction(0)),), length_s)],
    ) as writer:
        writer.write(numbered_frames(spec, Span(0, count)))
    return path


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    scene = speech(12, 1)
    film(folder / "clip.mkv", scene[: 8 * RATE_HZ])
    # Another microphone: duller, farther, with noise, and begun 1.3 s earlier than the scene.
    noise = np.random.default_rng(7)
    heard = np.concatenate([speech(1.3, 99), scene])
    dull = np.convolve(heard, np.hanning(9).astype(np.float32) / 4, "same") + noise.normal(0, 0.002, len(heard))
    film(folder / "driver.mkv", (0.4 * dull).astype(np.float32), rate=50)
    film(folder / "late.mkv", scene[int(2.5 * RATE_HZ) :])
    film(folder / "stranger.mkv", speech(12, 50))
    film(folder / "mute.mkv", np.zeros(4 * RATE_HZ, np.float32))
    return folder


@pytest.mark.parametrize(("start_s", "length_s"), [(0, 8), (2, 4), (4.5, 3)])
def test_a_driver_is_found_where_it_hears_the_same(films: Path, start_s: float, length_s: float) -> None:
    part = HeardPart(films / "clip.mkv", Fraction(start_s), Fraction(length_s))
    match = match_sound(part, films / "driver.mkv")
    assert abs(float(match.shift_s) - 1.3 - start_s) < 0.02
    assert match.confidence >= MIN_CONFIDENCE


def test_a_driver_that_begins_later_has_a_shift_below_zero(films: Path) -> None:
    match = match_sound(HeardPart(films / "clip.mkv", Fraction(0), Fraction(8)), films / "late.mkv")
    assert abs(float(match.shift_s) + 2.5) < 0.02


@pytest.mark.parametrize(
    ("other", "length_s", "words"),
    [
        ("stranger.mkv", 8, "stranger.mkv': its sound agrees with that of 'clip.mkv' best at .*hardly better"),
        ("mute.mkv", 8, "mute.mkv': it is silent"),
        ("driver.mkv", 0.5, "there are only 0.50 s of sound to compare"),
    ],
)
def test_what_cannot_be_told_is_refused(films: Path, other: str, length_s: float, words: str) -> None:
    part = HeardPart(films / "clip.mkv", Fraction(0), Fraction(length_s))
    with pytest.raises(AnalysisError, match=words):
        match_sound(part, films / other)


def test_a_file_without_sound_is_refused(films: Path, tmp_path: Path) -> None:
    from dpe_toolkit.testing import make_numbered_clip

    silent = make_numbered_clip(tmp_path / "silent.mkv", NumberedClip(size_px=(112, 32)))
    with pytest.raises(AnalysisError, match="it has no sound"):
        match_sound(HeardPart(films / "clip.mkv", Fraction(0), Fraction(8)), silent)


@pytest.mark.parametrize("shift", [-300, -7, 0, 40, 900])
def test_the_shift_of_a_curve_against_itself_is_found(shift: int) -> None:
    whole = np.random.default_rng(3).gamma(0.5, size=3000)
    first = whole[max(0, -shift) + 1000 : 2000]
    start = max(0, -shift) + 1000 - (1000 if shift < 0 else 0)
    second = whole[start - shift if shift < 0 else 1000 - shift :]
    found, confidence = find_shift(first, second)
    expected = (max(0, -shift) + 1000) - (start - shift if shift < 0 else 1000 - shift)
    assert abs(found - expected) < 0.1
    assert confidence > MIN_CONFIDENCE
