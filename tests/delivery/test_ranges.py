from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import OptionsError, PlanError
from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span, format_timecode
from dpe_toolkit.delivery.choices import Part
from dpe_toolkit.delivery.plan import narrow
from dpe_toolkit.delivery.ranges import ends_beyond, parse_assignments, parse_face, parse_span, pick_shots
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.take import Take

RATE = Fraction(25)
MEDIA = MediaPlan(path=Path("a.mp4"), digest="sha256:0", width=64, height=64, num_frames=500, rate=RATE)


def plan_of(*shots: tuple[str, int]) -> RenderPlan:
    position, made = 0, []
    for name, frames in shots:
        take = Take(
            id=str(position),
            name=name,
            source=MEDIA,
            num_frames=frames,
            time=FrameMap(start=Fraction(position)),
        )
        made.append(ShotPlan.of(take, position))
        position += frames
    return RenderPlan(toolkit_version="0", timeline="cut", rate=RATE, width=64, height=64, shots=tuple(made))


@given(start=st.integers(0, 400), length=st.integers(1, 99), offset=st.sampled_from([0, 25 * 3600]))
def test_a_run_of_frames_is_the_same_in_frames_and_timecode(start: int, length: int, offset: int) -> None:
    stop = start + length
    codes = [format_timecode(offset + frame, RATE) for frame in (start, stop)]
    for text in (f"{start}:{stop}", f"{codes[0]}:{codes[1]}"):
        assert parse_span(text, RATE, num_frames=500, start_frame=offset) == Span(start, stop)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("48:", Span(48, 500)),
        (":96", Span(0, 96)),
        ("2s:4s", Span(50, 100)),
        ("00:00:02:00:", Span(50, 500)),
        (":00:00:02:00", Span(0, 50)),
        ("2s:00:00:04:00", Span(50, 100)),
        ("00:00:02:00 : 4s", Span(50, 100)),
        ("490:9999", Span(490, 500)),
    ],
)
def test_either_end_of_a_run_may_be_left_out(text: str, span: Span) -> None:
    assert parse_span(text, RATE, num_frames=500) == span


@pytest.mark.parametrize("text", ["", "12", ":", "1:2:3", "::", "0:00:00:02:00", "00:00:02:00:96", "a:b"])
def test_text_that_is_no_run_is_refused(text: str) -> None:
    with pytest.raises(OptionsError, match=r"is no run of frames. A:B in frames \(48:96\)"):
        parse_span(text, RATE, num_frames=500)


@pytest.mark.parametrize("text", ["96:48", "48:48", "500:600"])
def test_a_run_without_a_frame_is_refused(text: str) -> None:
    with pytest.raises(OptionsError, match=f"frames {text} hold none of the 500 frames there are"):
        parse_span(text, RATE, num_frames=500)


def test_a_run_behind_the_end_is_answered_in_the_form_that_was_typed() -> None:
    with pytest.raises(OptionsError, match="A below 01:00:02:00"):
        parse_span("01:00:09:00:01:00:10:00", Fraction(25), num_frames=50, start_frame=90000)


def test_a_face_is_a_word_or_a_number() -> None:
    assert [str(parse_face(text)) for text in ("left", "largest", "2")] == ["left", "largest", "index 2"]


def test_an_unknown_face_is_refused() -> None:
    with pytest.raises(OptionsError, match=r"face 'middle' is not known. largest, smallest, left, right"):
        parse_face("middle")


def test_the_last_of_two_assignments_counts() -> None:
    assert parse_assignments(["feather.feather-px=8", "feather.feather_px=12"]) == {("feather", "feather_px"): 12}


def test_no_assignment_is_an_empty_choice() -> None:
    assert parse_assignments(None) == {}


def test_picked_shots_close_up_and_keep_their_media_frames() -> None:
    picked = pick_shots(plan_of(("a", 10), ("b", 20), ("c", 30), ("b", 5)), ["b"])
    assert [(shot.record_start, shot.num_frames, shot.source_start) for shot in picked.shots] == [
        (10, 20, 10),
        (30, 5, 60),
    ]


def test_a_trimmed_shot_moves_and_keeps_its_take() -> None:
    trimmed = plan_of(("a", 10), ("b", 20), ("c", 30)).trim(Span(5, 40))
    (first, last) = pick_shots(trimmed, ["a", "c"]).shots
    assert (first.record, last.record) == (Span(5, 10), Span(10, 20))
    assert (last.source_start, last.take) == (30, trimmed.takes[-1])


def test_an_unknown_shot_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PlanError, match=r"the timeline has no shot 'sh01' here. did you mean 'sh010'\?"):
        pick_shots(plan_of(("sh010", 10)), ["sh01"])


def test_a_shot_outside_the_frames_asked_for_is_told_apart_from_an_unknown_one() -> None:
    plan = plan_of(("a", 10), ("b", 5))
    with pytest.raises(OptionsError, match="shot 'a' has none of the frames 12:14"):
        narrow(plan, Part("12:14", ("a",)))
    with pytest.raises(PlanError, match="no shot 'c'"):
        narrow(plan, Part("12:14", ("c",)))


@pytest.mark.parametrize(
    ("text", "beyond"),
    [("0:10", False), ("0:11", True), ("5:", False), (":9", False), ("0s:1s", True), ("2:10", False)],
)
def test_a_run_that_was_to_end_after_the_last_frame_is_known(text: str, beyond: bool) -> None:
    assert ends_beyond(text, Fraction(25), num_frames=10) is beyond
