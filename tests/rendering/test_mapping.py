from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.errors import RenderError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.rendering.mapping import driver_spans, map_driver
from tests.rendering.scenes import edit, take

rates = st.sampled_from([Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(50)])


def medium(num_frames: int = 100, rate: Fraction = Fraction(25), name: str = "d") -> MediaPlan:
    return MediaPlan(path=Path(name), digest="sha256:d", width=96, height=64, num_frames=num_frames, rate=rate)


def mapped(num_frames: int, driver: MediaPlan, rate: Fraction = Fraction(25), **changes: object):  # type: ignore[no-untyped-def] # a map and its edit
    asked = edit(driver, **changes)
    return map_driver(take(medium(1000, rate, "s"), num_frames), asked, rate), asked


@settings(deadline=None)
@given(rates, rates, st.fractions(0, 3, max_denominator=50), st.fractions("1/2", 2, max_denominator=8))
def test_positions_follow_seconds_exactly(
    source: Fraction, driver: Fraction, start_s: Fraction, retime: Fraction
) -> None:
    mapping, _ = mapped(48, medium(1000, driver), source, driver_start_s=start_s, retime=retime)
    expected = [float((start_s + Fraction(row) / source * retime) * driver) for row in range(48)]
    np.testing.assert_allclose(mapping.frames, expected, atol=1e-6)


def test_equal_rates_show_the_drivers_own_frames() -> None:
    rate = Fraction(30000, 1001)
    mapping, _ = mapped(50, medium(100, rate), rate, driver_start_s=Fraction(1001, 3000))
    assert mapping.frames.tolist() == list(range(10, 60))


@settings(deadline=None)
@given(st.integers(0, 70), st.integers(1, 30))
def test_a_trimmed_shot_shows_what_it_shows_in_the_whole(start: int, length: int) -> None:
    whole = take(medium(1000, name="s"), 100, edit=edit(medium(60), when_short="loop", retime=Fraction(3, 2)))
    part = ShotPlan.of(whole).trim(Span(start, start + length))
    assert whole.edit is not None
    assert part.edit is not None
    full = map_driver(whole, whole.edit, Fraction(25))
    alone = map_driver(take(medium(1000, name="s"), part.num_frames), part.edit, Fraction(25))
    np.testing.assert_allclose(alone.frames, full.frames[start : start + length], atol=1e-6)


def test_hold_keeps_the_last_frame() -> None:
    mapping, _ = mapped(20, medium(10), when_short="hold")
    assert mapping.frames.tolist() == [*range(10), *[9] * 10]
    assert mapping.covered.all()


def test_loop_starts_again_and_eases_into_its_first_frame() -> None:
    mapping, _ = mapped(25, medium(10), when_short="loop", fade_frames=2)
    assert mapping.frames.tolist() == [*range(10), *range(10), *range(5)]
    assert mapping.closing[:7].tolist() == [0] * 7
    assert 0 < mapping.closing[8] < mapping.closing[9] < 1
    assert mapping.closing[10] == 0


def test_a_driver_that_is_long_enough_is_not_eased() -> None:
    mapping, _ = mapped(10, medium(10), when_short="loop")
    assert not mapping.closing.any()


def test_passthrough_covers_what_the_driver_has() -> None:
    mapping, _ = mapped(20, medium(10), when_short="passthrough")
    assert mapping.covered.tolist() == [True] * 10 + [False] * 10


def test_a_short_driver_is_an_error_where_the_shot_says_so() -> None:
    with pytest.raises(RenderError, match=r"clip 'shot', file 'd'.*its driver at 0.40 s.*0.40 s long.*when_short"):
        mapped(20, medium(10), when_short="error")
    mapped(10, medium(10), when_short="error")


@settings(deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 3000),
    rates,
    st.fractions(0, 20, max_denominator=50),
    st.sampled_from(["hold", "loop"]),
    st.none() | st.integers(0, 2999),
)
def test_whole_blocks_of_a_driver_are_analysed_and_no_more_than_the_shot_needs(
    rows: int, frames: int, rate: Fraction, start_s: Fraction, when_short: str, neutral: int | None
) -> None:
    neutral = None if neutral is None else min(neutral, frames - 1)
    mapping, asked = mapped(
        rows,
        medium(frames, rate),
        driver_start_s=start_s,
        when_short=when_short,
        driver_neutral_frame=neutral,
    )
    wanted, used = driver_spans(mapping, asked)
    block = round(5 * rate)
    assert wanted.start <= mapping.frames.min()
    assert mapping.frames.max() <= used.stop - 1
    assert wanted.intersect(used) == used
    assert wanted.start % block == 0
    assert wanted.stop % block == 0 or wanted.stop == frames
    assert len(wanted) >= min(block, frames)
    if neutral is None:
        assert len(wanted) < len(used) + 2 * block
    else:
        assert neutral in wanted


@pytest.mark.parametrize(
    ("frames", "start_s", "rows", "neutral", "wanted"),
    [
        (375, 0, 150, None, Span(0, 250)),
        (180, 0, 150, None, Span(0, 180)),
        (2600, 50, 20, None, Span(1250, 1375)),
        (2600, 50, 20, 800, Span(750, 1375)),
        (130, Fraction(51, 10), 2, None, Span(0, 130)),
        (60, 1, 10, None, Span(0, 60)),
    ],
)
def test_what_is_analysed_of_a_driver(
    frames: int, start_s: Fraction, rows: int, neutral: int | None, wanted: Span
) -> None:
    mapping, asked = mapped(rows, medium(frames), driver_start_s=Fraction(start_s), driver_neutral_frame=neutral)
    assert driver_spans(mapping, asked)[0] == wanted


def test_shots_that_show_the_same_blocks_share_what_is_analysed() -> None:
    spans = {
        driver_spans(*mapped(rows, medium(900), driver_start_s=Fraction(start)))[0]
        for rows, start in ((20, 5), (75, 6), (25, 9))
    }
    assert spans == {Span(125, 250)}
