from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest
import torch

from dpe_face_mesh.codes import MESH_SPACE, shapes_of
from dpe_face_mesh.generator import MeshEncoder, MeshGenerator
from dpe_face_mesh.options import GeneratorOptions
from dpe_face_mesh.pose_stabilisation import stabilisation_rows
from dpe_feather_blend.compositor import FeatherCompositor
from dpe_feather_blend.options import FeatherOptions
from dpe_toolkit.api import Generated, MotionTrack, ShotMaterial
from dpe_toolkit.api.face import rotation_matrix
from dpe_toolkit.geometry import write_window
from tests.plugins.face_mesh.scenes import (
    NUM_FRAMES,
    Edit,
    FloatArray,
    code,
    mixed,
    request_of,
    source_clip,
    with_mouth,
)

ALL_ROWS = list(range(NUM_FRAMES))
PLAIN = GeneratorOptions(hold_pose_deg=0, mouth_from="none", eye_donors=False)
LENT = GeneratorOptions(hold_pose_deg=0)
EVERYTHING = GeneratorOptions()
OPTIONS = pytest.mark.parametrize("options", [PLAIN, LENT, EVERYTHING], ids=["warp", "donors", "everything"])


@lru_cache(maxsize=4)
def whole_edit(options: GeneratorOptions) -> Edit:
    request = request_of(NUM_FRAMES)
    return Edit.of(mixed(request), request, options)


def opened_mouth(gap: float) -> Edit:
    """The photograph with nothing but the mouth opened."""
    source = source_clip().motion
    target = code(with_mouth(shapes_of(source.codes), gap), source.codes.pose.numpy())
    return Edit.of(target, request_of(NUM_FRAMES), PLAIN)


def test_the_encoder_hands_on_the_windows() -> None:
    faces = source_clip().faces(np.array([0, 1]))
    appearance = MeshEncoder().encode(faces)
    assert appearance.faces is faces
    assert appearance.space == MESH_SPACE


@pytest.mark.parametrize(("donor", "wanted"), [("auto", True), ("driver", True), ("source", False), ("none", False)])
def test_the_drivers_pixels_are_wanted_where_he_may_be_a_donor(donor: str, wanted: bool) -> None:
    options = GeneratorOptions.parse({"mouth_from": donor}, owner="mesh")
    assert MeshGenerator(options).wants_driver_pixels is wanted


@OPTIONS
def test_codes_that_do_not_change_give_the_source_windows_bit_for_bit(options: GeneratorOptions) -> None:
    edit = Edit.of(source_clip().motion.codes, request_of(NUM_FRAMES), options)
    faces, result = edit.generate(ALL_ROWS)
    assert torch.equal(result.pixels, faces.pixels)
    torch.testing.assert_close(result.landmarks_px, faces.landmarks_px, atol=4, rtol=0)


@pytest.mark.parametrize(
    "options",
    [PLAIN, LENT],
    ids=["warp", "donors"],
)
def test_frames_whose_codes_do_not_change_stay_whatever_the_others_do(options: GeneratorOptions) -> None:
    amount = (np.arange(NUM_FRAMES) >= 5).astype(np.float32)
    request = request_of(NUM_FRAMES, amount)
    faces, result = Edit.of(mixed(request), request, options).generate(ALL_ROWS)
    assert not torch.equal(result.pixels[5:], faces.pixels[5:])
    assert torch.equal(result.pixels[:5], faces.pixels[:5])


@OPTIONS
def test_an_edit_changes_the_face_and_leaves_the_windows_rim(options: GeneratorOptions) -> None:
    faces, result = whole_edit(options).generate([0, 6])
    assert result.pixels.shape == faces.pixels.shape
    assert result.pixels.isfinite().all()
    changed = (result.pixels != faces.pixels).any(dim=1)
    assert changed.any(dim=2).any(dim=1).all()
    for rim in (changed[:, :4], changed[:, -4:], changed[:, :, :4], changed[:, :, -4:]):
        assert not rim.any()


