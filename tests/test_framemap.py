"""Which media frame each output frame shows, against maps computed by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import ShotPlan
from dpe_toolkit.plans.take import Take

FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)
MEDIA = MediaPlan(path=Path("a.mov"), digest="sha256:a", width=64, height=48, num_frames=500, rate=Fraction(25))

steps = st.sampled_from([Fraction(1), FILM / 25, NTSC / 25, Fraction(2), Fraction(1, 2), Fraction(0)])
signed = st.tuples(steps, st.sampled_from([1, -1])).map(lambda pair: pair[0] * pair[1])
starts = st.fractions(150, 200, max_denominator=9)


def shown(start: Fraction | int, step: Fraction | int, count: int) -> list[int]:
    return list(FrameMap(start=Fraction(start), step=Fraction(step)).frames(Span(0, count)))


@pytest.mark.parametrize(
    ("start", "step", "frames"),
    [
        (10, 1, [10, 11, 12, 13, 14, 15]),
        (10, 2, [10, 12, 14, 16, 18, 20]),
        (10, Fraction(1, 2), [10, 10, 11, 11, 12, 12]),
        (10, 0, [10, 10, 10, 10, 10, 10]),
        (16, -1, [15, 14, 13, 12, 11, 10]),
        (16, -2, [15, 13, 11, 9, 7, 5]),
        (16, Fraction(-1, 2), [15, 15, 14, 14, 13, 13]),
        (0, Fraction(24, 25), [0, 0, 1, 2, 3, 4]),
        (0, Fraction(5, 4), [0, 1, 2, 3, 5, 6]),
        (Fraction(1, 2), 1, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_an_output_frame_shows_what_is_on_screen_when_it_begins(
    start: Fraction, step: Fraction, frames: list[int]
) -> None:
    assert shown(start, step, 6) == frames


def test_film_in_a_25_frame_timeline_repeats_one_frame_in_24_and_never_drifts() -> None:
    frames = shown(0, FILM / 25, 25 * 60 * 20)
    assert frames[:26] == [0, 0, *range(1, 24), 23][:26]
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(frames))
    assert frames[-1] == int((25 * 60 * 20 - 1) * FILM / 25)


@given(starts, signed, st.integers(1, 60))
def test_frame_by_frame_or_all_at_once_is_the_same_and_inside_what_is_covered(
    start: Fraction, step: Fraction, count: int
) -> None:
    line = FrameMap(start=start, step=step)
    frames = line.frames(Span(0, count))
    assert frames == tuple(line.frame(one) for one in range(count))
    assert line.covers(count) == Span(min(frames), max(frames) + 1)


@given(st.integers(100, 200), st.integers(1, 60))
def test_backwards_shows_the_frames_of_forwards_from_the_end(start: int, count: int) -> None:
    assert shown(start + count, -1, count) == shown(start, 1, count)[::-1]


@given(starts, signed, st.integers(0, 30), st.integers(1, 30))
def test_a_line_counted_from_later_shows_the_same(start: Fraction, step: Fraction, skip: int, count: int) -> None:
    line = FrameMap(start=start, step=step)
    assert line.later(skip).frames(Span(0, count)) == line.frames(Span(skip, skip + count))


def shot(start: Fraction, step: Fraction, count: int, **changes: object) -> ShotPlan:
    line = FrameMap(start=start, step=step)
    plain = {"id": "t", "name": "a", "source": MEDIA, "num_frames": count, "time": line}
    return ShotPlan.of(Take.model_validate(plain | changes), 7)


@given(starts, signed, st.integers(0, 30), st.integers(1, 30), st.integers(0, 10))
def test_a_trimmed_shot_shows_the_frames_and_rows_of_the_whole(
    start: Fraction, step: Fraction, skip: int, count: int, more: int
) -> None:
    whole = shot(start, step, skip + count + more)
    part = whole.trim(Span(7 + skip, 7 + skip + count))
    assert part.media_frames == whole.media_frames[skip : skip + count]
    assert part.shown_rows == whole.shown_rows[skip : skip + count]
    assert set(part.shown_rows) <= set(part.rows)
    assert part.take is whole.take


def test_the_rows_of_a_held_frame_follow_the_output() -> None:
    held = shot(Fraction(30), Fraction(0), 10, held_rate=Fraction(25))
    assert held.shown_rows == tuple(range(10))
    assert held.media_frames == (30,) * 10
    assert held.trim(Span(10, 12)).shown_rows == (3, 4)
    assert held.row_rate == 25
