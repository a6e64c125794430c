"""Rates, speeds and freeze frames: every output frame shows the media frame computed by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader
from tests.conformance.scenes import (
    FILM,
    NTSC,
    Stage,
    black,
    clip,
    expected_at,
    gap,
    lane,
    numbers,
    speed,
    stack,
    stretch,
    time,
    track,
)

pytestmark = pytest.mark.smoke


def test_the_frames_of_a_cut_are_those_of_its_clips(stage: Stage) -> None:
    shown = stage.shown(track(clip("a.mp4", 10, 13), gap(3), clip("b.mp4", 40, 9)))
    assert shown == lane(0, range(10, 23)) + black(3) + lane(1, range(40, 49))


def test_unedited_frames_of_the_timelines_size_and_rate_stay_bit_identical(stage: Stage) -> None:
    result = stage.render(stage.plan(track(clip("c.mkv", 5, 20))))
    with VideoReader(stage.folder / "c.mkv") as reader:
        source = reader.read(Span(5, 25))
    for before, after in zip(source.planes, result.planes, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("scalar", "frames"),
    [
        (2, range(10, 34, 2)),
        (0.5, np.repeat(range(10, 16), 2)),
        (3, range(10, 46, 3)),
        (1.5, [10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26]),
        (-1, range(21, 9, -1)),
        (-2, range(33, 9, -2)),
        (-0.5, np.repeat(range(15, 9, -1), 2)),
        (0, [10] * 12),
    ],
)
def test_a_time_warp_shows_the_frames_of_its_speed(stage: Stage, scalar: float, frames: Any) -> None:
    shown = stage.shown(track(clip("a.mp4", 10, 12, speed(scalar)), clip("b.mp4", 0, 3)))
    assert shown == lane(0, frames) + lane(1, range(3))


def test_two_speeds_on_a_clip_multiply(stage: Stage) -> None:
    assert stage.shown(track(clip("a.mp4", 10, 8, speed(4), speed(-0.5)))) == lane(0, range(25, 9, -2))


@pytest.mark.parametrize(
    ("media", "rate", "number"), [("film.mp4", FILM, 1), ("ntsc.mp4", NTSC, 2), ("fifty.mp4", Fraction(50), 3)]
)
def test_media_of_another_rate_are_shown_by_time(stage: Stage, media: str, rate: Fraction, number: int) -> None:
    whole = clip(media, 0, round(rate), rate=float(rate))
    shown = stage.shown(track(clip("a.mp4", 0, 5), clip("b.mp4", 0, 5), clip("a.mp4", 9, 4)), track(whole, name="V2"))
    seconds = round(rate) / rate
    count = -int(-seconds * 25 // 1)
    assert shown[:count] == lane(number, expected_at(count, rate, Fraction(25)))


@pytest.mark.parametrize(
    ("output", "media"), [(NTSC, Fraction(25)), (FILM, Fraction(25)), (Fraction(50), Fraction(25))]
)
def test_a_timeline_takes_the_rate_of_most_clips(stage: Stage, output: Fraction, media: Fraction) -> None:
    name, number = {NTSC: ("ntsc.mp4", 2), FILM: ("film.mp4", 1), Fraction(50): ("fifty.mp4", 3)}[output]
    own = [clip(name, 3 * part, 3, rate=float(output)) for part in range(2)]
    plan = stage.plan(track(clip("a.mp4", 10, 15), *own))
    shown = numbers(stage.render(plan))
    assert plan.rate == output
    lead = -int(-Fraction(15, 25) * output // 1)
    assert shown[:lead] == lane(0, expected_at(lead, Fraction(25), output, 10))
    # The clip behind it begins between frames: its first whole frame is the one on screen then.
    late = lead / output - Fraction(15, 25)
    assert shown[lead:] == lane(number, [int(late * output + n) for n in range(len(shown) - lead)])


def test_a_start_timecode_counts_from_the_first_frame(stage: Stage) -> None:
    shown = stage.shown(track(clip("timecode.mov", 90010, 12)))
    assert shown == lane(3, range(10, 22))
    backwards = stage.shown(track(clip("timecode.mov", 90010, 12, speed(-1))))
    assert backwards == shown[::-1]


def test_the_global_start_time_is_the_start_timecode_of_the_output(stage: Stage) -> None:
    plan = stage.plan(track(clip("a.mp4", 0, 3)), start=time(86400, 24))
    stage.render(plan, "out.mov")
    with VideoReader(stage.folder / "out.mov") as reader:
        assert reader.info.start_frame == 90000


def test_speeds_of_nested_stacks_multiply_with_those_inside(stage: Stage) -> None:
    inner = stack(track(clip("a.mp4", 10, 10, speed(2)), clip("b.mp4", 5, 10)), effects=(speed(0.5),))
    inner.source_range = stretch(6, 12)
    # Moments 6, 6.5, 7 ... of the inside: the first clip at double speed from its seventh frame on.
    first = [10 + int(2 * (6 + n / 2)) for n in range(8)]
    second = [5 + int(n / 2) for n in range(4)]
    assert stage.shown(track(inner)) == lane(0, first) + lane(1, second)


def test_a_nested_stack_runs_backwards_with_all_that_is_in_it(stage: Stage) -> None:
    inner = stack(track(clip("a.mp4", 10, 6), gap(2), clip("b.mp4", 20, 5, speed(-1))), effects=(speed(-1),))
    assert stage.shown(track(inner)) == lane(1, range(20, 25)) + black(2) + lane(0, range(15, 9, -1))


def test_a_nested_stack_is_frozen_where_it_begins(stage: Stage) -> None:
    inner = stack(track(clip("a.mp4", 10, 6), clip("b.mp4", 20, 6, speed(-1))), held=stretch(8, 5))
    inner.effects.append(speed(0))
    assert stage.shown(track(inner)) == lane(1, [23] * 5)


def test_speed_and_rate_multiply(stage: Stage) -> None:
    fast = clip("fifty.mp4", 10, 20, speed(1.5), rate=50)
    shown = stage.shown(track(clip("a.mp4", 0, 2), clip("a.mp4", 2, 2), fast))
    assert shown[4:] == lane(3, [10 + 3 * n for n in range(10)])


def test_a_part_of_a_plan_shows_what_it_shows_in_the_whole(stage: Stage) -> None:
    plan = stage.plan(track(clip("a.mp4", 10, 12, speed(-1.5)), clip("film.mp4", 3, 24, rate=float(FILM))))
    whole = numbers(stage.render(plan))
    for start, stop in ((3, 17), (11, 13), (20, 30)):
        assert numbers(stage.render(plan.trim(Span(start, stop)))) == whole[start:stop]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (clip("a.mp4", 50, 20), "clip 'a': it asks for frames 50 to 69 of 'a.mp4', of which 10 are missing"),
        (clip("a.mp4", 30, 20, speed(2)), "clip 'a': it asks for frames 30 to 68 of 'a.mp4', of which 5 are missing"),
        (clip("a.mp4", 30, 20, speed(-2)), "clip 'a': it asks for frames 31 to 69 of 'a.mp4', of which 5 are missing"),
        (clip("film.mp4", 48, 24, rate=24.0), "of 'film.mp4', of which"),
    ],
)
def test_trims_beyond_the_media_are_refused_by_number(stage: Stage, item: Any, message: str) -> None:
    (problem,) = stage.plan(track(item)).errors
    assert message in str(problem)


def test_reading_backwards_decodes_each_frame_about_once(stage: Stage) -> None:
    from dpe_toolkit.rendering.footage import RereadingReader

    long = stage.media("long.mp4", lane=0, num_frames=500)
    decoded = 0

    class Counting(VideoReader):
        def _frame_at(self, index: int) -> Any:
            nonlocal decoded
            before = self._next if self._reaches(index) else None
            frame = super()._frame_at(index)
            decoded += (
                index + 1 - (before if before is not None else int(self._index.keys[self._index.keys <= index][-1]))
            )
            return frame

    kept = 168 * 96 * 3 // 2 * 64
    with RereadingReader(Counting(stage.folder / long), kept_bytes=kept) as reader:
        for start in range(492, -1, -8):
            batch = reader.read(Span(start, start + 8))
            assert batch.index.tolist() == list(range(start, start + 8))
    # Groups of 250 pictures in runs of 64 frames are decoded 3 times over; 8 frames at a time would be 16 times.
    assert decoded < 3.5 * 500
