"""Source and driver of a shot analysed side by side."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from dpe_toolkit.analysis.clip import ClipAnalysis, ClipRequest
from dpe_toolkit.analysis.pool import ComponentPool
from dpe_toolkit.analysis.progress import ProgressSink, Stage
from dpe_toolkit.editing.stages import MOTION

__all__ = ["analyse_pair"]

Analyse = Callable[[ClipRequest, ComponentPool, ProgressSink], ClipAnalysis]
_POLL_S = 0.05


class _StoppedError(Exception):
    """The other clip failed, or somebody pressed Ctrl-C: what this thread does is no longer wanted."""


class _Post:
    """A sink that keeps what it is told, to be told on later in order, and can stop who tells it."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Callable[[ProgressSink], None]] = queue.SimpleQueue()
        self.stop = threading.Event()

    def started(self, stage: Stage, name: str, num_frames: int) -> None:
        """Kept."""
        self._events.put(lambda sink: sink.started(stage, name, num_frames))

    def advanced(self, num_frames: int) -> None:
        """Kept, or the end of the work."""
        if self.stop.is_set():
            raise _StoppedError
        self._events.put(lambda sink: sink.advanced(num_frames))

    def finished(self) -> None:
        """Kept."""
        self._events.put(lambda sink: sink.finished())

    def deliver(self, sink: ProgressSink, work: Future[ClipAnalysis]) -> None:
        """Tells the sink what was kept and what comes, until the work is done."""
        while True:
            done = work.done()
            try:
                self._events.get(timeout=_POLL_S)(sink)
            except queue.Empty:
                if done:
                    return


def analyse_pair(
    source: ClipRequest, driver: ClipRequest, pool: ComponentPool, *, analyse: Analyse, progress: ProgressSink
) -> tuple[ClipAnalysis, ClipAnalysis]:
    """The analyses of both clips; on a CPU both at once, each with a detector of its own.

    A face mesh follows a face from frame to frame, one after the other, and so keeps one core busy. Clips
    of one file share their detections and go one after the other, and so do components that look at
    pixels (a network fills the machine by itself, and twice its memory would be taken).

    Args:
        source: the clip to be edited.
        driver: the performance.
        pool: components.
        analyse: analyses one clip.
        progress: is told of the source first, then of the driver.
    """
    one_file = source.media.digest == driver.media.digest
    needs_pixels = pool.get(MOTION, source.motion, source.clip).needs_pixels
    if one_file or needs_pixels or pool.device.type != "cpu":
        return analyse(source, pool, progress), analyse(driver, pool, progress)
    post = _Post()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dpe-driver") as threads:
        work = threads.submit(analyse, driver, pool.apart(), post)
        try:
            first = analyse(source, pool, progress)
            post.deliver(progress, work)
            return first, work.result()
        except BaseException:
            post.stop.set()
            raise
