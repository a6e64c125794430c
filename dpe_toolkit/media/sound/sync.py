"""How one recording lies in time against another, by what both hear.

Source: our choice. Onsets, the moments at which sound gets louder in any band, survive other microphones, rooms and
levels. Both recordings become curves of onset strength, and the shift at which the curves agree best is the answer.
It is believed only where it is clearly better than any other shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.errors import AnalysisError
from dpe_toolkit.media.probe import probe
from dpe_toolkit.media.sound.samples import read_samples

__all__ = ["MIN_CONFIDENCE", "HeardPart", "SoundMatch", "find_shift", "match_sound"]

MIN_CONFIDENCE = 0.2
"""Below this a match is not believed. Twelve bursts like speech, 3 to 8 s long, heard again through another filter and
room with noise, gave 0.25 and more and were off by less than 10 ms; 40 unrelated pairs gave 0.15 at most."""
_RATE_HZ = 8000
_HOP, _WINDOW = 40, 320
_STEP_S = _HOP / _RATE_HZ
_BANDS = 24
_LOWEST_HZ = 80.0
_BLOCK = 4096
_NEIGHBOURS_S = 0.25
_SHORTEST_S = 1.0
_LEAST_SHARED = 0.5

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeardPart:
    """A stretch of a file's sound."""

    path: Path
    start_s: Fraction
    """From the file's first frame."""
    duration_s: Fraction


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """Where one recording lies against another."""

    shift_s: Fraction
    """Time of the second recording, from its first frame, at the start of the first one's part; below 0 where the
    second begins later."""
    confidence: float
    """0 to 1: how well it agrees there, and how much better than at any other shift."""


def match_sound(part: HeardPart, other: Path) -> SoundMatch:
    """Where ``other`` lies against a part of a file.

    Raises:
        AnalysisError: a file has no sound, is too short or silent, or no shift is clearly the best.
        MediaError: a file cannot be read.
    """
    length = HeardPart(other, Fraction(0), probe(other).duration_s)
    curves = [_onsets(one) for one in (part, length)]
    steps, confidence = find_shift(*curves)
    match = SoundMatch(Fraction(round(steps * _HOP), _RATE_HZ), confidence)
    if confidence < MIN_CONFIDENCE:
        raise AnalysisError(
            f"its sound agrees with that of {part.path.name!r} best at {float(match.shift_s):.3f} s, which is hardly "
            f"better than elsewhere (confidence {confidence:.2f})",
            f"a confidence of {MIN_CONFIDENCE} at least: both must have heard the same",
            "give the start by hand, with --start",
            path=other,
        )
    return match


def find_shift(first: Curve, second: Curve) -> tuple[float, float]:
    """The position in ``second``, perhaps below 0, that agrees with the start of ``first``, and how surely.

    Args:
        first: (A,) onset strengths.
        second: (B,) onset strengths, with the same step.
    """
    shared = max(2, int(_LEAST_SHARED * min(len(first), len(second))))
    size = 1 << int(np.ceil(np.log2(len(first) + len(second))))
    one, other = (np.fft.rfft(curve - curve.mean(), size) for curve in (first, second))
    products = np.fft.irfft(np.conj(one) * other, size)
    shifts = np.arange(-len(first) + shared, len(second) - shared + 1)
    agreement = products[shifts % size] / _energy(first, second, shifts)
    best = int(agreement.argmax())
    apart = np.abs(shifts - shifts[best]) * _STEP_S > _NEIGHBOURS_S
    rival = max(0.0, float(agreement[apart].max(initial=0.0)))
    peak = float(agreement[best])
    confidence = max(0.0, min(peak, 1.0) * (peak - rival))
    return float(shifts[best]) + _between(agreement, best), confidence


def _energy(first: Curve, second: Curve, shifts: npt.NDArray[np.int64]) -> Curve:
    """What the products could be at most, by how much of both meets at each shift."""
    sums = [np.concatenate([[0.0], np.cumsum((curve - curve.mean()) ** 2)]) for curve in (first, second)]
    start, stop = np.maximum(shifts, 0), np.minimum(shifts + len(first), len(second))
    both = (sums[1][stop] - sums[1][start]) * (sums[0][stop - shifts] - sums[0][start - shifts])
    whole = float(np.sqrt(sums[0][-1] * sums[1][-1]))
    # A stretch in which hardly anything is heard agrees with everything: it counts as if it were louder.
    return np.asarray(np.sqrt(np.maximum(both, (0.1 * whole) ** 2)) + 1e-9, np.float64)


def _between(agreement: Curve, best: int) -> float:
    """Where between its neighbours the peak is, by a parabola through three values."""
    if not 0 < best < len(agreement) - 1:
        return 0.0
    before, at, behind = agreement[best - 1 : best + 2]
    bend = before - 2 * at + behind
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - behind) / bend, -0.5, 0.5))


def _onsets(part: HeardPart) -> Curve:
    """Onset strength every 5 ms."""
    if not probe(part.path).audio_streams:
        raise AnalysisError("it has no sound", "sound to compare", "give the start by hand", path=part.path)
    if part.duration_s < Fraction(_SHORTEST_S):
        raise AnalysisError(
            f"there are only {float(part.duration_s):.2f} s of sound to compare",
            f"{_SHORTEST_S:g} s at least",
            "give the start by hand, or take more of the clip",
            path=part.path,
        )
    count = int(part.duration_s * _RATE_HZ)
    blocks = read_samples(part.path, 0, start_s=part.start_s, num_samples=count, rate=_RATE_HZ, layout="mono")
    sound = np.concatenate([block[0] for block in blocks]).astype(np.float32)
    strength = _flux(sound)
    if not strength.max(initial=0.0) > 0:
        raise AnalysisError("it is silent", "sound to compare", "give the start by hand", path=part.path)
    return strength


def _flux(sound: npt.NDArray[np.float32]) -> Curve:
    """How much louder each band gets from one step to the next, summed; the loudest are held back."""
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window, bands = np.hanning(_WINDOW).astype(np.float32), _bands()
    levels = np.concatenate(
        [
            np.log1p(1000 * (np.abs(np.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)) @ bands.T))
            for start in range(0, len(frames), _BLOCK)
        ]
    )
    rise = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0).sum(axis=1)
    return np.asarray(np.sqrt(rise), np.float64)


def _bands() -> npt.NDArray[np.float32]:
    """(bands, bins) bands of equal width in pitch."""
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / _RATE_HZ)
    edges = np.geomspace(_LOWEST_HZ, _RATE_HZ / 2, _BANDS + 1)
    inside = (frequencies >= edges[:-1, None]) & (frequencies < edges[1:, None])
    kept = inside[inside.any(axis=1)].astype(np.float32)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True) / _WINDOW, np.float32)
