"""The background encoder, a few batches behind the render, and the threads that it leaves to computation."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

import torch

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.media import CopiedRange

__all__ = ["BackgroundEncoder", "BatchWriter", "compute_threads", "cores"]

_POLL_S = 0.05


class BatchWriter(Protocol):
    """What is asked of a writer: `dpe_toolkit.media.VideoWriter` is one."""

    def write(self, frames: FrameBatch | CopiedRange, /) -> None:
        """Takes the next frames, or a range of them to copy."""
        ...


class BackgroundEncoder:
    """Hands batches to ``writer`` in a thread. Its errors are raised by `put`, or on leaving.

    Args:
        writer: opened before and closed after this, by the caller.
        depth: batches that may wait.
    """

    def __init__(self, writer: BatchWriter, depth: int = 3) -> None:
        self._writer = writer
        self._waiting: queue.Queue[FrameBatch | CopiedRange | None] = queue.Queue(depth)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="dpe-encode", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def put(self, batch: FrameBatch | CopiedRange) -> None:
        """Queues frames, or a range to copy; waits while too many are waiting."""
        self._offer(batch)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._offer(None)
                while self._thread.is_alive():
                    self._thread.join(_POLL_S)
        finally:
            # Also where an interrupt arrives while waiting: the writer must not be closed under the thread.
            if self._thread.is_alive():
                self._stop.set()
                self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _offer(self, batch: FrameBatch | CopiedRange | None) -> None:
        while True:
            if self._error is not None:
                raise self._error
            try:
                return self._waiting.put(batch, timeout=_POLL_S)
            except queue.Full:
                continue

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                batch = self._waiting.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if batch is None:
                return
            try:
                self._writer.write(batch)
            except BaseException as error:  # noqa: BLE001 # raised again in the thread of the render
                self._error = error
                return


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def compute_threads(limit: int | None = None) -> Iterator[None]:
    """Bounds PyTorch's threads meanwhile: half of the cores, and never more than were set before.

    Decoding and encoding keep the other half busy. On two cores a convolution over eight native windows
    took 143 ms with one thread and 85 ms with two; while a video was encoded beside it 174 ms and 164 ms,
    so that a second thread only takes its time from the encoder. It can cost far more: OpenMP's threads
    wait for each other by spinning, and with other programs on both cores (load 5 to 8) the same render
    took 16 to 24 s with one thread and 77 to 98 s with two.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, limit or max(1, cores() // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
