"""Frames for the render: in order and decoded ahead, or any of them on request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dpe_toolkit.analysis import BLOCK, FrameSource, OpenReader, ahead
from dpe_toolkit.frames import FrameBatch
from dpe_toolkit.timing import Span

__all__ = ["Footage"]

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

    def pieces(self, wanted: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], FrameBatch]]:
        """Any frames, a few at a time, so that memory does not follow their number.

        Args:
            wanted: (N,) media frames in any order, repeats included.

        Yields:
            Positions in ``wanted``, and the frames that belong there; each position once.
        """
        unique = np.unique(wanted)
        while len(unique):
            steps = np.diff(unique, prepend=unique[0])
            near = (steps <= _BRIDGE) & (unique < unique[0] + BLOCK)
            run = unique[: int(near.argmin()) or len(unique)]
            unique = unique[len(run) :]
            start = int(run[0])
            batch = self._any().read(Span(start, int(run[-1]) + 1))
            places = np.flatnonzero((wanted >= start) & (wanted <= run[-1]))
            yield places, batch.take(wanted[places] - start)

    def close(self) -> None:
        """Ends the thread and closes the readers."""
        self._stack.close()
        self._batches = self._reader = None

    def _any(self) -> FrameSource:
        if self._reader is None:
            self._reader = self._stack.enter_context(self._open(self._path))
        return self._reader
