from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.retarget import Person, region_weights, retarget, vertex_weights
from dpe_face_mesh.topology import EYES, INNER_LIP_PAIRS, INNER_LIPS, MOUTH_CORNERS, NUM_VERTICES, RIGID
from dpe_toolkit.api import REGIONS
from tests.plugins.face_mesh.scenes import FloatArray, lid_gap, rest_shape, with_lids, with_mouth

seeds = st.integers(0, 2**16)


def varied(seed: int, sigma: float = 0.3, count: int = 1) -> FloatArray:
    """(T, 478, 3) canonical faces with every vertex somewhere else."""
    noise = np.random.default_rng(seed).normal(0, sigma, (count, NUM_VERTICES, 3))
    return np.asarray(rest_shape() + noise, np.float32)


def person(seed: int) -> Person:
    """Somebody whose rest is a smooth stretch of the canonical face."""
    stretch = np.random.default_rng(seed).uniform(0.8, 1.25, 3).astype(np.float32)
    rest = rest_shape() * stretch
    return Person.of(rest, rest[None])


def lip_gaps(shapes: FloatArray) -> FloatArray:
    upper, lower = INNER_LIP_PAIRS.T
    return np.asarray(shapes[:, lower, 1] - shapes[:, upper, 1])


@given(seeds, seeds, seeds)
@settings(deadline=None, max_examples=40)
def test_lips_that_touch_in_the_driver_touch_in_the_result(own: int, theirs: int, seed: int) -> None:
    shapes = with_mouth(varied(seed, count=3), 0)
    result = retarget(shapes, person(theirs), person(own))
    np.testing.assert_allclose(lip_gaps(result), 0, atol=1e-5)


@given(seeds, seeds, seeds, st.floats(-1, 3))
@settings(deadline=None, max_examples=40)
def test_lips_open_by_the_drivers_gap_in_proportion_and_never_overlap(
    own: int, theirs: int, seed: int, gap: float
) -> None:
    driver, source = person(theirs), person(own)
    result = retarget(with_mouth(varied(seed), gap), driver, source)
    left, right = MOUTH_CORNERS
    widths = [np.linalg.norm(one.rest[right] - one.rest[left]) for one in (source, driver)]
    np.testing.assert_allclose(lip_gaps(result), max(gap, 0) * widths[0] / widths[1], atol=1e-4)


@given(seeds, seeds, seeds)
@settings(deadline=None, max_examples=40)
def test_lids_that_close_in_the_driver_close_in_the_result(own: int, theirs: int, seed: int) -> None:
    driver, source = person(theirs), person(own)
    for number, eye in enumerate(EYES):
        shut = with_lids(driver.rest[None], float(driver.lids_closed[number]), eye)
        shut += np.random.default_rng(seed).normal(0, 0.1, (1, 1, 3)).astype(np.float32)
        gap = lid_gap(retarget(shut, driver, source), eye)
        assert gap < 0.1 * lid_gap(source.rest, eye)


@given(seeds, seeds, st.floats(0, 1.4), st.floats(0.05, 0.4))
@settings(deadline=None, max_examples=40)
def test_the_wider_the_drivers_eye_the_wider_the_results(own: int, theirs: int, share: float, more: float) -> None:
    driver, source = person(theirs), person(own)
    for eye in EYES:
        pair = np.concatenate([with_lids(driver.rest[None], share + extra, eye) for extra in (0, more)])
        less, wide = lid_gap(retarget(pair, driver, source), eye)
        assert less <= wide + 1e-5


@given(seeds, seeds)
@settings(deadline=None, max_examples=30)
def test_a_driver_at_rest_puts_the_source_at_rest(own: int, theirs: int) -> None:
    driver, source = person(theirs), person(own)
    result = retarget(driver.rest[None].repeat(2, axis=0), driver, source)
    lips = np.unique(INNER_LIP_PAIRS)
    free = np.setdiff1d(np.arange(NUM_VERTICES), lips)
    np.testing.assert_allclose(result[:, free], source.rest[None, free].repeat(2, axis=0), atol=1e-3)
    own_gaps = lip_gaps(retarget(with_mouth(driver.rest[None], 0), driver, source))
    np.testing.assert_allclose(own_gaps, 0, atol=1e-5)


