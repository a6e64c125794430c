from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.retarget import Person, retarget
from dpe_toolkit.api.face import EYES, INNER_LIP_PAIRS, MOUTH_CORNERS, NUM_MESH_VERTICES
from tests.plugins.face_mesh.scenes import FloatArray, lid_gap, rest_shape, with_lids, with_mouth

seeds = st.integers(0, 2**16)


def varied(seed: int, sigma: float = 0.3, count: int = 1) -> FloatArray:
    """(T, 478, 3) canonical faces with every vertex somewhere else."""
    noise = np.random.default_rng(seed).normal(0, sigma, (count, NUM_MESH_VERTICES, 3))
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
    free = np.setdiff1d(np.arange(NUM_MESH_VERTICES), lips)
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
    free = np.setdiff1d(np.arange(NUM_MESH_VERTICES), lids)
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
