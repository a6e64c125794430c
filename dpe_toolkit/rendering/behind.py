"""Encoding in a thread, a few batches behind the render."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import Protocol, Self

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.media import PassedRun

__all__ = ["BatchWriter", "EncodeBehind"]

_POLL_S = 0.05


class BatchWriter(Protocol):
    """What is asked of a writer: `dpe_toolkit.media.VideoWriter` is one."""

    def write(self, frames: FrameBatch | PassedRun, /) -> None:
        """Takes the next frames, or a run of them to copy."""
        ...


class EncodeBehind:
    """Hands batches to ``writer`` in a thread. Its errors are raised by `put`, or on leaving.

    Args:
        writer: opened before and closed after this, by the caller.
        depth: batches that may wait.
    """

    def __init__(self, writer: BatchWriter, depth: int = 3) -> None:
        self._writer = writer
        self._waiting: queue.Queue[FrameBatch | PassedRun | None] = queue.Queue(depth)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="dpe-encode", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def put(self, batch: FrameBatch | PassedRun) -> None:
        """Queues frames, or a run to copy; waits while too many are waiting."""
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

    def _offer(self, batch: FrameBatch | PassedRun | None) -> None:
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