@given(seeds, seeds)
@settings(deadline=None, max_examples=30)
def test_a_person_drives_himself_to_his_own_shape(own: int, seed: int) -> None:
    somebody = person(own)
    shapes = somebody.rest + (varied(seed, 0.1) - rest_shape())
    shapes = with_mouth(shapes, 0.5)
    lids = np.concatenate([eye.lid_pairs[:, 0] for eye in EYES])
    free = np.setdiff1d(np.arange(NUM_VERTICES), lids)
    np.testing.assert_allclose(retarget(shapes, somebody, somebody)[:, free], shapes[:, free], atol=1e-3)


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_each_frame_is_retargeted_alone(seed: int) -> None:
    shapes, driver, source = varied(seed, count=4), person(seed + 1), person(seed + 2)
    together = retarget(shapes, driver, source)
    np.testing.assert_allclose(together[2:3], retarget(shapes[2:3], driver, source), atol=1e-5)


def test_retargeting_changes_none_of_what_it_is_given() -> None:
    shapes, driver, source = varied(1), person(2), person(3)
    kept = [values.copy() for values in (shapes, driver.rest, source.rest)]
    retarget(shapes, driver, source)
    for now, before in zip((shapes, driver.rest, source.rest), kept, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("share", [0.12, 0.2])
def test_a_blink_in_the_clip_shows_how_far_the_lids_close(share: float) -> None:
    rest = rest_shape()
    clip = np.stack([rest, with_lids(with_lids(rest, share, EYES[0]), share, EYES[1]), rest])
    np.testing.assert_allclose(Person.of(rest, clip).lids_closed, share, atol=1e-4)
    unseen = Person.of(rest, rest[None])
    assert ((unseen.lids_closed > 0) & (unseen.lids_closed < 0.5)).all()


def test_region_weights_are_shares_that_sum_to_one_at_most() -> None:
    weights = region_weights()
    assert weights.shape == (len(REGIONS), NUM_VERTICES)
    assert (weights >= 0).all()
    assert weights.sum(axis=0).max() <= 1 + 1e-5


def test_gaze_is_the_irises_and_nothing_else() -> None:
    weights = region_weights()
    gaze = REGIONS.index("gaze")
    np.testing.assert_allclose(weights[gaze, 468:], 1, atol=1e-4)
    assert not weights[gaze, :468].any()
    others = np.delete(weights, gaze, axis=0)
    assert others[:, 468:].max() < 1e-4


def test_each_region_rules_where_it_lies() -> None:
    weights = dict(zip(REGIONS, region_weights(), strict=True))
    for name, vertices in {
        "mouth": INNER_LIPS,
        "eyes": EYES[0].ring,
        "brows": np.array([105, 334]),
        "jaw": np.array([152]),
        "cheeks": np.array([50, 280]),
    }.items():
        own = weights.pop(name)[vertices]
        assert all((own > other[vertices]).all() for other in weights.values()), name
        weights[name] = region_weights()[REGIONS.index(name)]


def test_a_region_alone_leaves_distant_vertices_still() -> None:
    (only_mouth,) = vertex_weights(dict.fromkeys(REGIONS, 0.0) | {"mouth": 1.0})
    distance = np.linalg.norm(rest_shape()[:, None] - rest_shape()[None, INNER_LIPS], axis=2).min(axis=1)
    assert only_mouth[distance > 6].max() < 0.1
    assert only_mouth[468:].max() < 1e-4
    assert only_mouth[INNER_LIPS].min() > 0.5
    assert only_mouth[RIGID].max() < 0.1


@given(st.dictionaries(st.sampled_from(REGIONS), st.floats(0, 1)))
def test_vertex_weights_grow_with_their_regions_and_unnamed_regions_count_whole(chosen: dict[str, float]) -> None:
    weights = vertex_weights(chosen)
    assert (weights >= 0).all()
    assert (weights <= vertex_weights({}) + 1e-6).all()
    np.testing.assert_allclose(weights, vertex_weights(dict.fromkeys(REGIONS, 1.0) | chosen), atol=1e-6)
    assert not vertex_weights(dict.fromkeys(REGIONS, 0.0)).any()


def test_weights_that_change_from_row_to_row_are_those_of_each_row() -> None:
    changing = {"mouth": np.array([0.0, 0.5, 1.0], np.float32), "jaw": np.array([1.0, 0.2, 0.0], np.float32)}
    weights = vertex_weights({"brows": 0.3}, changing)
    for row in range(3):
        own = {"brows": 0.3} | {name: float(values[row]) for name, values in changing.items()}
        np.testing.assert_allclose(weights[row], vertex_weights(own)[0], atol=1e-6)
