from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.openings import Opening, face_openings, opening_sizes, seam_points, tuck_lips
from dpe_face_mesh.texture_donors import closing_share, donor_cost, donor_weights, pick_donors, shut_share
from dpe_toolkit.api.face import EYES, LIP_RINGS, NUM_MESH_VERTICES, canonical_face
from tests.plugins.face_mesh.scenes import FloatArray, lid_gap, mesh, rest_shape, with_lids, with_mouth

MOUTH = face_openings()[0]
which = st.sampled_from(face_openings())
levels = st.lists(st.floats(0, 3), min_size=8, max_size=8)


def shapes_with(opening: Opening, amounts: list[float]) -> FloatArray:
    """(T, 478, 3) shapes of which one opening has these amounts."""
    if opening.hard_edge:
        return np.stack([with_mouth(rest_shape(), amount) for amount in amounts])
    eye = EYES[int(opening.name[-1])]
    return np.stack([with_lids(rest_shape(), amount / 2, eye) for amount in amounts])


def still(count: int) -> FloatArray:
    return np.zeros((count, 3), np.float32)


def test_there_are_a_mouth_and_two_eyes() -> None:
    assert [opening.name for opening in face_openings()] == ["mouth", "eye_0", "eye_1"]
    assert [opening.hard_edge for opening in face_openings()] == [True, False, False]
    known = {tuple(triangle) for triangle in canonical_face().triangles.tolist()}
    for opening in face_openings():
        interior, around = ({tuple(t) for t in side.tolist()} for side in (opening.interior, opening.around))
        assert interior < around < known
        assert set(opening.interior.ravel()) <= set(opening.border)


@given(st.floats(0, 3), st.floats(0.5, 2))
@settings(deadline=None, max_examples=30)
def test_openings_are_mean_gap_and_width(gap: float, scale: float) -> None:
    shape = with_mouth(rest_shape(), gap)[None] * np.float32(scale)
    left, right = MOUTH.corners
    width = scale * np.linalg.norm(rest_shape()[right] - rest_shape()[left])
    np.testing.assert_allclose(opening_sizes(shape, MOUTH), [[gap * scale, width]], rtol=1e-3, atol=1e-4)
    for opening, eye in zip(face_openings()[1:], EYES, strict=True):
        np.testing.assert_allclose(opening_sizes(shape, opening)[:, 0], lid_gap(shape, eye), rtol=1e-4)


@given(which, levels, levels)
@settings(deadline=None, max_examples=60)
def test_weights_of_donors_are_not_negative_and_sum_to_one(
    opening: Opening, own: list[float], wanted: list[float]
) -> None:
    plan = pick_donors(opening, shapes_with(opening, own), shapes_with(opening, wanted), still(8), np.ones(8, bool))
    rows = np.array([0, 5, 2])
    for other in (None, opening_sizes(shapes_with(opening, wanted), opening)[rows]):
        shares = donor_weights(plan, rows, other)
        assert shares.shape == (3, 1 + len(plan.rows) + (other is not None))
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


@given(which, levels, levels, st.integers(0, 255))
@settings(deadline=None, max_examples=60)
def test_at_most_four_different_donors_are_picked_among_frames_that_show_the_face(
    opening: Opening, own: list[float], wanted: list[float], mask: int
) -> None:
    present = np.array([bool(mask >> bit & 1) for bit in range(8)])
    plan = pick_donors(opening, shapes_with(opening, own), shapes_with(opening, wanted), still(8), present)
    assert len(plan.rows) <= 4
    assert len(set(plan.rows.tolist())) == len(plan.rows)
    assert present[plan.rows].all()


