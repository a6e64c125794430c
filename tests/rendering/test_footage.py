from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.timing import Span
from dpe_toolkit.rendering.background_encoder import compute_threads
from dpe_toolkit.rendering.footage import Footage, Prefetched
from tests.analysis.fakes import Shelf, draw

PATH = Path("clip")


def footage(*schedule: Span) -> tuple[Footage, Shelf]:
    shelf = Shelf({PATH: draw(lambda frame: [], 60)})
    return Footage(PATH, shelf, schedule), shelf


@settings(deadline=None)
@given(st.lists(st.integers(0, 59), min_size=1, max_size=40))
def test_any_frames_come_at_the_places_asked_for_a_few_at_a_time(wanted: list[int]) -> None:
    source, shelf = footage()
    shown = np.full(len(wanted), -1)
    for places, frames in source.pieces(np.array(wanted)):
        assert (shown[places] == -1).all()
        shown[places] = frames.index
    assert shown.tolist() == wanted
    assert all(len(span) <= 8 for span in shelf.readers[0].asked)
    source.close()


def test_frames_that_lie_close_are_read_in_one_run() -> None:
    source, shelf = footage()
    list(source.pieces(np.array([3, 5, 4, 9, 40])))
    assert shelf.readers[0].asked == [Span(3, 10), Span(40, 41)]


def test_scheduled_spans_are_read_ahead_by_a_reader_of_their_own() -> None:
    source, shelf = footage(Span(0, 8), Span(8, 16), Span(16, 20))
    assert source.read(Span(0, 8)).index.tolist() == list(range(8))
    assert source.read(Span(30, 32)).index.tolist() == [30, 31]
    assert source.read(Span(8, 16)).index.tolist() == list(range(8, 16))
    assert source.read(Span(16, 20)).index.tolist() == list(range(16, 20))
    ahead, others = shelf.readers
    assert ahead.asked == [Span(0, 8), Span(8, 16), Span(16, 20)]
    assert others.asked == [Span(30, 32)]
    source.close()
    assert all(reader.closed for reader in shelf.readers)


def test_nothing_is_opened_before_it_is_asked_for() -> None:
    source, shelf = footage(Span(0, 8))
    source.close()
    assert shelf.readers == []


def test_what_is_prefetched_is_made_in_a_thread_and_all_else_when_asked_for() -> None:
    made: list[tuple[Span, bool]] = []
    here = threading.get_ident()

    def make(span: Span) -> Span:
        made.append((span, threading.get_ident() == here))
        return span

    prefetched = Prefetched(make, [Span(0, 8), Span(8, 12)], lambda span: span.shift(100))
    assert made == []
    assert prefetched.get(Span(0, 8)) == Span(0, 8)
    assert prefetched.get(Span(0, 8)) == Span(100, 108)
    assert prefetched.get(Span(8, 12)) == Span(8, 12)
    assert prefetched.get(Span(12, 16)) == Span(112, 116)
    prefetched.close()
    assert made == [(Span(0, 8), False), (Span(8, 12), False)]


def test_an_error_comes_where_its_span_is_asked_for() -> None:
    def make(span: Span) -> int:
        return 8 // (8 - span.start)

    prefetched = Prefetched(make, [Span(0, 8), Span(8, 12)], make)
    assert prefetched.get(Span(0, 8)) == 1
    with pytest.raises(ZeroDivisionError):
        prefetched.get(Span(8, 12))
    prefetched.close()


def test_nothing_is_made_ahead_any_more_once_spans_come_in_parts_or_one_failed() -> None:
    before = threading.active_count()
    prefetched = Prefetched(lambda span: span, [Span(0, 8), Span(8, 16), Span(16, 24)], lambda span: span.shift(100))
    assert prefetched.get(Span(0, 8)) == Span(0, 8)
    assert prefetched.get(Span(8, 12)) == Span(108, 112)
    assert threading.active_count() == before
    assert prefetched.get(Span(16, 24)) == Span(116, 124)

    def fail(span: Span) -> Span:
        raise RuntimeError("full")

    failing = Prefetched(fail, [Span(0, 8), Span(8, 16)], lambda span: span.shift(100))
    with pytest.raises(RuntimeError, match="full"):
        failing.get(Span(0, 8))
    assert failing.get(Span(0, 4)) == Span(100, 104)
    assert failing.get(Span(8, 16)) == Span(108, 116)


def test_the_thread_that_works_ahead_keeps_the_bound_of_compute_threads() -> None:
    def work(span: Span) -> float:
        pictures, kernels = torch.empty(8, 3, 480, 416), torch.empty(16, 3, 5, 5)
        before_s, own_s = time.process_time(), time.thread_time()
        torch.nn.functional.conv2d(pictures, kernels)
        return (time.process_time() - before_s) / (time.thread_time() - own_s)

    with compute_threads(1):
        prefetched = Prefetched(work, [Span(0, 1)], work)
        assert prefetched.get(Span(0, 1)) < 1.5
        prefetched.close()
