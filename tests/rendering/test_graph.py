from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import BLOCK, ComponentPool
from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.core.timing import Span
from dpe_toolkit.rendering import Executor
from dpe_toolkit.rendering.graph import GraphContext, ShotGraph
from dpe_toolkit.rendering.nodes import BlackNode
from dpe_toolkit.rendering.sequence import SequenceNode
from dpe_toolkit.rendering.takes import output_spans, row_runs
from tests.analysis.fakes import COLOR, LAYOUT, Registry, Shelf
from tests.rendering.scenes import plan, shot
from tests.rendering.test_mapping import medium


@settings(deadline=None)
@given(st.integers(0, 90), st.integers(1, 100), st.integers(0, 50))
def test_spans_cover_what_is_left_of_a_shot_and_cross_no_block(start: int, length: int, source_start: int) -> None:
    whole = shot(medium(1000), 100, source_start=source_start)
    part = whole.trim(Span(start, start + length))
    assert part.rows == Span(start, min(start + length, 100))
    runs = [row_runs(part.shown_rows[span.start : span.stop]) for span in output_spans(part)]
    assert all(len(one) == 1 for one in runs)
    assert [row for one in runs for span in one for row in span] == list(part.rows)
    assert all(span.start // BLOCK == (span.stop - 1) // BLOCK for one in runs for span in one)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=20))
def test_runs_of_rows_hold_each_row_once_and_cross_no_block(rows: list[int]) -> None:
    runs = row_runs(rows)
    held = [row for run in runs for row in run]
    assert sorted(held) == sorted(set(rows))
    assert all(run.start // BLOCK == (run.stop - 1) // BLOCK for run in runs)


@pytest.mark.parametrize(
    ("rows", "runs"),
    [
        (range(13, 5, -1), [Span(8, 14), Span(6, 8)]),
        ((0, 0, 1, 1, 2, 2), [Span(0, 3)]),
        ((0, 4, 8), [Span(0, 1), Span(4, 5), Span(8, 9)]),
        ((9, 5, 1), [Span(9, 10), Span(5, 6), Span(1, 2)]),
        ((7, 7, 7), [Span(7, 8)]),
    ],
)
def test_rows_that_go_down_or_repeat_are_read_in_runs(rows: Sequence[int], runs: list[Span]) -> None:
    assert row_runs(tuple(rows)) == runs


@pytest.mark.parametrize(
    ("layout", "color", "values"),
    [
        (PixelLayout("yuv420p", "yuv", 8, (1, 1)), ColorInfo(), [16, 128, 128]),
        (PixelLayout("yuv422p10le", "yuv", 10, (1, 0)), ColorInfo(range=2), [0, 512, 512]),
        (PixelLayout("gbrap", "rgb", 8, alpha=True), ColorInfo(), [0, 0, 0, 255]),
        (PixelLayout("gray", "gray", 8), ColorInfo(), [0]),
    ],
)
def test_a_gap_is_black_and_opaque_in_every_layout(layout: PixelLayout, color: ColorInfo, values: list[int]) -> None:
    node = BlackNode(layout, color, (11, 7), Fraction(25), 10)
    batch = Executor().pull(node, Span(2, 5))
    assert [np.unique(plane).tolist() for plane in batch.planes] == [[value] for value in values]
    assert batch.planes[0].shape == (3, 7, 11)
    if layout.family == "yuv":
        assert batch.planes[1].shape == (3, 4 if layout.chroma_shift[1] else 7, 6)
    assert batch.planes[0].dtype == (np.uint8 if layout.depth == 8 else np.uint16)


@settings(deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=8), st.integers(0, 60), st.integers(1, 30))
def test_a_sequence_needs_each_shot_for_its_own_rows(lengths: list[int], start: int, length: int) -> None:
    whole = plan(*(shot(None, one, name=str(i)) for i, one in enumerate(lengths)))
    span = Span(start, start + length).intersect(Span(0, sum(lengths)))
    assume(len(span) > 0)
    owners = [(i, row) for i, one in enumerate(lengths) for row in range(one)]
    context = GraphContext(
        ComponentPool(Registry(), torch.device("cpu")), Shelf({}), LAYOUT, COLOR, (16, 16), Fraction(25)
    )

    def build(take: object) -> ShotGraph:
        raise AssertionError("there is no media to read")

    sequence = SequenceNode(whole, {}, build, context)
    needs = sequence.needs(span)
    # by identity: two gaps of one length are equal
    places = {id(sequence.shown(i)): i for i in range(len(lengths))}
    assert [(places[id(node)], row) for node, rows in needs for row in rows] == owners[span.start : span.stop]
    assert sum(len(batch) for batch in Executor().pull(sequence, span)) == len(span)
