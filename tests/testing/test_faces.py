from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dpe_toolkit.testing.faces import DrawnFace, draw_face, performance

FACE = DrawnFace(center_px=(80.0, 60.0), height_px=90.0)


def drawn(face: DrawnFace) -> np.ndarray:
    picture = np.zeros((120, 160, 3), np.uint8)
    draw_face(picture, face)
    return picture


@pytest.mark.parametrize(
    ("field", "value"),
    [("mouth_open", 1.0), ("smile", 1.0), ("eyes_open", 0.0), ("brows_up", 1.0), ("yaw", 0.5), ("roll_deg", 10.0)],
)
def test_every_parameter_shows_in_the_picture(field: str, value: float) -> None:
    assert np.any(drawn(FACE) != drawn(dataclasses.replace(FACE, **{field: value})))


def test_an_expression_changes_nothing_outside_the_head() -> None:
    changed = np.any(drawn(FACE) != drawn(dataclasses.replace(FACE, mouth_open=1.0, smile=1.0)), axis=2)
    rows, columns = np.nonzero(changed)
    left, top, right, bottom = FACE.box_px
    assert left < columns.min()
    assert columns.max() < right
    assert top < rows.min()
    assert rows.max() < bottom


def test_a_move_by_part_of_a_pixel_shows() -> None:
    assert np.any(drawn(FACE) != drawn(dataclasses.replace(FACE, center_px=(80.3, 60.0))))


def test_a_performance_is_the_same_each_time_and_moves() -> None:
    first, again = (performance(frame, size_px=(320, 240)) for frame in (10, 10))
    assert first == again
    assert performance(20, size_px=(320, 240)) != first
