from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_research.dataset.synth import FRONTAL, NEUTRAL, Expression, sample_expressions, sample_identity, sample_poses
from dpe_research.dataset.synth.sampling import PITCH_DEG, ROLL_DEG, YAW_DEG
from dpe_toolkit.api.face import BLENDSHAPE_NAMES

seeds, counts = st.integers(0, 2**31 - 1), st.integers(1, 30)


@given(seeds, counts)
def test_poses_start_frontal_and_spread_over_every_range(seed: int, count: int):
    poses = sample_poses(seed, count)
    assert len(poses) == count
    assert poses[0] == FRONTAL
    for name, limit in (("yaw_deg", YAW_DEG), ("pitch_deg", PITCH_DEG), ("roll_deg", ROLL_DEG)):
        values = np.array([getattr(pose, name) for pose in poses[1:]])
        parts = np.floor((values + limit) / (2 * limit) * (count - 1) - 1e-6).astype(int)
        assert len(set(parts.tolist())) >= count - 2  # one may have been rounded over a border
        assert (np.abs(values) <= limit).all()


@given(seeds, counts)
def test_expressions_start_neutral_and_differ(seed: int, count: int):
    expressions = sample_expressions(seed, count)
    assert len(expressions) == count
    assert expressions[0] == NEUTRAL
    assert len(set(expressions)) == count
    for expression in expressions[1:]:
        assert max(expression.amounts) > 0.25
        assert min(expression.amounts) >= 0
        assert max(expression.amounts) <= 1


def active(expression: Expression) -> frozenset[int]:
    return frozenset(index for index, amount in enumerate(expression.amounts) if amount > 0.3)


@given(seeds)
def test_nine_expressions_of_a_person_are_of_eight_families(seed: int):
    assert len({active(expression) for expression in sample_expressions(seed, 9)}) >= 8


WEAK = ("cheekPuff", "eyeLook", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthRoll", "noseSneer")


@given(seeds)
def test_a_strong_repertoire_has_neither_glances_nor_what_small_pictures_hide(seed: int):
    expressions = sample_expressions(seed, 10, repertoire="strong")
    assert expressions[0] == NEUTRAL
    assert len(set(expressions)) == 10
    for expression in expressions[1:]:
        shown = [name for name, amount in zip(BLENDSHAPE_NAMES, expression.amounts, strict=True) if amount > 0]
        assert shown
        assert not [name for name in shown if name.startswith(WEAK)]


@given(seeds)
def test_the_same_seed_draws_the_same(seed: int):
    assert sample_poses(seed, 7) == sample_poses(seed, 7)


@given(seeds, st.floats(0, 1), st.floats(0.2, 0.8))
def test_the_same_heads_turn_and_move_as_far_as_they_may(seed: int, reach: float, face_size: float):
    usual, chosen = sample_poses(seed, 6), sample_poses(seed, 6, reach=reach, face_size=face_size)
    assert chosen[0] == replace(FRONTAL, size=face_size)
    for one, other in zip(usual, chosen, strict=True):
        for name in ("yaw_deg", "pitch_deg", "roll_deg"):
            assert getattr(other, name) == pytest.approx(reach * getattr(one, name), abs=2e-4)
        assert other.x - FRONTAL.x == pytest.approx(reach * (one.x - FRONTAL.x), abs=2e-4)
        assert other.size - face_size == pytest.approx(reach * (one.size - FRONTAL.size), abs=2e-4)
    assert sample_expressions(seed, 7) == sample_expressions(seed, 7)
    assert sample_identity(seed) == sample_identity(seed)
    assert hash(sample_identity(seed)) == hash(sample_identity(seed))


@given(seeds)
def test_colours_of_an_identity_are_colours(seed: int):
    identity = sample_identity(seed)
    for color in (identity.skin, identity.lips, identity.hair, identity.brows, identity.iris, identity.clothes):
        assert all(0 <= value <= 1 for value in color)
    assert abs(np.linalg.norm(identity.light.direction) - 1) < 1e-5
    assert identity.light.direction[2] < 0
