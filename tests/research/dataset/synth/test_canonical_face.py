from __future__ import annotations

import numpy as np

from dpe_research.dataset.synth import NEUTRAL, sample_identity
from dpe_research.dataset.synth.face_mesh import face_mesh, mirror_field, smooth_field
from dpe_research.dataset.synth.head import build_head
from dpe_research.dataset.synth.posing import act
from dpe_toolkit.api.face import EYES, FACE_OVAL, LIP_RINGS, canonical_face, fit_pose


def test_the_acted_face_is_the_canonical_face_with_its_holes_cut():
    mesh = face_mesh()
    np.testing.assert_array_equal(mesh.canonical.astype(np.float32), canonical_face().vertices)
    whole = {tuple(triangle) for triangle in canonical_face().triangles.tolist()}
    kept = {tuple(triangle) for triangle in mesh.triangles.tolist()}
    assert kept < whole
    holes = [set(LIP_RINGS[3].tolist()), *(set(eye.ring.tolist()) for eye in EYES)]
    assert all(any(hole.issuperset(triangle) for hole in holes) for triangle in whole - kept)


def test_the_neutral_mouth_is_closed():
    mesh = face_mesh()
    upper, lower = LIP_RINGS[3, 1:10], LIP_RINGS[3, :10:-1]
    np.testing.assert_allclose(mesh.neutral[upper], mesh.neutral[lower], atol=1e-4)


def test_mirroring_twice_changes_nothing():
    field = np.random.default_rng(0).normal(size=(468, 3))
    np.testing.assert_array_equal(mirror_field(mirror_field(field)), field)


def test_a_smooth_field_keeps_its_handles_and_stays_between_them():
    target = np.full((468, 3), np.nan)
    target[FACE_OVAL] = 0
    target[4] = (0, 0, -1)
    field = smooth_field(target)
    np.testing.assert_array_equal(field[4], (0, 0, -1))
    assert not field[FACE_OVAL].any()
    assert np.abs(field).max() < 1.2


def test_no_identity_has_a_pose_place_or_size_of_its_own():
    for seed in range(6):
        points = act(build_head(sample_identity(seed)), NEUTRAL)[:468]
        pose = fit_pose(points[None].astype(np.float32))[0]
        np.testing.assert_allclose(pose, 0, atol=2e-3)


def test_every_vertex_of_a_head_is_finite_and_every_triangle_has_three():
    for seed in range(6):
        head = build_head(sample_identity(seed))
        assert np.isfinite(head.rest).all()
        assert np.isfinite(head.activities).all()
        assert head.triangles.min() >= 0
        assert head.triangles.max() < len(head.rest)
        assert (np.diff(np.sort(head.triangles, axis=1), axis=1) > 0).mean() > 0.98
        for values in (head.uv, head.turn, head.open_to_light):
            assert len(values) == len(head.rest)
        assert len(head.two_sided) == len(head.triangles)