@OPTIONS
def test_rows_give_the_same_pixels_in_any_order_and_company(options: GeneratorOptions) -> None:
    edit = whole_edit(options)
    _, together = edit.generate(ALL_ROWS)
    _, backwards = edit.generate([7, 1, 4])
    torch.testing.assert_close(backwards.pixels, together.pixels[[7, 1, 4]], atol=1e-6, rtol=0)
    for row in ALL_ROWS:
        _, alone = edit.generate([row])
        torch.testing.assert_close(alone.pixels[0], together.pixels[row], atol=1e-6, rtol=0)
        assert torch.equal(alone.landmarks_px[0], together.landmarks_px[row])


def test_a_shot_made_ready_twice_gives_the_same_pixels() -> None:
    request = request_of(NUM_FRAMES)
    first, second = (Edit.of(mixed(request), request, EVERYTHING).generate([2, 3])[1] for _ in range(2))
    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(first.landmarks_px, second.landmarks_px)


def test_generating_changes_none_of_what_it_is_given() -> None:
    edit = whole_edit(EVERYTHING)
    before = edit.material.target.expression.clone(), edit.material.source.codes.pose.clone()
    faces, _ = edit.generate([0, 1])
    assert torch.equal(faces.pixels, source_clip().faces(np.array([0, 1])).pixels)
    assert torch.equal(edit.material.target.expression, before[0])
    assert torch.equal(edit.material.source.codes.pose, before[1])


def test_an_opened_mouth_changes_what_is_near_it_and_nothing_else() -> None:
    faces, result = opened_mouth(2.5).generate([0, 5])
    changed = (result.pixels != faces.pixels).any(dim=1)
    for row in range(2):
        points = faces.landmarks_px[row, :, :2]
        mouth, height = points[[13, 14]].mean(0), float(np.ptp(points[:, 1].numpy()))
        y, x = changed[row].nonzero().T
        assert len(x) > 50
        assert float(torch.hypot(x - mouth[0], y - mouth[1]).max()) < 0.55 * height
        assert not changed[row, : int(points[33, 1])].any(), "above the eyes"


