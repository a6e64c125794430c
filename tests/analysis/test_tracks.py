from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import Tracklet, find_gaps, slice_motion, slice_track
from dpe_toolkit.analysis.choosing import choose_face
from dpe_toolkit.analysis.tracks import build_track, find_people
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.choice import FaceChoice
from dpe_toolkit.face.codes import CodeSpace, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections
from tests.analysis.test_association import detections


def line(num_frames: int, seen: set[int], step: float = 2.0) -> tuple[Tracklet, list[Detections]]:
    found = [detections((100 + step * row, 50, 20)) if row in seen else Detections.none(3) for row in range(num_frames)]
    rows = sorted(seen)
    return Tracklet(rows, [0] * len(rows)), found


@settings(deadline=None)
@given(st.sets(st.integers(0, 19), min_size=1))
def test_sightings_are_kept_and_gaps_between_them_are_linear(seen: set[int]) -> None:
    person, found = line(20, seen)
    track = build_track(person, found, Span(5, 25))
    assert track.index.tolist() == list(range(5, 25))
    assert set(np.flatnonzero(track.present).tolist()) == seen
    expected = 100 + 2.0 * np.clip(np.arange(20), min(seen), max(seen))
    np.testing.assert_allclose(track.landmarks_px[:, 0, 0], expected, atol=1e-3)
    np.testing.assert_allclose(track.boxes_px[:, 0], expected - 10, atol=1e-3)
    assert (track.scores[~track.present] == 0).all()


def test_gaps_tell_how_far_the_face_moved_and_that_ends_have_no_bridge() -> None:
    person, found = line(12, {2, 3, 4, 8, 9})
    gaps = find_gaps(build_track(person, found, Span(0, 12)))
    assert [gap.rows for gap in gaps] == [Span(0, 2), Span(5, 8), Span(10, 12)]
    assert gaps[1].moved == pytest.approx(8 / 20)
    assert gaps[0].moved == gaps[2].moved == float("inf")


def test_gaps_without_landmarks_go_by_the_box() -> None:
    found = [detections((100 + 2 * row, 50, 20), mesh=False) for row in range(6)]
    track = build_track(Tracklet([0, 1, 5], [0, 0, 0]), found, Span(0, 6))
    assert find_gaps(track)[0].moved == pytest.approx(8 / 20)


def test_a_face_seen_for_two_frames_of_many_is_taken_for_a_false_one() -> None:
    found = [detections((50, 50, 20), (200, 50, 20) if row in (3, 4) else None) for row in range(10)]
    assert len(find_people(found, Fraction(25))) == 1


def test_a_still_needs_no_three_frames() -> None:
    assert len(find_people([detections((50, 50, 20))], Fraction(25))) == 1


def crowd() -> tuple[list[Tracklet], list[Detections]]:
    found = [
        detections((200, 50, 40) if row >= 2 else None, (50, 50, 20), (300, 50, 30) if row < 6 else None)
        for row in range(10)
    ]
    return find_people(found, Fraction(25)), found


@pytest.mark.parametrize(
    ("choice", "x"),
    [
        (FaceChoice(), 200),
        (FaceChoice(by="left"), 50),
        (FaceChoice(by="right"), 300),
        (FaceChoice(by="index", index=1), 200),
        (FaceChoice(by="index", index=2), 300),
    ],
)
def test_the_face_asked_for_is_picked(choice: FaceChoice, x: float) -> None:
    people, found = crowd()
    picked = choose_face(people, found, choice, Span(0, 10))
    assert picked is not None
    assert found[picked.rows[0]].boxes_px[picked.picks[0], ::2].mean() == x


def test_people_outside_the_focus_do_not_count() -> None:
    people, found = crowd()
    picked = choose_face(people, found, FaceChoice(by="right"), Span(7, 10))
    assert picked is not None
    assert found[picked.rows[0]].boxes_px[picked.picks[0], ::2].mean() == 200
    assert choose_face(people, found, FaceChoice(by="index", index=3), Span(0, 10)) is None
    assert choose_face([], found, FaceChoice(), Span(0, 10)) is None


def test_slices_keep_their_place_in_the_media() -> None:
    person, found = line(10, set(range(10)))
    track = build_track(person, found, Span(20, 30))
    assert slice_track(track, Span(3, 7)).index.tolist() == [23, 24, 25, 26]
    codes = MotionCode(CodeSpace("t", 1, 1), torch.arange(10.0)[:, None], torch.zeros(10, 1))
    motion = MotionTrack(codes, codes.take(slice(0, 1)), track.present, track.blendshapes, 20)
    part = slice_motion(motion, Span(3, 7))
    assert (part.start, len(part), float(part.codes.expression[0, 0])) == (23, 4, 3.0)
