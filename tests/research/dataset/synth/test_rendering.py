from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from dpe_research.dataset.synth import (
    FRONTAL,
    NEUTRAL,
    Expression,
    Pose,
    render_face,
    sample_expressions,
    sample_identity,
    sample_poses,
)
from dpe_research.dataset.synth.backdrop import paint_backdrop
from dpe_research.dataset.synth.deformation import activity_fields
from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_research.dataset.synth.head import build_head
from dpe_research.dataset.synth.texture import paint_texture
from dpe_toolkit.api.face import FACE_OVAL, LIP_RINGS
from dpe_toolkit.core.errors import OptionsError

SIZE = 128
TURNED = Pose(yaw_deg=18, pitch_deg=-8, roll_deg=6, x=0.53)
BOTH = ("Left", "Right")


def at(picture: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.floor(point[:2]).astype(int)
    return picture[y, x].astype(float)


def filled(points: np.ndarray) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mask, [np.round(points[:, :2] - 0.5).astype(np.int32)], 1)
    return mask.astype(bool)


def test_the_same_seed_gives_the_same_bytes_when_nothing_is_remembered():
    faces = []
    for _ in range(2):
        for remembered in (build_head, paint_texture, paint_backdrop, activity_fields, face_mesh):
            remembered.cache_clear()
        faces.append(render_face(sample_identity(5), sample_poses(5, 4)[2], sample_expressions(5, 4)[3], 64))
    assert faces[0].picture.tobytes() == faces[1].picture.tobytes()
    assert faces[0].mesh_px.tobytes() == faces[1].mesh_px.tobytes()


def test_every_seed_is_someone_else():
    pictures = {render_face(sample_identity(seed), FRONTAL, NEUTRAL, 32).picture.tobytes() for seed in range(4)}
    assert len(pictures) == 4


def test_what_is_returned_has_the_promised_shapes():
    face = render_face(sample_identity(0), TURNED, NEUTRAL, 64)
    assert (face.picture.shape, face.picture.dtype) == ((64, 64, 3), np.uint8)
    for array, shape in (
        (face.mesh_px, (478, 3)),
        (face.shape, (478, 3)),
        (face.pose_deg, (3,)),
        (face.place, (3,)),
        (face.blendshapes, (52,)),
        (face.matte, (64, 64)),
    ):
        assert (array.shape, array.dtype) == (shape, np.float32)
    assert 0 <= face.matte.min() < face.matte.max() <= 1


def test_pictures_too_small_to_show_a_face_are_refused():
    with pytest.raises(OptionsError, match=r"size_px is 8.*16 or more.*larger"):
        render_face(sample_identity(0), FRONTAL, NEUTRAL, 8)


@pytest.mark.parametrize("pose", [FRONTAL, TURNED, Pose(yaw_deg=-28, pitch_deg=18)])
@pytest.mark.parametrize("seed", range(2))
def test_the_person_covers_the_face_that_the_mesh_says(seed: int, pose: Pose):
    face = render_face(sample_identity(seed), pose, NEUTRAL, SIZE)
    hull = cv2.convexHull(np.ascontiguousarray(face.mesh_px[:468, :2]))[:, 0]
    inner = hull.mean(0) + 0.93 * (hull - hull.mean(0))
    assert face.matte[filled(inner)].min() > 0.99


@pytest.mark.parametrize("pose", [FRONTAL, TURNED])
def test_a_coloured_iris_is_seen_where_the_mesh_has_it(pose: Pose):
    identity = replace(sample_identity(1), iris=(0.0, 0.9, 0.0))
    ahead = Expression.of({f"eyeWide{side}": 1.0 for side in BOTH})
    aside = Expression.of({f"eyeWide{side}": 1.0 for side in BOTH} | {"eyeLookOutLeft": 0.8, "eyeLookInRight": 0.8})
    for expression, borders in ((ahead, ((1, 3), (1, 3))), (aside, ((3,), (1,)))):
        face = render_face(identity, pose, expression, 512)
        for centre, seen in zip((468, 473), borders, strict=True):
            for border in seen:
                red, green, blue = at(face.picture, 0.4 * face.mesh_px[centre] + 0.6 * face.mesh_px[centre + border])
                assert green > red + 15
                assert green > blue + 15


def test_parted_lips_show_the_dark_of_the_mouth_and_closed_ones_do_not():
    identity = replace(sample_identity(4), beard=0.0, skin=(0.9, 0.75, 0.65), lips=(0.3, 0.3, 0.9))
    shut, wide = (render_face(identity, FRONTAL, Expression.of({"jawOpen": amount}), SIZE) for amount in (0.0, 0.9))
    opening = filled(wide.mesh_px[LIP_RINGS[3]])
    assert opening.sum() > 40
    assert filled(shut.mesh_px[LIP_RINGS[3]]).sum() < 0.6 * opening.sum()
    inside = np.median(wide.picture[opening].astype(int), axis=0)
    lips = np.median(shut.picture[filled(shut.mesh_px[LIP_RINGS[0]])].astype(int), axis=0)
    assert inside[0] > inside[2] + 10  # red, where the painted lips are blue
    assert lips[2] > lips[0] + 20
    assert inside.sum() < 0.8 * lips.sum()


def test_closed_lids_hide_the_iris():
    identity = replace(sample_identity(1), iris=(0.0, 0.9, 0.0))
    green = []
    for amount in (0.0, 1.0):
        face = render_face(identity, FRONTAL, Expression.of({f"eyeBlink{side}": amount for side in BOTH}), 256)
        r, g, b = (face.picture[..., c].astype(int) for c in range(3))
        green.append(int(((g > r + 25) & (g > b + 25) & (face.matte > 0.99)).sum()))
    assert green[0] > 30
    assert green[1] == 0


def test_light_and_backdrop_stay_while_the_head_turns():
    identity = sample_identity(4)
    faces = [render_face(identity, pose, NEUTRAL, SIZE) for pose in (FRONTAL, Pose(yaw_deg=25), Pose(roll_deg=-14))]
    empty = np.all([face.matte == 0 for face in faces], axis=0)
    assert empty.sum() > 500
    for face in faces[1:]:
        np.testing.assert_array_equal(face.picture[empty], faces[0].picture[empty])


def test_an_activity_of_the_mouth_leaves_the_upper_half_of_the_picture_alone():
    identity = sample_identity(6)
    calm = render_face(identity, FRONTAL, NEUTRAL, SIZE)
    smiling = render_face(identity, FRONTAL, Expression.of({"mouthPucker": 1.0}), SIZE)
    above = int(calm.mesh_px[FACE_OVAL[9], 1] - 0.12 * SIZE)
    np.testing.assert_array_equal(calm.picture[: above - 12], smiling.picture[: above - 12])
    assert (calm.picture != smiling.picture).any()


def test_a_texture_is_finite_and_within_range_at_every_size():
    for reduced in range(3):
        sheet = paint_texture(sample_identity(2), reduced)
        assert sheet.shape == (512 >> reduced, 1024 >> reduced, 4)
        assert np.isfinite(sheet).all()
        assert sheet.min() >= 0
        assert sheet.max() <= 1
