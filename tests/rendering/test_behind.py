from __future__ import annotations

import threading
import time

import pytest

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.rendering.behind import EncodeBehind
from tests.analysis.fakes import draw

FRAMES = draw(lambda frame: [], 6)


class Writer:
    def __init__(self, fail_at: int = -1, pause_s: float = 0.0) -> None:
        self.written: list[int] = []
        self.fail_at = fail_at
        self.pause_s = pause_s

    def write(self, batch: FrameBatch, /) -> None:
        time.sleep(self.pause_s)
        if int(batch.index[0]) == self.fail_at:
            raise MediaError("disk full")
        self.written.extend(batch.index.tolist())


def test_frames_are_written_in_order_and_all_of_them_on_leaving() -> None:
    writer = Writer(pause_s=0.01)
    with EncodeBehind(writer, depth=2) as behind:
        for row in range(6):
            behind.put(FRAMES.take(slice(row, row + 1)))
    assert writer.written == list(range(6))


def keep_putting(behind: EncodeBehind) -> None:
    while True:
        behind.put(FRAMES.take(slice(2, 3)))


def test_an_error_of_the_writer_reaches_the_one_who_puts() -> None:
    with pytest.raises(MediaError, match="disk full"), EncodeBehind(Writer(fail_at=2)) as behind:
        keep_putting(behind)


def test_an_error_at_the_last_batch_is_raised_on_leaving() -> None:
    with pytest.raises(MediaError, match="disk full"), EncodeBehind(Writer(fail_at=0, pause_s=0.05)) as behind:
        behind.put(FRAMES)


def fail() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_ends_the_thread_before_the_writer_is_closed() -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), EncodeBehind(Writer(pause_s=0.05)):
        fail()
    assert threading.active_count() == before
