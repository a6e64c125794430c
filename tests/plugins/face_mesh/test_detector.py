from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dpe_face_mesh.bundle import load_network
from dpe_face_mesh.detector import MeshDetector, mesh_in_image
from dpe_face_mesh.options import DetectorOptions
from dpe_toolkit.api import Detections, FrameBatch
from dpe_toolkit.api.face import NUM_MESH_VERTICES
from dpe_toolkit.testing.demo import push_in
from dpe_toolkit.testing.pictures import LAYOUTS, RgbPicture, batch_from_rgb
from tests.plugins.face_mesh.scenes import astronaut, detector, source_clip

FACE_PX = 108


def seen(image: RgbPicture, previous: Detections | None = None) -> Detections:
    return detector().detect(batch_from_rgb(image[None]), previous)[0]


def rolled(shift: tuple[int, int]) -> RgbPicture:
    return np.ascontiguousarray(np.roll(astronaut(), shift[::-1], (0, 1)))


def small_in_large(face_px: int, corner: tuple[int, int]) -> tuple[RgbPicture, np.ndarray]:
    """The photograph shrunk until its face is so high, on a plain wall; where its face then lies."""
    scale = face_px / FACE_PX
    small = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wall = np.full((720, 1280, 3), 110, np.uint8)
    x, y = corner
    part = small[: 720 - y, : 1280 - x]
    wall[y : y + part.shape[0], x : x + part.shape[1]] = part
    box = seen(astronaut()).boxes_px[0]
    return wall, box * scale + np.array([x, y, x, y])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    size = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    common = size.prod()
    return float(common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common))


def test_a_face_is_found_with_its_mesh_and_activities() -> None:
    found = seen(astronaut())
    assert len(found) == 1
    assert found.landmarks_px.shape == (1, NUM_MESH_VERTICES, 3)
    assert found.blendshapes.shape == (1, 52)
    assert found.scores[0] > 0.9
    assert ((found.blendshapes >= 0) & (found.blendshapes <= 1)).all()
    assert overlap(found.boxes_px[0], np.array([180, 70, 272, 178])) > 0.85
    points = found.landmarks_px[0, :, :2]
    np.testing.assert_allclose(found.boxes_px[0], [*points.min(0), *points.max(0)])


def test_the_mesh_lies_the_right_way_round() -> None:
    points = seen(astronaut()).landmarks_px[0]
    assert points[33, 0] < points[1, 0] < points[263, 0]
    assert points[10, 1] < points[1, 1] < points[13, 1] < points[152, 1]
    assert points[1, 2] < points[152, 2], "nearer is smaller"


@pytest.mark.parametrize("shift", [(40, 24), (-100, 60), (7, -3)])
def test_landmarks_move_with_the_picture(shift: tuple[int, int]) -> None:
    before, after = seen(astronaut()), seen(rolled(shift))
    moved = after.landmarks_px[0, :, :2] - before.landmarks_px[0, :, :2]
    np.testing.assert_allclose(moved.mean(axis=0), shift, atol=0.5)
    np.testing.assert_allclose(moved, np.broadcast_to(shift, moved.shape), atol=2)


def test_a_mirrored_picture_gives_a_mirrored_mesh() -> None:
    plain, mirrored = seen(astronaut()), seen(np.ascontiguousarray(astronaut()[:, ::-1]))
    assert len(mirrored) == 1
    width = astronaut().shape[1]
    for left, right in ((33, 263), (78, 308), (1, 1), (152, 152), (10, 10), (468, 473)):
        x, y = mirrored.landmarks_px[0, left, :2]
        np.testing.assert_allclose((width - x, y), plain.landmarks_px[0, right, :2], atol=4)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_the_face_is_the_same_in_every_layout(name: str) -> None:
    found = detector().detect(batch_from_rgb(astronaut()[None], layout=LAYOUTS[name]), None)[0]
    np.testing.assert_allclose(found.landmarks_px, seen(astronaut()).landmarks_px, atol=1)


