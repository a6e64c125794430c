from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import Tracklet
from dpe_toolkit.analysis.tracks import build_track
from dpe_toolkit.core.errors import AnalysisError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.tracks import Detections, FaceTrack
from dpe_toolkit.rendering.amounts import driver_usable, fade, source_usable
from dpe_toolkit.rendering.mapping import map_driver
from tests.analysis.test_association import detections
from tests.rendering.scenes import edit, take
from tests.rendering.test_mapping import medium

RATE = Fraction(25)


def track(num_frames: int, missing: range, step: float = 0.0, start: int = 100) -> FaceTrack:
    rows = [row for row in range(num_frames) if row not in missing]
    found = [detections((50 + step * row, 50, 20)) if row in rows else Detections.none(3) for row in range(num_frames)]
    return build_track(Tracklet(rows, [0] * len(rows)), found, Span(start, start + num_frames))


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(0, 12))
def test_a_fade_is_zero_where_not_usable_and_never_jumps(usable: list[bool], frames: int) -> None:
    amounts = fade(np.array(usable), frames)
    assert (amounts[~np.array(usable)] == 0).all()
    assert (amounts[np.array(usable)] > 0).all()
    if frames:
        assert np.abs(np.diff(amounts)).max(initial=0) <= 1.5 / (frames + 1) + 1e-9
    if all(usable):
        assert (amounts == 1).all()


def test_a_fade_reaches_all_after_its_length() -> None:
    amounts = fade(np.array([True] * 10 + [False] * 2 + [True] * 10), 5)
    assert amounts[4] == 1
    assert amounts[5] < 1
    assert amounts[0] == amounts[-1] == 1
    assert (np.diff(amounts[5:11]) < 0).all()


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 12), st.booleans(), st.booleans())
def test_an_edit_that_begins_or_ends_inside_a_take_fades_as_at_a_lost_face(
    usable: list[bool], frames: int, starts: bool, ends: bool
) -> None:
    amounts = fade(np.array(usable), frames, starts_inside=starts, ends_inside=ends)
    shown = fade(np.array([not starts, *usable, not ends]), frames)
    np.testing.assert_array_equal(amounts, shown[1:-1])


def test_only_the_end_that_lies_inside_a_take_fades() -> None:
    amounts = fade(np.ones(20, np.bool_), 5, starts_inside=True)
    assert 0 < amounts[0] < amounts[4] < amounts[5] == 1
    assert (amounts[5:] == 1).all()
    np.testing.assert_array_equal(fade(np.ones(20, np.bool_), 5, ends_inside=True), amounts[::-1])


def test_a_fade_of_no_frames_is_a_cut() -> None:
    assert fade(np.array([True, False, True]), 0).tolist() == [1, 0, 1]


def usable_rows(face: FaceTrack, policy: str) -> tuple[list[int], list[str]]:
    usable, missing = source_usable(face, edit(medium(), missing_face=policy), RATE, take(medium()))
    return np.flatnonzero(~usable).tolist(), [one.treatment for one in missing]


@pytest.mark.parametrize(
    ("length", "step", "policy", "treatment"),
    [
        (6, 0.0, "passthrough", "bridged"),
        (7, 0.0, "passthrough", "passed through"),
        (4, 3.0, "passthrough", "passed through"),
        (25, 0.0, "hold", "bridged"),
        (26, 0.0, "hold", "passed through"),
        (10, 3.0, "hold", "passed through"),
        (6, 0.0, "error", "bridged"),
    ],
)
def test_gaps_are_bridged_where_they_are_short_and_the_face_stayed(
    length: int, step: float, policy: str, treatment: str
) -> None:
    face = track(60, range(20, 20 + length), step)
    rows, treatments = usable_rows(face, policy)
    assert treatments == [treatment]
    assert rows == ([] if treatment == "bridged" else list(range(20, 20 + length)))


def test_a_gap_at_an_end_is_never_bridged() -> None:
    assert usable_rows(track(60, range(3)), "hold") == ([0, 1, 2], ["passed through"])


def test_a_missing_face_is_an_error_where_the_shot_says_so() -> None:
    with pytest.raises(AnalysisError, match=r"clip 'shot'.*frame 120.*not seen from frame 120 to 129.*missing_face"):
        usable_rows(track(60, range(20, 30)), "error")


def test_only_gaps_of_the_driver_that_the_shot_shows_matter() -> None:
    driver = edit(medium(100), driver_start_s=Fraction(1))
    mapping = map_driver(take(medium(name="s"), 20), driver, RATE)
    inside, missing = driver_usable(track(100, range(30, 40), start=0), mapping, RATE)
    assert np.flatnonzero(~inside).tolist() == list(range(5, 15))
    assert [(one.role, one.frames, one.treatment) for one in missing] == [("driver", Span(30, 40), "passed through")]
    outside, missing = driver_usable(track(100, range(60, 80), start=0), mapping, RATE)
    assert outside.all()
    assert missing == []
    short, missing = driver_usable(track(100, range(30, 33), start=0), mapping, RATE)
    assert short.all()
    assert missing[0].treatment == "bridged"


def test_a_row_between_two_driver_frames_needs_both() -> None:
    driver = edit(medium(100, Fraction(50)), driver_start_s=Fraction(1, 100))
    mapping = map_driver(take(medium(name="s"), 20), driver, RATE)
    usable, _ = driver_usable(track(100, range(20, 40), start=0), mapping, Fraction(50))
    # rows show 0.5, 2.5, 4.5 ...: row 9 shows 18.5, row 10 shows 20.5, row 19 shows 38.5
    assert np.flatnonzero(~usable).tolist() == list(range(10, 20))
