"""Which of several people a shot means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.analysis.association import Tracklet
from dpe_toolkit.analysis.choosing import choose_face, describe_person, left_to_right
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.choice import FACE_FORMS, FaceChoice, parse_face
from dpe_toolkit.face.tracks import Detections

PICTURE = (200, 100)
Box = tuple[int, int, int]
"""Left, top, side."""


def cast(*people: Box, rows: int = 10, seen: dict[int, range] | None = None) -> tuple[list[Tracklet], list[Detections]]:
    """People who stand still, each as one tracklet."""
    seen = seen or {}
    detections, tracklets = [], [Tracklet() for _ in people]
    for row in range(rows):
        boxes = []
        for number, (left, top, side) in enumerate(people):
            if row in seen.get(number, range(rows)):
                tracklets[number].rows.append(row)
                tracklets[number].picks.append(len(boxes))
                boxes.append((left, top, left + side, top + side))
        detections.append(
            Detections(
                np.array(boxes, np.float32).reshape(-1, 4),
                np.zeros((len(boxes), 0, 3), np.float32),
                np.ones(len(boxes), np.float32),
                np.zeros((len(boxes), 0), np.float32),
            )
        )
    return tracklets, detections


THREE = ((10, 20, 30), (90, 50, 12), (150, 10, 40))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("largest", 2),
        ("smallest", 1),
        ("left", 0),
        ("right", 2),
        ("1", 1),
        ("position:0.1,0.3", 0),
        ("position:0.9,0.9", 2),
        ("size:0.31", 0),
        ("size:0.1", 1),
        ("track:105,0.48,0.56", 1),
        ("track:0,0.12,0.35", 0),
        ("track:999,0.85,0.3", 2),
    ],
)
def test_a_face_is_chosen_as_it_is_written(text: str, who: int) -> None:
    people, detections = cast(*THREE)
    found = choose_face(people, detections, parse_face(text), Span(0, 10), picture_px=PICTURE, first_frame=100)
    assert found is people[who]


def test_a_track_means_who_is_seen_in_its_frame_though_others_come_nearer_later() -> None:
    people, detections = cast((10, 20, 30), (12, 20, 30), seen={0: range(5), 1: range(5, 10)})
    pick = FaceChoice(by="track", frame=7, x=25 / 200, y=0.35)
    assert choose_face(people, detections, pick, Span(0, 10), picture_px=PICTURE) is people[1]


def test_nobody_seen_in_the_focus_is_chosen() -> None:
    people, detections = cast(*THREE, seen={0: range(2), 1: range(2), 2: range(2)})
    assert choose_face(people, detections, FaceChoice(by="smallest"), Span(5, 10), picture_px=PICTURE) is None


boxes = st.lists(
    st.tuples(st.integers(0, 170), st.integers(0, 70), st.integers(8, 30)),
    min_size=1,
    max_size=5,
    unique_by=lambda b: b[:2],
)


@given(boxes, st.integers(0, 500))
def test_what_the_sheet_says_of_a_person_means_that_person(people: list[Box], first: int) -> None:
    tracklets, detections = cast(*people)
    for one in left_to_right(tracklets, detections, Span(0, 10)):
        seen = describe_person(one, detections, Span(0, 10), picture_px=PICTURE, first_frame=first)
        again = parse_face(str(seen.choice))
        assert again == seen.choice
        found = choose_face(tracklets, detections, again, Span(0, 10), picture_px=PICTURE, first_frame=first)
        middles = {i: (left + side / 2, top + side / 2) for i, (left, top, side) in enumerate(people)}
        assert found is not None
        assert middles[tracklets.index(found)] == pytest.approx(middles[tracklets.index(one)], abs=0.3)


@pytest.mark.parametrize("text", ["middle", "position:0.5", "position:2,0.5", "size:-1", "track:0.5,0.5", ""])
def test_a_face_that_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not known|less than or equal to 1"):
        parse_face(text)


@given(st.sampled_from(["largest", "smallest", "left", "right"]) | st.integers(0, 9).map(str))
def test_words_and_numbers_are_read(text: str) -> None:
    assert str(parse_face(text)).removeprefix("index ") == text
    assert "track:FRAME,X,Y" in FACE_FORMS