@pytest.mark.parametrize("angle", [-40, 30])
def test_a_leaning_head_is_found_upright(angle: float) -> None:
    turn = cv2.getRotationMatrix2D((226, 124), angle, 1.0)
    image = cv2.warpAffine(astronaut(), turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    found = seen(np.asarray(image, np.uint8))
    assert len(found) == 1
    plain = seen(astronaut()).landmarks_px[0, :, :2]
    wanted = plain @ turn[:, :2].T + turn[:, 2]
    assert np.linalg.norm(found.landmarks_px[0, :, :2] - wanted, axis=1).mean() < 3


@pytest.mark.parametrize("kind", ["noise", "grey", "black", "ramp"])
def test_no_face_is_an_empty_result(kind: str) -> None:
    size = (240, 320, 3)
    pictures = {
        "noise": np.random.default_rng(0).integers(0, 256, size),
        "grey": np.full(size, 128),
        "black": np.zeros(size),
        "ramp": np.broadcast_to(np.linspace(0, 255, 320)[None, :, None], size),
    }
    found = seen(pictures[kind].astype(np.uint8))
    assert len(found) == 0
    assert found.landmarks_px.shape == (0, NUM_MESH_VERTICES, 3)
    assert found.blendshapes.shape == (0, 52)


@pytest.mark.parametrize("corner", [(850, 300), (100, 60), (500, 200)])
def test_a_small_face_is_found_in_tiles_and_only_in_tiles(corner: tuple[int, int]) -> None:
    image, box = small_in_large(64, corner)
    found = seen(image)
    assert len(found) == 1
    assert overlap(found.boxes_px[0], box) > 0.75
    whole = MeshDetector(DetectorOptions(num_threads=1, small_faces=False))
    assert len(whole.detect(batch_from_rgb(image[None]), None)[0]) == 0
    assert len(whole.detect(batch_from_rgb(image[None]), found)[0]) == 1, "known faces are followed without a search"


@pytest.mark.parametrize("size", [(6, 4), (130, 40), (40, 130)])
def test_pictures_of_any_shape_are_searched(size: tuple[int, int]) -> None:
    assert len(seen(np.full((size[1], size[0], 3), 90, np.uint8))) == 0


def test_two_faces_side_by_side_are_two_detections_and_the_larger_comes_first() -> None:
    smaller = cv2.resize(astronaut(), (400, 400), interpolation=cv2.INTER_AREA)
    wall = np.full((512, 400, 3), 100, np.uint8)
    wall[:400] = smaller
    image = np.concatenate([wall, astronaut()], axis=1)
    found = seen(image)
    assert len(found) == 2
    assert found.boxes_px[0, 0] > 400 > found.boxes_px[1, 2]
    one = MeshDetector(DetectorOptions(num_threads=1, max_faces=1)).detect(batch_from_rgb(image[None]), None)[0]
    np.testing.assert_allclose(one.boxes_px, found.boxes_px[:1], atol=1e-3)


def test_a_batch_is_its_frames_one_by_one_each_told_of_the_one_before() -> None:
    frames = source_clip().frames
    together = detector().detect(frames, None)
    previous: Detections | None = None
    for row, found in enumerate(together):
        previous = detector().detect(frames.take(slice(row, row + 1)), previous)[0]
        np.testing.assert_array_equal(previous.landmarks_px, found.landmarks_px)
        np.testing.assert_array_equal(previous.blendshapes, found.blendshapes)


def test_nothing_is_remembered_between_calls() -> None:
    first = seen(astronaut())
    seen(rolled((80, 80)))
    np.testing.assert_array_equal(seen(astronaut()).landmarks_px, first.landmarks_px)


def following(pictures: list[RgbPicture], first_index: int, **options: int) -> list[int]:
    """How many faces each of the pictures shows."""
    batch = batch_from_rgb(np.stack(pictures), first_index=first_index)
    one = MeshDetector(DetectorOptions(num_threads=1, **options))
    return [len(found) for found in one.detect(batch, None)]


def test_a_face_that_leaves_is_lost_and_found_again() -> None:
    empty = np.full_like(astronaut(), 120)
    assert following([astronaut(), empty, empty, astronaut()], 1) == [1, 0, 0, 1]


def test_a_face_that_joins_another_is_found_at_the_next_search() -> None:
    near = astronaut()[:256, 98:354]
    alone = np.concatenate([near, np.full_like(near, 120)], axis=1)
    both = np.concatenate([near, near[:, ::-1]], axis=1)
    assert following([alone, both, both, both], 2, search_every=4) == [1, 1, 2, 2]
    assert following([alone, both, both, both], 2, search_every=1) == [1, 2, 2, 2]


def test_following_agrees_with_searching() -> None:
    frames: FrameBatch = batch_from_rgb(np.stack([push_in(astronaut(), frame) for frame in (60, 61)]))
    followed = detector().detect(frames, None)[1]
    searched = detector().detect(frames.take(slice(1, 2)), None)[0]
    assert np.abs(followed.landmarks_px - searched.landmarks_px)[..., :2].mean() < 1


def test_the_mesh_of_a_window_agrees_with_that_of_its_frame() -> None:
    clip = source_clip()
    faces = clip.faces(np.array([3]))
    points = faces.landmarks_px[0].numpy()
    found = mesh_in_image(faces.pixels[0], points, load_network("face_landmarks_detector"))
    assert found.shape == (NUM_MESH_VERTICES, 3)
    assert np.abs(found - points)[:, :2].mean() < 1
    wider = torch.nn.functional.pad(faces.pixels, (20, 0, 10, 0), mode="replicate")[0]
    moved = mesh_in_image(wider, points + np.array([20, 10, 0], np.float32), load_network("face_landmarks_detector"))
    np.testing.assert_allclose(moved - found, np.broadcast_to([20, 10, 0], found.shape), atol=0.5)
