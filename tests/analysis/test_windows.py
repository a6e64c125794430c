from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.analysis import BLOCK, Tracklet, cut_faces, plan_windows, window_shape
from dpe_toolkit.analysis.tracks import build_track
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.protocols import WindowShape
from dpe_toolkit.face.tracks import FaceTrack
from tests.analysis.fakes import Square, draw
from tests.analysis.test_association import detections


def track_of(places: list[tuple[float, float, float]], *, mesh: bool = True) -> FaceTrack:
    found = [detections(place, mesh=mesh) for place in places]
    return build_track(Tracklet(list(range(len(places))), [0] * len(places)), found, Span(0, len(places)))


places = st.lists(st.tuples(st.floats(-50, 500), st.floats(-50, 500), st.floats(10, 300)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=300)
@given(places, st.booleans(), st.data())
def test_windows_are_even_and_hold_the_face_whatever_it_does(
    faces: list[tuple[float, float, float]], mesh: bool, data: st.DataObject
) -> None:
    track = track_of(faces, mesh=mesh)
    windows = plan_windows(track)
    rows = np.array(data.draw(st.lists(st.integers(0, len(faces) - 1), min_size=1, max_size=8)))
    placement = windows.placement(rows)
    width, height = placement.size_px
    assert width % 2 == height % 2 == 0
    assert (placement.origin_px % 2 == 0).all()
    points = track.landmarks_px[rows, :, :2] if mesh else track.boxes_px[rows].reshape(-1, 2, 2)
    inside = points - placement.origin_px[:, None]
    assert (inside >= -1e-3).all()
    assert (inside <= np.array([width, height]) + 1e-3).all()


def test_one_size_serves_a_face_that_keeps_its_size() -> None:
    windows = plan_windows(track_of([(100 + row, 80, 40 + row / 4) for row in range(30)], mesh=False))
    assert len({tuple(size) for size in windows.size_px.tolist()}) == 1


def test_a_face_that_grows_gets_a_size_for_each_block() -> None:
    windows = plan_windows(track_of([(100, 80, 20 + 4 * row) for row in range(24)], mesh=False))
    by_block = windows.size_px[:, 0].reshape(-1, BLOCK)
    assert (by_block == by_block[:, :1]).all()
    assert by_block[0, 0] < by_block[1, 0] < by_block[2, 0]


def test_a_window_does_not_depend_on_the_rows_asked_for_with_it() -> None:
    windows = plan_windows(track_of([(100 + 3 * row, 80, 40) for row in range(20)]))
    together = windows.placement(np.arange(8, 16))
    alone = windows.placement(np.array([11]))
    assert (together.origin_px[3] == alone.origin_px[0]).all()
    assert together.size_px == alone.size_px


def test_pixels_and_landmarks_are_cut_at_the_same_place() -> None:
    frames = draw(lambda frame: [Square(30 + frame, 20, mood=90)], 4)
    found = track_of([(38 + frame, 28, 16) for frame in range(4)])
    faces = cut_faces(frames, found, np.arange(4), plan_windows(found))
    assert faces.pixels.dtype == torch.float32
    for row in range(4):
        x, y = (int(v) for v in faces.landmarks_px[row, 0, :2])
        assert abs(float(faces.pixels[row, 0, y, x]) * 255 - 90) < 0.01


def test_a_square_window_of_more_margin_is_given_to_those_who_ask() -> None:
    class Wide:
        window_shape = WindowShape(margin=2.0, square=True)

    windows = plan_windows(track_of([(100 + row, 80, 40) for row in range(20)], mesh=False), window_shape(Wide()))
    width, height = windows.placement(np.arange(20)).size_px
    assert width == height >= 80
    assert window_shape(object()) == WindowShape()


def test_the_focus_follows_the_face_smoothly_between_whole_origins() -> None:
    windows = plan_windows(track_of([(100 + row / 3, 80, 40) for row in range(30)], mesh=False))
    focus = windows.placement(np.arange(30)).focus_px
    assert focus is not None
    np.testing.assert_allclose(np.diff(focus[10:20, 0]), 1 / 3, atol=1e-3)
    assert np.ptp(focus[:, 2]) == 0


def test_the_focus_grows_without_steps_where_the_face_comes_near() -> None:
    windows = plan_windows(track_of([(100, 80, 20 + 4 * row) for row in range(24)], mesh=False))
    focus = windows.placement(np.arange(24)).focus_px
    assert focus is not None
    assert (np.diff(focus[:, 2]) > 0).all()
    assert np.diff(focus[:, 2]).max() < 6


def test_the_focus_of_a_still_does_not_wander_with_its_detections() -> None:
    wander = [0.0, 0.2, -0.1, 0.15]
    windows = plan_windows(track_of([(100 + wander[row % 4], 80, 120) for row in range(30)], mesh=False))
    focus = windows.placement(np.arange(30)).focus_px
    assert focus is not None
    assert (focus == focus[0]).all()
