from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import prefetch


@settings(deadline=None)
@given(st.lists(st.integers()), st.integers(1, 4))
def test_items_come_in_order_whatever_the_depth(items: list[int], depth: int) -> None:
    with prefetch(items, depth) as produced:
        assert list(produced) == items


def test_an_error_of_the_producer_is_raised_where_its_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("gone")

    with prefetch(broken()) as produced:
        assert next(produced) == 1
        with pytest.raises(KeyError, match="gone"):
            next(produced)


def test_the_producer_is_never_more_than_depth_ahead() -> None:
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken = number + 1
            yield number

    with prefetch(count(), depth=2) as produced:
        next(produced)
        time.sleep(0.15)
        # one handed over, two waiting, one in the producer's hand
        assert taken <= 4


def test_leaving_early_ends_the_thread() -> None:
    before = threading.active_count()
    with prefetch(iter(int, 1)) as produced:
        next(produced)
    assert threading.active_count() == before
