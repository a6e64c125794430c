from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset.candidates import Candidate, Refusal, find_candidates
from dpe_research.dataset.settings import BuildSettings
from dpe_toolkit.face.tracks import FaceTrack
from tests.analysis.fakes import CHOICES

FRAME = (640, 480)


def wanted(**changes: object) -> BuildSettings:
    usual = {"min_frames": 10, "max_frames": 60, "min_face_px": 50, "bridge_frames": 2, "detector": CHOICES["detector"]}
    return BuildSettings.model_validate({**usual, **changes})


def tracked(
    count: int,
    place: Callable[[int], tuple[float, float, float]] = lambda row: (320, 240, 100),
    *,
    missing: range = range(0),
) -> FaceTrack:
    """A face that is a square: centre and side by row."""
    rows = np.array([place(row) for row in range(count)], np.float32)
    half = rows[:, 2:] / 2
    boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
    corners = np.stack([boxes[:, :2], boxes[:, 2:]], axis=1)
    mesh = np.concatenate([corners, np.zeros((count, 2, 1), np.float32)], axis=2)
    present = np.array([row not in missing for row in range(count)])
    scores = np.where(present, 0.9, 0).astype(np.float32)
    return FaceTrack(np.arange(count), boxes, mesh, scores, present, np.zeros((count, 0), np.float32))


def found(track: FaceTrack, settings: BuildSettings | None = None, **given: object) -> list[Candidate | Refusal]:
    pose = given.pop("pose", np.zeros((len(track), 3), np.float32))
    others = given.pop("others", [])
    return list(find_candidates(track, pose, others, FRAME, settings or wanted(), **given))


def reasons(outcomes: list[Candidate | Refusal]) -> list[str]:
    return ["kept" if isinstance(one, Candidate) else one.reason for one in outcomes]


@settings(deadline=None)
@given(
    count=st.integers(1, 150),
    drift=st.floats(0, 4),
    lost=st.tuples(st.integers(0, 150), st.integers(0, 20)),
    seed=st.integers(0, 99),
)
def test_every_row_is_kept_or_refused_once_and_boxes_hold_the_face(
    count: int, drift: float, lost: tuple[int, int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, drift, (count, 2)), axis=0)
    track = tracked(count, lambda row: (320 + walk[row, 0], 240 + walk[row, 1], 100), missing=range(lost[0], sum(lost)))
    outcomes = found(track)
    assert [row for one in outcomes for row in one.rows] == list(range(count))
    for one in outcomes:
        if not isinstance(one, Candidate):
            continue
        left, top, right, bottom = one.box_px
        points = one.track.landmarks_px[..., :2]
        assert right - left == bottom - top
        assert left >= 0
        assert top >= 0
        assert right <= FRAME[0]
        assert bottom <= FRAME[1]
        assert points.min() >= min(left, top)
        assert (points.reshape(-1, 2) <= [right, bottom]).all()
        assert 10 <= len(one.rows) <= 60
        assert np.array_equal(one.track.index, np.arange(one.rows.start, one.rows.stop))


def test_a_short_loss_is_bridged_and_a_long_one_splits() -> None:
    assert reasons(found(tracked(40, missing=range(20, 22)))) == ["kept"]
    outcomes = found(tracked(40, missing=range(20, 23)))
    assert reasons(outcomes) == ["kept", "face-lost", "kept"]
    assert "3 frames without the face; at most 2 are bridged" in outcomes[1].detail


def test_a_short_clip_says_what_it_lies_between() -> None:
    (only,) = found(tracked(9))
    assert (only.reason, only.detail) == ("too-short", "9 frames in all; at least 10")
    (only,) = found(tracked(9), edges=("cut", "face-lost"))
    assert (only.reason, only.detail) == ("cuts-inside", "9 frames between a cut and a lost face; at least 10")


def test_a_jump_of_the_face_is_a_cut() -> None:
    outcomes = found(tracked(40, lambda row: (200 if row < 20 else 400, 240, 100)))
    assert reasons(outcomes) == ["kept", "kept"]
    assert outcomes[0].rows.stop == 20


def test_a_head_that_travels_far_begins_a_new_clip() -> None:
    outcomes = found(tracked(60, lambda row: (150 + 5 * row, 240, 100)))
    assert len(outcomes) > 2
    assert "kept" in reasons(outcomes)
    left = found(tracked(30, lambda row: (150 + 10 * row, 240, 100)))
    assert set(reasons(left)) == {"head-leaves-box"}
    assert "a large movement of the head" in left[0].detail


def test_a_long_run_is_split_evenly() -> None:
    assert [len(one.rows) for one in found(tracked(130))] == [43, 43, 44]


def test_a_small_face_is_refused() -> None:
    (only,) = found(tracked(40, lambda row: (320, 240, 49)))
    assert (only.reason, only.detail) == ("too-small", "the face is 49 px; at least 50")


def test_turned_heads_are_cut_out() -> None:
    pose = np.zeros((50, 3), np.float32)
    pose[20:30, 0] = -70
    outcomes = found(tracked(50), pose=pose)
    assert reasons(outcomes) == ["kept", "too-turned", "kept"]
    assert outcomes[1].detail == "yaw up to 70, pitch up to 0 degrees; at most 60 and 40"


def test_a_face_over_the_border_is_cut_out() -> None:
    (only,) = found(tracked(40, lambda row: (30, 240, 100)))
    assert (only.reason, only.detail) == ("leaves-frame", "the face reaches out of the picture")


def test_a_head_that_no_square_in_the_frame_holds_is_refused() -> None:
    (only,) = found(tracked(40, lambda row: (320, 240, 470)))
    assert (only.reason, only.detail) == (
        "leaves-frame",
        "no square inside the picture holds the head through the clip",
    )


@pytest.mark.parametrize(("where", "expected"), [(400, "several-faces"), (590, "kept")])
def test_somebody_else_in_the_box_is_refused(where: int, expected: str) -> None:
    other = tracked(40, lambda row: (where, 240, 80))
    outcomes = found(tracked(40), others=[other])
    assert reasons(outcomes) == [expected]
    if expected != "kept":
        assert outcomes[0].detail == "somebody else is in the box in 40 of 40 frames"
