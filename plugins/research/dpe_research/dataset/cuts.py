"""Where a film cuts from one picture to another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api import FloatArray, FrameBatch, Span
from dpe_toolkit.api.footage import FrameSource, sample_rgb

__all__ = ["WatchedReader", "find_cuts", "scenes_of"]

_THUMB_PX = (32, 18)
_LEAST = 0.06
"""Mean change of a thumbnail, in shares of full scale, below which nothing is a cut."""
_STANDS_OUT = 4.0
"""A cut changes this many times as much as the frames around it usually do."""
_AROUND = 8


class WatchedReader:
    """A reader that keeps a thumbnail of every frame that is read in order.

    Args:
        reader: what it reads from.
    """

    def __init__(self, reader: FrameSource) -> None:
        self._reader = reader
        self.thumbs: list[FloatArray] = []
        """(18, 32, 3) RGB in [0, 1] of the frames that `iterate` gave, in order."""

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.__exit__(kind, error, trace)

    def read(self, span: Span) -> FrameBatch:
        """These frames, unwatched."""
        return self._reader.read(span)

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        """These frames in order."""
        for batch in self._reader.iterate(span, size):
            width, height = batch.size_px
            to_frame = np.array([[width / _THUMB_PX[0], 0, 0], [0, height / _THUMB_PX[1], 0]], np.float32)
            self.thumbs += [sample_rgb(batch, row, to_frame, _THUMB_PX) for row in range(len(batch))]
            yield batch


def find_cuts(thumbs: list[FloatArray]) -> npt.NDArray[np.int64]:
    """Rows that begin a new scene: what changes at once, by far more than around it. Dissolves are not seen.

    Args:
        thumbs: T small pictures in [0, 1].
    """
    if len(thumbs) < 2:
        return np.zeros(0, np.int64)
    change = np.abs(np.diff(np.stack(thumbs), axis=0)).mean(axis=(1, 2, 3))
    usual = np.array([_around(change, row) for row in range(len(change))])
    return np.flatnonzero((change > _LEAST) & (change > _STANDS_OUT * usual)) + 1


def _around(change: npt.NDArray[np.floating], row: int) -> float:
    near = np.r_[change[max(0, row - _AROUND) : row], change[row + 1 : row + 1 + _AROUND]]
    return float(np.median(near)) if len(near) else 0.0


def scenes_of(cuts: npt.NDArray[np.int64], num_frames: int) -> list[Span]:
    """The runs of rows between cuts."""
    edges = [0, *(int(cut) for cut in cuts), num_frames]
    return [Span(start, stop) for start, stop in pairwise(edges) if stop > start]