@given(which, levels)
@settings(deadline=None, max_examples=30)
def test_there_is_no_donor_where_nothing_is_needed(opening: Opening, own: list[float]) -> None:
    shapes = shapes_with(opening, own)
    plan = pick_donors(opening, shapes, shapes, still(8), np.ones(8, bool))
    assert not plan.needed.any()
    assert not len(plan.rows)
    rows = np.arange(8)
    np.testing.assert_array_equal(donor_weights(plan, rows, None), np.ones((8, 1)))
    assert not closing_share(plan, rows).any()
    assert not shut_share(plan, rows).any()


def test_the_frame_that_is_most_alike_weighs_most() -> None:
    own = shapes_with(MOUTH, [0.0] * 6 + [1.5, 0.4])
    wanted = shapes_with(MOUTH, [1.5] * 8)
    plan = pick_donors(MOUTH, own, wanted, still(8), np.ones(8, bool))
    assert 6 in plan.rows
    shares = donor_weights(plan, np.array([0]), None)[0]
    assert shares[1 + plan.rows.tolist().index(6)] == shares.max()


def test_a_head_turned_away_is_no_donor_of_one_in_front() -> None:
    own = shapes_with(MOUTH, [0.0] * 6 + [1.5, 1.5])
    rotations = still(8)
    rotations[6, 1] = 1.2
    plan = pick_donors(MOUTH, own, shapes_with(MOUTH, [1.5] * 8), rotations, np.ones(8, bool))
    assert plan.rows.tolist() == [7]


@given(st.floats(0, 3), st.floats(0, 3), which)
@settings(deadline=None, max_examples=40)
def test_a_donor_costs_nothing_between_equals_and_something_otherwise(
    first: float, second: float, opening: Opening
) -> None:
    own, other = opening_sizes(shapes_with(opening, [first, second]), opening)
    assert donor_cost(own, own, opening) == 0
    assert donor_cost(own, other, opening) >= 0


@given(levels, levels)
@settings(deadline=None, max_examples=40)
def test_shares_of_closing_run_from_0_to_1(own: list[float], wanted: list[float]) -> None:
    plan = pick_donors(MOUTH, shapes_with(MOUTH, own), shapes_with(MOUTH, wanted), still(8), np.ones(8, bool))
    closing, shut = closing_share(plan, np.arange(8)), shut_share(plan, np.arange(8))
    for share in (closing, shut):
        assert ((share >= 0) & (share <= 1)).all()
    opened = np.array(wanted) >= np.array(own) + 1e-3
    assert not closing[opened].any()
    assert not shut[opened].any()


@given(st.floats(0, 1), st.floats(0, 2))
@settings(deadline=None, max_examples=30)
def test_tucking_moves_the_lips_alone_and_nothing_where_nothing_closes(share: float, gap: float) -> None:
    source = torch.from_numpy(with_mouth(rest_shape(), gap))[None] * 10
    assert torch.equal(tuck_lips(source, torch.zeros(1)), source)
    tucked = tuck_lips(source, torch.tensor([share]))
    inner = LIP_RINGS[1:].ravel()
    others = np.setdiff1d(np.arange(NUM_MESH_VERTICES), inner)
    assert torch.equal(tucked[:, others], source[:, others])
    outer, now, before = (
        points[:, rings] for points, rings in ((source, LIP_RINGS[0]), (tucked, LIP_RINGS[3]), (source, LIP_RINGS[3]))
    )
    assert ((now - outer).norm(dim=2) <= (before - outer).norm(dim=2) + 1e-4).all()


def test_the_seam_is_read_on_the_upper_lip() -> None:
    source = mesh(10, (100, 100))
    seam = seam_points(source)[0]
    outer, inner = source[0, LIP_RINGS[0]], source[0, LIP_RINGS[3]]
    assert seam.shape == (20, 3)
    upper = seam[:11]
    total = (upper - outer[:11]).norm(dim=1) + (upper - inner[:11]).norm(dim=1)
    torch.testing.assert_close(total, (outer[:11] - inner[:11]).norm(dim=1), atol=1e-3, rtol=0)
    torch.testing.assert_close(seam[11:], upper.flip(0)[1:10])
