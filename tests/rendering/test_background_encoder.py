from __future__ import annotations

import os
import threading
import time

import pytest
import torch

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.rendering.background_encoder import BackgroundEncoder, compute_threads, cores
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
    with BackgroundEncoder(writer, depth=2) as encoder:
        for row in range(6):
            encoder.put(FRAMES.take(slice(row, row + 1)))
    assert writer.written == list(range(6))


def keep_putting(encoder: BackgroundEncoder) -> None:
    while True:
        encoder.put(FRAMES.take(slice(2, 3)))


def test_an_error_of_the_writer_reaches_the_one_who_puts() -> None:
    with pytest.raises(MediaError, match="disk full"), BackgroundEncoder(Writer(fail_at=2)) as encoder:
        keep_putting(encoder)


def test_an_error_at_the_last_batch_is_raised_on_leaving() -> None:
    with pytest.raises(MediaError, match="disk full"), BackgroundEncoder(Writer(fail_at=0, pause_s=0.05)) as encoder:
        encoder.put(FRAMES)


def fail() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_ends_the_thread_before_the_writer_is_closed() -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), BackgroundEncoder(Writer(pause_s=0.05)):
        fail()
    assert threading.active_count() == before


def test_threads_are_bounded_inside_and_as_before_outside() -> None:
    before = torch.get_num_threads()
    with compute_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_threads_come_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), compute_threads(1):
        raise KeyError
    assert torch.get_num_threads() == before


def test_cores_are_counted_where_the_system_tells_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores() == (os.cpu_count() or 1)
