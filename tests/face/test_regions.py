from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.face.blendshapes import BLENDSHAPE_NAMES
from dpe_toolkit.face.canonical import canonical_mesh
from dpe_toolkit.face.regions import REGIONS, region_blendshapes, region_weights, vertex_weights
from dpe_toolkit.face.topology import EYES, INNER_LIPS, NUM_MESH_VERTICES, RIGID_VERTICES


def test_every_blendshape_but_the_neutral_is_in_one_region() -> None:
    named = [name for region in REGIONS for name in region_blendshapes(region)]
    assert sorted(named) == sorted(BLENDSHAPE_NAMES[1:])


@pytest.mark.parametrize("region", REGIONS)
def test_both_sides_of_the_face_are_in_the_same_region(region: str) -> None:
    names = set(region_blendshapes(region))
    swapped = {name.replace("Left", "Right") if "Left" in name else name.replace("Right", "Left") for name in names}
    assert names == swapped


def test_region_weights_are_shares_that_sum_to_one_at_most() -> None:
    weights = region_weights()
    assert weights.shape == (len(REGIONS), NUM_MESH_VERTICES)
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
    distance = np.linalg.norm(canonical_mesh()[:, None] - canonical_mesh()[None, INNER_LIPS], axis=2).min(axis=1)
    assert only_mouth[distance > 6].max() < 0.1
    assert only_mouth[468:].max() < 1e-4
    assert only_mouth[INNER_LIPS].min() > 0.5
    assert only_mouth[RIGID_VERTICES].max() < 0.1


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
