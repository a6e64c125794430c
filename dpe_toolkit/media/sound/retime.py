"""Sound at another speed: band-limited interpolation at exact positions. Pitch changes with speed, as on tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dpe_toolkit.media.sound.samples import Samples

__all__ = ["SampleWindow", "retimed"]

ReadFrom = Callable[[int, int], Iterator[Samples]]
"""Samples from a position on, as many as are asked for, in blocks."""

_TAPS = 24
"""Samples on each side of a position that its value is made of, at normal speed. Our choice: with the window below
a tone up to 0.8 of the band comes back to within a 16-bit step."""
_KAISER = 9.0
_BLOCK = 8192
_WEIGHTS = 1 << 20
"""Interpolation weights computed at once: what bounds the memory."""
_ENDLESS = 1 << 40
_BACKWARD = 4 * 48000
"""Samples read at once where sound runs backwards: each such read decodes a little beforehand."""


class SampleWindow:
    """A few samples of a file around the ones asked for last; asking in order, either way, reads each once.

    Args:
        read: reads the file.
        channels: what it gives.
    """

    def __init__(self, read: ReadFrom, channels: int) -> None:
        self._read = read
        self._blocks: Iterator[Samples] | None = None
        self._held: Samples = np.zeros((channels, 0), np.float32)
        self._start = 0

    def get(self, start: int, stop: int) -> Samples:
        """The samples from ``start`` to ``stop``; outside the file they are silent."""
        if self._blocks is not None and start < self._start:
            # Sound that runs backwards: what comes next lies before, so more than is asked for is read at once.
            self._begin(min(start, stop - _BACKWARD))
        elif self._blocks is None or start > self._stop + _BACKWARD:
            self._begin(start)
        fresh = [self._held]
        missing = stop - self._stop
        while missing > 0:
            assert self._blocks is not None
            fresh.append(next(self._blocks))
            missing -= fresh[-1].shape[1]
        if len(fresh) > 1:
            self._held = np.concatenate(fresh, axis=1)
        if start - self._start > _BACKWARD:
            self._held = self._held[:, start - self._start :]
            self._start = start
        return self._held[:, start - self._start : stop - self._start]

    @property
    def _stop(self) -> int:
        return self._start + int(self._held.shape[1])

    def _begin(self, start: int) -> None:
        self._blocks = self._read(start, _ENDLESS)
        self._held, self._start = self._held[:, :0], start


def retimed(window: SampleWindow, first: Fraction, step: Fraction, num_samples: int) -> Iterator[Samples]:
    """``num_samples`` values of the sound at ``first``, ``first + step``, ... in samples of the file.

    Above normal speed, what would fold back into hearing is filtered out first.

    Args:
        window: the file.
        first: position of the first value.
        step: from one value to the next; below 0 backwards, never 0.
        num_samples: how many values, all of them given whatever the file holds.
    """
    stretch = max(1.0, abs(float(step)))
    reach = int(np.ceil(_TAPS * stretch))
    size = max(1, min(_BLOCK, _WEIGHTS // (2 * reach)))
    for done in range(0, num_samples, size):
        count = min(size, num_samples - done)
        whole, rest = _positions(first + done * step, step, count)
        low, high = int(whole.min()) - reach + 1, int(whole.max()) + reach + 1
        samples = window.get(low, high)
        taps = np.arange(-reach + 1, reach + 1)
        weights = _kernel((taps[None, :] - rest[:, None]) / stretch, reach / stretch) / stretch
        picked = samples[:, (whole - low)[:, None] + taps[None, :]]
        yield np.einsum("cnt,nt->cn", picked, weights, optimize=True).astype(np.float32)


def _positions(first: Fraction, step: Fraction, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Whole and fractional parts of ``first + n step``, exact: nothing adds up over a long clip."""
    common = first.denominator * step.denominator
    start, stride = first.numerator * step.denominator, step.numerator * first.denominator
    base = start // common
    numbers = np.arange(count, dtype=np.int64)
    if abs(stride) * count + common < 1 << 62:
        offsets = (start - base * common) + numbers * stride
        return base + offsets // common, (offsets % common) / common
    exact = [divmod(start + int(n) * stride, common) for n in numbers]
    return np.array([q for q, _ in exact], np.int64), np.array([r / common for _, r in exact])


def _kernel(distance: npt.NDArray[np.float64], reach: float) -> npt.NDArray[np.float32]:
    """A sinc under a Kaiser window, 0 beyond ``reach``."""
    inside = np.clip(1 - (distance / reach) ** 2, 0, None)
    window = np.i0(_KAISER * np.sqrt(inside)) / np.i0(_KAISER)
    return np.asarray(np.sinc(distance) * window * (inside > 0), np.float32)
