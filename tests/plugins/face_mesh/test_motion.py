from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.codes import MESH_SPACE, mesh_points, shapes_of
from dpe_face_mesh.motion import MeshMotion
from dpe_face_mesh.options import MotionOptions
from dpe_toolkit.api import REGIONS, FaceBatch, FaceTrack, MotionCode, MotionTrack, Placement
from dpe_toolkit.api.face import EYES, INNER_LIP_PAIRS, INNER_LIPS, NUM_MESH_VERTICES, place_shapes, rotation_matrix
from tests.plugins.face_mesh.scenes import (
    FloatArray,
    code,
    driver_clip,
    lid_gap,
    motion_track,
    pose_of,
    request_of,
    rest_shape,
    source_clip,
    with_lids,
    with_mouth,
)

seeds = st.integers(0, 2**16)
masks = st.lists(st.booleans(), min_size=2, max_size=20).filter(any).map(np.array)


def motion(**options: object) -> MeshMotion:
    return MeshMotion(MotionOptions.parse({"relax_neutral": False} | options, owner="mesh"))


def walk(seed: int, count: int, sigma: float = 0.1) -> FloatArray:
    """(T, 478, 3) shapes, each by chance."""
    noise = np.random.default_rng(seed).normal(0, sigma, (count, NUM_MESH_VERTICES, 3))
    return np.asarray(rest_shape() + noise, np.float32)


def track_of(present: np.ndarray, *, start: int = 0, blendshapes: FloatArray | None = None) -> FaceTrack:
    count = len(present)
    activity = np.zeros((count, 52), np.float32) if blendshapes is None else blendshapes
    return FaceTrack(
        np.arange(start, start + count),
        np.zeros((count, 4), np.float32),
        np.zeros((count, NUM_MESH_VERTICES, 3), np.float32),
        present.astype(np.float32),
        present,
        activity,
    )


def settle(codes: MotionCode, present: np.ndarray, **options: object) -> MotionTrack:
    return motion(**options).settle(codes, track_of(present), Fraction(25), None)


def faces_at(points: FloatArray, origins: np.ndarray) -> FaceBatch:
    """Meshes in frame pixels, seen in windows at these origins."""
    to_frame = np.tile(np.eye(2, 3, dtype=np.float32), (len(points), 1, 1))
    to_frame[:, :, 2] = origins
    local = points.copy()
    local[..., :2] -= origins[:, None]
    present = np.ones(len(points), bool)
    return FaceBatch(
        torch.zeros(len(points), 3, 0, 0),
        Placement(to_frame, (0, 0), present),
        torch.from_numpy(local),
        torch.zeros(len(points), 52),
        np.arange(len(points)),
    )


@given(seeds, st.tuples(st.integers(-99, 999), st.integers(-99, 999)), st.floats(-1, 1))
@settings(deadline=None, max_examples=40)
def test_codes_stand_for_the_mesh_that_they_were_made_of_wherever_its_window_lies(
    seed: int, origin: tuple[int, int], yaw: float
) -> None:
    points = place_shapes(walk(seed, 2), np.repeat(pose_of(12, (400, 300), (0.1, yaw, 0.2)), 2, axis=0))
    codes = motion().extract(faces_at(points, np.array([origin, (0, 0)])))
    assert codes.space == MESH_SPACE
    np.testing.assert_allclose(mesh_points(codes), points, atol=0.02)


@given(seeds, st.floats(-0.8, 0.8), st.floats(1, 40))
@settings(deadline=None, max_examples=30)
def test_expression_is_the_same_however_the_head_is_held(seed: int, yaw: float, size: float) -> None:
    shape = walk(seed, 1)
    held = [pose_of(10, (50, 50)), pose_of(size, (70, 20), (0.2, yaw, 0))]
    points = np.concatenate([place_shapes(shape, pose) for pose in held])
    first, second = shapes_of(motion().extract(faces_at(points, np.zeros((2, 2)))))
    np.testing.assert_allclose(first, second, atol=2e-3)


@given(st.integers(2, 12), st.floats(0.01, 0.2))
@settings(deadline=None, max_examples=20)
def test_smoothing_keeps_a_symmetric_pulse_in_the_middle(half: int, width_s: float) -> None:
    shapes = np.repeat(rest_shape()[None], 2 * half + 1, axis=0)
    shapes[half, 13, 1] += 1
    smooth = shapes_of(settle(code(shapes), np.ones(len(shapes), bool), smoothing_s=width_s).codes)[:, 13, 1]
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-5)
    assert smooth.argmax() == half


