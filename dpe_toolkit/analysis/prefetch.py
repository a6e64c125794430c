"""Work done beforehand in a thread, with a bounded queue between it and the one who asks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["prefetch"]

T = TypeVar("T")
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


@contextmanager
def prefetch(items: Iterable[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """``items``, produced in a thread that is at most ``depth`` of them ahead.

    An exception of the producer is raised where its item would have come. On leaving, however that
    happens, the thread has ended, so that what it reads from may be closed.
    """
    ready: queue.Queue[_Item[T] | _End] = queue.Queue(max(1, depth))
    stop = threading.Event()
    thread = threading.Thread(target=_produce, args=(items, ready, stop), name="dpe-prefetch", daemon=True)
    thread.start()
    try:
        yield _consume(ready)
    finally:
        stop.set()
        thread.join()


def _consume(ready: queue.Queue[_Item[T] | _End]) -> Iterator[T]:
    while True:
        item = ready.get()
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item.value


def _produce(items: Iterable[T], ready: queue.Queue[_Item[T] | _End], stop: threading.Event) -> None:
    end = _End()
    try:
        for value in items:
            if not _offer(ready, _Item(value), stop):
                return
    except BaseException as error:  # noqa: BLE001 # handed over and raised in the consumer's thread
        end = _End(error)
    _offer(ready, end, stop)


def _offer(ready: queue.Queue[_Item[T] | _End], item: _Item[T] | _End, stop: threading.Event) -> bool:
    """Waits for room; False where nobody wants it any more."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=_POLL_S)
        except queue.Full:
            continue
        return True
    return False