def test_an_edit_written_back_leaves_every_code_outside_the_matte() -> None:
    clip, edit = source_clip(), whole_edit(EVERYTHING)
    faces, result = edit.generate(ALL_ROWS)
    shown = FeatherCompositor(FeatherOptions()).composite(faces, result)
    origin = faces.placement.origin_px
    written = write_window(clip.frames, origin, faces.pixels, shown.pixels, shown.matte)
    height, width = shown.matte.shape[2:]
    inside = np.zeros(clip.frames.planes[0].shape, bool)
    for row, (x, y) in enumerate(origin):
        inside[row, y : y + height, x : x + width] = shown.matte[row, 0].numpy() > 0
    chroma = inside.reshape(len(inside), inside.shape[1] // 2, 2, -1, 2).any(axis=(2, 4))
    for plane, before, area in zip(written.planes, clip.frames.planes, (inside, chroma, chroma), strict=True):
        assert (plane != before).any()
        np.testing.assert_array_equal(plane[~area], before[~area])


def test_both_ways_of_reading_pixels_show_the_same_picture() -> None:
    request = request_of(NUM_FRAMES)
    pictures = [
        Edit.of(mixed(request), request, PLAIN.model_copy(update={"interpolation": mode})).generate([3])[1].pixels
        for mode in ("bicubic", "bilinear")
    ]
    assert not torch.equal(*pictures)
    assert (pictures[0] - pictures[1]).abs().mean() < 0.01


def without(material: ShotMaterial, role: str, kept: list[int]) -> ShotMaterial:
    track: MotionTrack = getattr(material, role)
    present = np.zeros(len(track), bool)
    present[kept] = True
    return dataclasses.replace(material, **{role: dataclasses.replace(track, present=present)})


@pytest.mark.parametrize("role", ["source", "driver"])
@pytest.mark.parametrize("kept", [[], [4]])
def test_a_face_that_is_hardly_seen_is_edited_without_a_fault(role: str, kept: list[int]) -> None:
    material = without(whole_edit(EVERYTHING).material, role, kept)
    shot = MeshGenerator(EVERYTHING).begin_shot(material)
    _, result = Edit(material, shot).generate([0, 4])
    assert result.pixels.isfinite().all()


def fetched(options: GeneratorOptions) -> dict[str, list[int]]:
    """Rows of windows that a shot asks for before its first frame."""
    asked: dict[str, list[int]] = {"source": [], "driver": []}
    material = whole_edit(options).material

    def listen(role: str) -> object:
        fetch = getattr(material, f"fetch_{role}")

        def call(rows: np.ndarray) -> object:
            asked[role] += rows.tolist()
            return fetch(rows)

        return call

    heard = dataclasses.replace(material, fetch_source=listen("source"), fetch_driver=listen("driver"))
    MeshGenerator(options).begin_shot(heard)
    return asked


def test_each_window_is_fetched_once_and_none_where_none_is_wanted() -> None:
    assert fetched(PLAIN) == {"source": [], "driver": []}
    asked = fetched(EVERYTHING)
    for rows in asked.values():
        assert rows
        assert rows == sorted(set(rows))


def rotation_of(edit: Edit) -> FloatArray:
    """(T,) degrees by which the shown head is rotated against the one asked for."""
    stable = edit.shot._stable  # type: ignore[attr-defined] # there is no other way to see it
    before, after = (rotation_matrix(codes.pose.numpy()[:, 1:4]) for codes in (edit.material.target, stable))
    cosine = (np.trace(after @ before.transpose(0, 2, 1), axis1=1, axis2=2) - 1) / 2
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), np.float32)


@pytest.mark.parametrize("bound", [0.5, 8.0])
def test_the_head_is_held_within_the_bound(bound: float) -> None:
    rotations = rotation_of(whole_edit(EVERYTHING.model_copy(update={"hold_pose_deg": bound})))
    assert rotations.max() <= bound + 0.05
    assert rotations.max() > 0


def test_the_head_is_not_held_where_nothing_is_asked_for() -> None:
    amount = np.linspace(0, 1, NUM_FRAMES).astype(np.float32)
    request = request_of(NUM_FRAMES, amount)
    edit = Edit.of(mixed(request), request, EVERYTHING)
    stable = edit.shot._stable  # type: ignore[attr-defined] # there is no other way to see it
    assert torch.equal(stable.pose[0], edit.material.target.pose[0])
    assert torch.equal(stable.expression, edit.material.target.expression)


def test_a_pose_is_measured_on_edited_frames_that_show_the_face() -> None:
    material = whole_edit(EVERYTHING).material
    assert stabilisation_rows(material).tolist() == ALL_ROWS
    assert stabilisation_rows(without(material, "source", [2, 3, 7])).tolist() == [2, 3, 7]
    assert stabilisation_rows(without(material, "source", [2])).tolist() == []
    weak = dataclasses.replace(material, request=request_of(NUM_FRAMES, 0.2))
    assert stabilisation_rows(weak).tolist() == []


def test_the_landmarks_of_the_result_are_those_of_the_shown_codes() -> None:
    edit = opened_mouth(2.0)
    faces, result = edit.generate([4])
    assert isinstance(result, Generated)
    scale = float(edit.material.target.pose[4, 0].exp())
    gap = (result.landmarks_px[0, 14] - result.landmarks_px[0, 13]).norm()
    assert float(gap) == pytest.approx(2.0 * scale, rel=0.01)
    torch.testing.assert_close(result.landmarks_px[0, 10], faces.landmarks_px[0, 10], atol=2, rtol=0)