@given(seeds)
@settings(deadline=None, max_examples=10)
def test_smoothing_keeps_what_is_steady_and_calms_what_trembles(seed: int) -> None:
    present = np.ones(30, bool)
    steady = np.repeat(walk(seed, 1), 30, axis=0)
    np.testing.assert_allclose(shapes_of(settle(code(steady), present).codes), steady, atol=1e-5)
    trembling = walk(seed, 30)
    calmed = shapes_of(settle(code(trembling), present, smoothing_s=0.1).codes)
    assert np.diff(calmed, axis=0).std() < 0.5 * np.diff(trembling, axis=0).std()


@given(seeds, st.integers(1, 20))
@settings(deadline=None, max_examples=20)
def test_without_smoothing_codes_of_seen_frames_stay_as_they_are(seed: int, count: int) -> None:
    codes = code(walk(seed, count))
    kept = codes.expression.clone()
    settled = settle(codes, np.ones(count, bool), smoothing_s=0)
    assert torch.equal(settled.codes.expression, codes.expression)
    assert torch.equal(settled.codes.pose, codes.pose)
    assert torch.equal(codes.expression, kept)


@given(masks, seeds)
@settings(deadline=None, max_examples=60)
def test_gaps_are_bridged_by_lines_and_ends_are_held(present: np.ndarray, seed: int) -> None:
    count = len(present)
    shapes = walk(seed, count)
    poses = np.random.default_rng(seed).normal(0, 0.2, (count, 7)).astype(np.float32)
    shapes[~present], poses[~present] = np.nan, np.nan
    settled = settle(code(shapes, poses), present, smoothing_s=0)
    rows, seen = np.arange(count), np.flatnonzero(present)
    np.testing.assert_array_equal(settled.present, present)
    for values, raw in (
        (shapes_of(settled.codes)[:, 13], shapes[:, 13]),
        (settled.codes.pose.numpy(), poses),
    ):
        for axis in range(values.shape[1]):
            np.testing.assert_allclose(values[:, axis], np.interp(rows, seen, raw[seen, axis]), atol=1e-4)


@given(masks, seeds)
@settings(deadline=None, max_examples=20)
def test_what_was_not_seen_reaches_no_code(present: np.ndarray, seed: int) -> None:
    shapes = walk(seed, len(present))
    shapes[~present] = np.nan
    settled = settle(code(shapes), present)
    assert settled.codes.expression.isfinite().all()
    assert settled.neutral.expression.isfinite().all()


def test_settling_changes_none_of_the_codes_it_is_given() -> None:
    present = np.array([True, False, True, True])
    codes = code(walk(1, 4))
    before = codes.expression.clone(), codes.pose.clone()
    settle(codes, present)
    assert torch.equal(codes.expression, before[0])
    assert torch.equal(codes.pose, before[1])


@pytest.mark.parametrize("row", [0, 3, 5])
def test_a_named_neutral_is_the_shape_of_that_row(row: int) -> None:
    shapes = walk(2, 6)
    settled = MeshMotion(MotionOptions()).settle(code(shapes), track_of(np.ones(6, bool), start=40), Fraction(30), row)
    np.testing.assert_array_equal(shapes_of(settled.neutral)[0], shapes[row])
    assert settled.start == 40


def test_the_neutral_is_taken_from_the_calmest_frames_that_were_seen() -> None:
    shapes = np.repeat(rest_shape()[None], 40, axis=0)
    shapes[:, 13, 1] += np.arange(40)
    activity = np.full((40, 52), 0.5, np.float32)
    activity[20:23, 1:] = 0.01
    activity[5, 1:] = 0
    activity[:, 0] = np.arange(40)
    present = np.arange(40) != 5
    settled = motion().settle(code(shapes), track_of(present, blendshapes=activity), Fraction(25), None)
    assert shapes_of(settled.neutral)[0, 13, 1] - rest_shape()[13, 1] == pytest.approx(21, abs=0.01)


@given(
    seeds, st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=6, max_size=6), st.sampled_from(["absolute", "relative"])
)
@settings(deadline=None, max_examples=40)
def test_rows_with_amount_0_keep_the_sources_codes_exactly(seed: int, amounts: list[float], mode: str) -> None:
    source, driver = motion_track(walk(seed, 6)), motion_track(walk(seed + 1, 6))
    request = request_of(6, np.array(amounts, np.float32), mode=mode)
    result = motion().mix(source, driver, driver.codes, request)
    still = [row for row, amount in enumerate(amounts) if amount == 0]
    assert torch.equal(result.expression[still], source.codes.expression[still])
    assert torch.equal(result.pose, source.codes.pose)


