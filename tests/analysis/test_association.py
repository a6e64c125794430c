from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import associate
from dpe_toolkit.face.tracks import Detections

RATE = Fraction(25)
Place = tuple[float, float, float]
"""x, y of the centre and side, in pixels."""


def detections(*places: Place | None, mesh: bool = True) -> Detections:
    seen = [place for place in places if place is not None]
    if not seen:
        return Detections.none(3 if mesh else 0)
    boxes = np.array([(x - s / 2, y - s / 2, x + s / 2, y + s / 2) for x, y, s in seen], np.float32)
    points = np.array([[(x, y, 0), (x - s / 3, y, 0), (x, y + s / 3, 0)] for x, y, s in seen], np.float32)
    scores = np.ones(len(seen), np.float32)
    return Detections(boxes, points if mesh else points[:, :0], scores, np.zeros((len(seen), 0), np.float32))


@settings(deadline=None)
@given(
    gap=st.floats(1.2, 4),
    steps=st.integers(10, 60),
    ratio=st.floats(0.7, 1.4),
    mesh=st.booleans(),
    seed=st.integers(0, 99),
)
def test_two_faces_crossing_at_a_distance_never_swap(
    gap: float, steps: int, ratio: float, mesh: bool, seed: int
) -> None:
    shuffle = random.Random(seed)
    frames, owners = [], []
    for step in range(steps):
        share = step / (steps - 1)
        places: list[Place] = [(100 + 200 * share, 100, 50), (300 - 200 * share, 100 + 50 * gap, 50 * ratio)]
        order = [0, 1]
        shuffle.shuffle(order)
        frames.append(detections(*(places[i] for i in order), mesh=mesh))
        owners.append(order)
    people = associate(frames, RATE)
    assert len(people) == 2
    for person in people:
        assert person.rows == list(range(steps))
        assert len({owners[row][pick] for row, pick in zip(person.rows, person.picks, strict=True)}) == 1


def test_a_face_that_passes_behind_another_is_found_again() -> None:
    frames = []
    for step in range(40):
        behind = (60 + 8 * step, 105.0, 40.0)
        hidden = abs(behind[0] - 220) < 40
        frames.append(detections((220, 100, 60), None if hidden else behind))
    people = associate(frames, RATE)
    assert len(people) == 2
    assert all(detections_of(person, frames) in ([220.0], sorted(detections_of(person, frames))) for person in people)
    assert sorted(len(person) for person in people)[1] == 40


def detections_of(person: object, frames: list[Detections]) -> list[float]:
    rows, picks = person.rows, person.picks  # type: ignore[attr-defined] # a tracklet
    centres = [float(frames[r].boxes_px[p, ::2].mean()) for r, p in zip(rows, picks, strict=True)]
    return sorted(set(centres)) if len(set(centres)) == 1 else centres


def test_a_lone_face_lost_for_a_second_is_the_same_person_afterwards() -> None:
    frames = [detections((100, 100, 50))] * 10 + [detections()] * 25 + [detections((150, 110, 55))] * 10
    (person,) = associate(frames, RATE)
    assert person.rows == [*range(10), *range(35, 45)]


def test_a_face_that_appears_far_away_is_another_person() -> None:
    frames = [detections((50, 50, 20))] * 5 + [detections((300, 200, 20))] * 5
    assert [person.rows for person in associate(frames, RATE)] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_two_candidates_that_are_equally_near_are_not_guessed_between() -> None:
    frames = [detections((100, 100, 40))] * 5 + [detections()] * 12 + [detections((75, 100, 40), (125, 100, 40))] * 5
    assert sorted(len(person) for person in associate(frames, RATE)) == [5, 5, 5]


def test_a_face_is_not_taken_for_one_of_another_size() -> None:
    frames = [detections((100, 100, 80))] * 4 + [detections((100, 100, 20))] * 4
    assert len(associate(frames, RATE)) == 2


def test_nobody_is_nobody() -> None:
    assert associate([Detections.none()] * 3, RATE) == []
