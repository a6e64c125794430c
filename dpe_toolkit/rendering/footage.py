"""Frames for the render: in order and prefetched, or any of them on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis import BLOCK, FrameSource, OpenReader, prefetch
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span

__all__ = ["Footage", "Prefetched", "RereadingReader"]

T = TypeVar("T")
_BRIDGE = 4
"""Frames that are decoded and dropped rather than sought over."""
_DECODED = 2
"""Batches that may wait, decoded."""
_KEPT_BYTES = 256 * 2**20
"""What is kept of a clip that runs backwards. Frames are decoded forwards from a key frame, so that each such run
is decoded once for many frames, and not once for every few."""


class Prefetched(Generic[T]):
    """Results for spans that are known beforehand, prefetched by a thread.

    Args:
        make: makes the result of a span. It is called in the thread and nowhere else, so that what it
            reads from is its own.
        schedule: the spans, in the order in which they will be asked for.
        otherwise: makes the result of any other span, when it is asked for.
        depth: results that may wait; one more is being made.
    """

    def __init__(
        self, make: Callable[[Span], T], schedule: Sequence[Span], otherwise: Callable[[Span], T], *, depth: int = 1
    ) -> None:
        self._make = make
        self._schedule = schedule
        self._otherwise = otherwise
        self._depth = depth
        self._next = 0
        self._results: Iterator[T] | None = None
        self._stack = ExitStack()

    def get(self, span: Span) -> T:
        """The result of ``span``."""
        if self._next == len(self._schedule) or self._schedule[self._next] != span:
            if self._next < len(self._schedule) and self._is_part(span, self._schedule[self._next]):
                self._give_up()
            return self._otherwise(span)
        self._next += 1
        if self._results is None:
            self._results = self._stack.enter_context(prefetch(self._made(), self._depth))
        try:
            return next(self._results)
        except Exception:
            # The thread has ended: a span that is asked for again is made here, and so is every later one.
            self._give_up()
            raise

    def close(self) -> None:
        """Ends the thread."""
        self._stack.close()

    @staticmethod
    def _is_part(span: Span, whole: Span) -> bool:
        """True where spans come in parts, as they do once the memory of a device has ended."""
        return span.start == whole.start and len(span) < len(whole)

    def _give_up(self) -> None:
        """Ends the thread and lets go of what it made: no span will be asked for as the schedule has it."""
        self._next = len(self._schedule)
        self._stack.close()
        self._results = None

    def _made(self) -> Iterator[T]:
        # OpenMP bounds threads by thread: the bound of the render's own does not hold here by itself.
        torch.set_num_threads(torch.get_num_threads())
        yield from map(self._make, self._schedule)


class Footage:
    """One media file, read by the graph of one shot.

    Args:
        path: the file.
        open_reader: opens it.
        schedule: spans that will be asked for in this order; they are prefetched. Anything else is read
            when asked for, through a reader of its own.
        rereads: spans are asked for again, overlap or run backwards, so that what was decoded is kept a while.
    """

    def __init__(
        self, path: Path, open_reader: OpenReader, schedule: Sequence[Span] = (), *, rereads: bool = False
    ) -> None:
        self._path = path
        self._open: Callable[[Path], FrameSource] = _rereading(open_reader) if rereads else open_reader
        self._readers = ExitStack()
        self._reader: FrameSource | None = None
        self._scheduled: FrameSource | None = None
        self._prefetched = Prefetched(self._read_scheduled, schedule, self._read_any, depth=_DECODED)

    def read(self, span: Span) -> FrameBatch:
        """These media frames."""
        return self._prefetched.get(span)

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
            batch = self._read_any(Span(start, int(run[-1]) + 1))
            places = np.flatnonzero((wanted >= start) & (wanted <= run[-1]))
            yield places, batch.take(wanted[places] - start)

    def close(self) -> None:
        """Ends the thread and closes the readers."""
        self._prefetched.close()
        self._readers.close()
        self._reader = self._scheduled = None

    def _read_scheduled(self, span: Span) -> FrameBatch:
        if self._scheduled is None:
            self._scheduled = self._readers.enter_context(self._open(self._path))
        return self._scheduled.read(span)

    def _read_any(self, span: Span) -> FrameBatch:
        if self._reader is None:
            self._reader = self._readers.enter_context(self._open(self._path))
        return self._reader.read(span)


class RereadingReader:
    """A reader that keeps the run of frames it read last, and reads in long runs where spans go backwards.

    Args:
        reader: decodes; it is closed with this one.
        kept_bytes: bound of what is kept.
    """

    def __init__(self, reader: FrameSource, kept_bytes: int = _KEPT_BYTES) -> None:
        self._reader = reader
        self._kept_bytes = kept_bytes
        self._held: FrameBatch | None = None
        self._run = Span(0, 0)

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held = None
        self._reader.__exit__(kind, error, trace)

    def read(self, span: Span) -> FrameBatch:
        """These media frames."""
        run, held = self._run, self._held
        if held is None or span.start >= run.stop:
            self._keep(self._reader.read(span), span)
        elif span.start < run.start:
            start = min(span.start, max(0, span.stop - self._longest(held)))
            self._held = None
            self._keep(self._reader.read(Span(start, span.stop)), Span(start, span.stop))
        elif span.stop > run.stop:
            tail = held.take(slice(span.start - run.start, None))
            self._keep(FrameBatch.join([tail, self._reader.read(Span(run.stop, span.stop))]), span)
        assert self._held is not None
        if self._run == span:
            return self._held
        return self._held.take(slice(span.start - self._run.start, span.stop - self._run.start))

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        """The frames of ``span`` in batches of at most ``size``."""
        for part in span.split(size):
            yield self.read(part)

    def _keep(self, batch: FrameBatch, span: Span) -> None:
        self._held, self._run = batch, span

    def _longest(self, held: FrameBatch) -> int:
        """Frames that may be kept."""
        frame_bytes = sum(plane.nbytes for plane in held.planes) // max(1, len(held))
        return max(BLOCK, self._kept_bytes // max(1, frame_bytes))


def _rereading(open_reader: OpenReader) -> Callable[[Path], RereadingReader]:
    return lambda path: RereadingReader(open_reader(path))