@given(seeds, st.floats(0, 1.5))
@settings(deadline=None, max_examples=20)
def test_the_change_is_proportional_to_the_amount(seed: int, amount: float) -> None:
    source, driver = motion_track(walk(seed, 3)), motion_track(walk(seed + 1, 3))
    own = source.codes.expression
    whole = motion().mix(source, driver, driver.codes, request_of(3)).expression - own
    part = motion().mix(source, driver, driver.codes, request_of(3, amount)).expression - own
    torch.testing.assert_close(part, amount * whole, atol=1e-4, rtol=1e-4)


def test_one_region_moves_only_what_is_near_it() -> None:
    source = motion_track(np.repeat(rest_shape()[None], 2, axis=0))
    driver = motion_track(with_mouth(walk(4, 2, 0.5), 2.0))
    only = dict.fromkeys(REGIONS, 0.0) | {"mouth": 1.0}
    result = shapes_of(motion().mix(source, driver, driver.codes, request_of(2, regions=only)))
    moved = np.linalg.norm(result - rest_shape(), axis=2)
    distance = np.linalg.norm(rest_shape()[:, None] - rest_shape()[None, INNER_LIPS], axis=2).min(axis=1)
    assert moved[:, distance > 6].max() < 0.05
    assert moved[:, INNER_LIPS].max() > 0.5
    none = motion().mix(source, driver, driver.codes, request_of(2, regions=dict.fromkeys(REGIONS, 0.0)))
    assert torch.equal(none.expression, source.codes.expression)


@pytest.mark.parametrize("own_gap", [0.0, 1.5])
def test_mixed_lips_and_lids_shut_when_the_drivers_do(own_gap: float) -> None:
    source = motion_track(with_mouth(rest_shape(), own_gap)[None])
    shut = with_mouth(rest_shape(), 0)
    for eye in EYES:
        shut = with_lids(shut, 0.1, eye)
    driver = motion_track(np.stack([rest_shape(), shut]))
    result = shapes_of(motion().mix(source, driver, driver.codes.take(slice(1, 2)), request_of(1)))
    upper, lower = INNER_LIP_PAIRS.T
    assert np.abs(result[0, lower, 1] - result[0, upper, 1]).max() < 0.05 + 0.05 * own_gap
    for eye in EYES:
        assert lid_gap(result[0], eye) < 0.15 * lid_gap(rest_shape(), eye)


def test_relative_mode_adds_to_what_the_source_does() -> None:
    smile = np.zeros((NUM_MESH_VERTICES, 3), np.float32)
    smile[50, 1] = -1
    source = motion_track((rest_shape() + smile)[None])
    driver = motion_track((rest_shape() + 0.5 * smile)[None])
    extract = motion()
    relative = shapes_of(extract.mix(source, driver, driver.codes, request_of(1, mode="relative")))[0, 50, 1]
    absolute = shapes_of(extract.mix(source, driver, driver.codes, request_of(1)))[0, 50, 1]
    rest = rest_shape()[50, 1]
    assert relative < rest - 1 < absolute < rest


@given(st.floats(-0.5, 0.5), st.floats(0, 1))
@settings(deadline=None, max_examples=30)
def test_pose_turns_by_the_amount_of_the_drivers_departure_from_his_mean(yaw: float, amount: float) -> None:
    shapes = np.repeat(rest_shape()[None], 2, axis=0)
    own = np.repeat(pose_of(10, (90, 80), (0.2, 0.1, -0.1)), 2, axis=0)
    theirs = np.concatenate([pose_of(20, (0, 0), (0, yaw, 0)), pose_of(20, (0, 0), (0, -yaw, 0))])
    source, driver = motion_track(shapes, pose=own), motion_track(shapes, pose=theirs)
    result = motion().mix(source, driver, driver.codes, request_of(2, 0.0, pose=amount)).pose.numpy()
    rotation = rotation_matrix(np.array([[0, amount * yaw, 0], [0, -amount * yaw, 0]], np.float32))
    np.testing.assert_allclose(rotation_matrix(result[:, 1:4]), rotation @ rotation_matrix(own[:, 1:4]), atol=1e-3)
    np.testing.assert_array_equal(result[:, [0, 4, 5, 6]], own[:, [0, 4, 5, 6]])


def test_two_real_clips_mix_to_finite_codes_near_the_sources_face() -> None:
    source, driver = source_clip().motion, driver_clip().motion
    result = motion().mix(source, driver, driver.codes, request_of(len(source)))
    change = shapes_of(result) - shapes_of(source.codes)
    assert np.isfinite(change).all()
    assert 0.05 < np.abs(change).max() < 6
    assert torch.equal(result.pose, source.codes.pose)
