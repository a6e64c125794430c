"""Frames for the render: in order and decoded ahead, or any of them on request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dpe_toolkit.analysis import FrameSource, OpenReader, ahead
from dpe_toolkit.frames import FrameBatch
from dpe_toolkit.timing import Span

__all__ = ["Footage", "concatenate"]

_BRIDGE = 4
"""Frames that are decoded and dropped rather than sought over."""


class Footage:
    """One media file, read by the graph of one shot.

    Args:
        path: the file.
        open_reader: opens it.
        schedule: spans that will be asked for in this order; they are decoded ahead in a thread. Anything
            else is read when asked for, through a reader of its own.
    """

    def __init__(self, path: Path, open_reader: OpenReader, schedule: Sequence[Span] = ()) -> None:
        self._path = path
        self._open = open_reader
        self._stack = ExitStack()
        self._next = 0
        self._schedule = schedule
        self._batches: Iterator[FrameBatch] | None = None
        self._reader: FrameSource | None = None

    def read(self, span: Span) -> FrameBatch:
        """These media frames."""
        if self._next < len(self._schedule) and self._schedule[self._next] == span:
            self._next += 1
            if self._batches is None:
                reader = self._stack.enter_context(self._open(self._path))
                self._batches = self._stack.enter_context(ahead(map(reader.read, self._schedule)))
            return next(self._batches)
        return self._any().read(span)

    def frames(self, wanted: npt.NDArray[np.int64]) -> FrameBatch:
        """(N,) media frames in the order asked for, repeats included."""
        unique, places = np.unique(wanted, return_inverse=True)
        parts: list[FrameBatch] = []
        for run in np.split(unique, np.flatnonzero(np.diff(unique) > _BRIDGE) + 1):
            start = int(run[0])
            batch = self._any().read(Span(start, int(run[-1]) + 1))
            parts.append(batch if len(batch) == len(run) else batch.take(run - start))
        whole = parts[0] if len(parts) == 1 else concatenate(parts)
        if np.array_equal(places, np.arange(len(unique))):
            return whole
        return whole.take(places.astype(np.int64))

    def close(self) -> None:
        """Ends the thread and closes the readers."""
        self._stack.close()
        self._batches = self._reader = None

    def _any(self) -> FrameSource:
        if self._reader is None:
            self._reader = self._stack.enter_context(self._open(self._path))
        return self._reader


def concatenate(batches: Sequence[FrameBatch]) -> FrameBatch:
    """Batches of one clip as one."""
    first = batches[0]
    planes = tuple(np.concatenate(column) for column in zip(*(batch.planes for batch in batches), strict=True))
    index, pts = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("index", "pts"))
    return FrameBatch(planes, first.layout, first.color, index, pts, first.time_base, first.rate)
