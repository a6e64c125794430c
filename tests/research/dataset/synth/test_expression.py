from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset.synth import ACTED_NAMES, NEUTRAL, Expression, sample_identity
from dpe_research.dataset.synth.deformation import activity_fields
from dpe_research.dataset.synth.face_mesh import face_mesh, mirror_field
from dpe_research.dataset.synth.head import build_head
from dpe_research.dataset.synth.inside import BALL_RADIUS
from dpe_research.dataset.synth.posing import act, canonical_irises
from dpe_toolkit.api.face import BLENDSHAPE_NAMES, EYE_RINGS, LID_PAIRS, LIP_RINGS, RIGID_VERTICES
from dpe_toolkit.core.errors import OptionsError

names = st.sampled_from(ACTED_NAMES)
amounts = st.dictionaries(names, st.floats(0, 1), max_size=6)


def moved(name: str) -> np.ndarray:
    return np.abs(activity_fields()[ACTED_NAMES.index(name)]).max(axis=1) > 1e-3


@given(amounts)
def test_an_expression_keeps_the_amounts_that_it_was_given(drawn: dict[str, float]):
    expression = Expression.of(drawn)
    assert all(expression[name] == drawn.get(name, 0.0) for name in BLENDSHAPE_NAMES)
    assert expression.as_array().shape == (52,)
    assert Expression.of({}) == NEUTRAL


def test_unknown_activities_are_refused_with_the_nearest_name():
    with pytest.raises(OptionsError, match=r"no activity 'jawOpne'.*did you mean 'jawOpen'"):
        Expression.of({"jawOpne": 0.5})


@pytest.mark.parametrize("amount", [-0.1, 1.5])
def test_amounts_outside_zero_and_one_are_refused(amount: float):
    with pytest.raises(OptionsError, match=r"jawOpen is .*an amount in \[0, 1\]"):
        Expression.of({"jawOpen": amount})


@pytest.mark.parametrize("name", [name for name in ACTED_NAMES if name.startswith(("mouth", "jaw", "cheekPuff"))])
def test_mouth_and_jaw_leave_eyes_forehead_and_nose_bridge_unmoved(name: str):
    y = face_mesh().neutral[:, 1]
    assert moved(name).any()
    assert not (moved(name) & (y < -1.5)).any()


@pytest.mark.parametrize("name", [name for name in ACTED_NAMES if name.startswith("brow")])
def test_brows_leave_lids_nose_and_mouth_unmoved(name: str):
    assert moved(name).any()
    assert not (moved(name) & (face_mesh().neutral[:, 1] > -3.0)).any()
    assert not moved(name)[EYE_RINGS].any()


@pytest.mark.parametrize(
    "name", [name for name in ACTED_NAMES if name.startswith(("eyeBlink", "eyeWide", "eyeSquint"))]
)
def test_lids_move_nothing_but_their_own_eye(name: str):
    side = 1 if name.endswith("Left") else -1
    apart = np.abs(face_mesh().neutral[:, :2] - (side * 3.16, -2.62))
    assert moved(name).any()
    assert not (moved(name) & ((apart[:, 0] > 2.0) | (apart[:, 1] > 1.2))).any()


@pytest.mark.parametrize("name", [name for name in ACTED_NAMES if name.endswith("Left") and "Look" not in name])
def test_the_other_side_does_the_mirrored_thing(name: str):
    if name in ("mouthLeft", "jawLeft"):
        assert activity_fields()[ACTED_NAMES.index(name)][0, 0] > 0
    other = activity_fields()[ACTED_NAMES.index(f"{name.removesuffix('Left')}Right")]
    np.testing.assert_array_equal(other, mirror_field(activity_fields()[ACTED_NAMES.index(name)]))


def test_what_defines_the_pose_hardly_moves():
    lower = [name for name in ACTED_NAMES if not name.startswith(("brow", "noseSneer"))]
    for name in lower:
        assert not moved(name)[RIGID_VERTICES].any(), name
    for name in set(ACTED_NAMES) - set(lower):
        field = activity_fields()[ACTED_NAMES.index(name), RIGID_VERTICES]
        assert np.linalg.norm(field.mean(axis=0)) < 0.08, name


@settings(max_examples=15, deadline=None)
@given(amounts, st.integers(0, 2))
def test_points_move_in_proportion_but_for_lids_that_slide_over_their_balls(drawn: dict[str, float], seed: int):
    head = build_head(sample_identity(seed))
    half = Expression.of({name: amount / 2 for name, amount in drawn.items() if not name.startswith("eyeLook")})
    whole = Expression.of({name: amount for name, amount in drawn.items() if not name.startswith("eyeLook")})
    rest, middle, end = (act(head, expression)[:468] for expression in (NEUTRAL, half, whole))
    free = np.ones(468, bool)
    for centre in head.ball_centres:
        free &= np.linalg.norm(head.rest[:468] - centre, axis=1) > BALL_RADIUS + 1.5
    np.testing.assert_allclose((rest + end)[free] / 2, middle[free], atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.integers(0, 2))
def test_lids_stay_outside_their_balls(amount: float, seed: int):
    head = build_head(sample_identity(seed))
    points = act(head, Expression.of({"eyeBlinkLeft": amount, "eyeBlinkRight": amount, "eyeLookDownLeft": amount}))
    for ring, centre in zip(EYE_RINGS, head.ball_centres, strict=True):
        assert (np.linalg.norm(points[ring] - centre, axis=1) > BALL_RADIUS + 0.05).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_blink_closes_the_eye_and_an_open_jaw_parts_the_lips(seed: int):
    head = build_head(sample_identity(seed))
    lid_gaps, lip_gaps = [], []
    for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
        lids = act(head, Expression.of({"eyeBlinkLeft": amount, "eyeBlinkRight": amount}))
        lid_gaps.append(np.mean(lids[LID_PAIRS[..., 1], 1] - lids[LID_PAIRS[..., 0], 1]))
        lips = act(head, Expression.of({"jawOpen": amount}))
        lip_gaps.append(lips[LIP_RINGS[3, 15], 1] - lips[LIP_RINGS[3, 5], 1])
    assert (np.diff(lid_gaps) < 0).all()
    assert lid_gaps[0] > 0.35
    assert lid_gaps[-1] < 0.06
    assert (np.diff(lip_gaps) > 0).all()
    assert abs(lip_gaps[0]) < 0.05
    assert lip_gaps[-1] > 2


@pytest.mark.parametrize(
    ("names", "axis", "sign"),
    [
        (("eyeLookOutLeft", "eyeLookInRight"), 0, 1),
        (("eyeLookInLeft", "eyeLookOutRight"), 0, -1),
        (("eyeLookUpLeft", "eyeLookUpRight"), 1, -1),
        (("eyeLookDownLeft", "eyeLookDownRight"), 1, 1),
    ],
)
def test_gaze_moves_both_irises_the_way_it_says(names: tuple[str, str], axis: int, sign: int):
    head = build_head(sample_identity(0))
    before = canonical_irises(head, NEUTRAL)
    after = canonical_irises(head, Expression.of(dict.fromkeys(names, 1.0)))
    assert (sign * (after - before)[[0, 5], axis] > 0.4).all()
    assert (np.abs((after - before)[[0, 5], 1 - axis]) < 1e-9).all()
