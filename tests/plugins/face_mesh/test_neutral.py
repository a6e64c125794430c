from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_face_mesh.bundle import load_network
from dpe_face_mesh.codes import shapes_of
from dpe_face_mesh.neutral import least_active, relax
from dpe_toolkit.api.face import BLENDSHAPE_NAMES, BLENDSHAPE_VERTICES, INNER_LIP_PAIRS, RIGID_VERTICES
from tests.plugins.face_mesh.scenes import rest_shape, source_clip


@given(st.integers(0, 2**16), st.integers(3, 60))
@settings(deadline=None, max_examples=20)
def test_the_calmest_tenth_is_averaged_and_its_order_does_not_matter(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = rest_shape() + rng.normal(0, 1, (count, 1, 1)).astype(np.float32)
    activity = rng.random((count, 52)).astype(np.float32)
    present = np.ones(count, bool)
    order = rng.permutation(count)
    calm = least_active(shapes, activity, present)
    np.testing.assert_allclose(least_active(shapes[order], activity[order], present), calm, atol=1e-5)
    chosen = np.argsort(activity[:, 1:].sum(axis=1))[: max(3, count // 10)]
    np.testing.assert_allclose(calm, shapes[chosen].mean(axis=0), atol=1e-5)


def test_a_smile_is_taken_out_of_the_neutral_and_the_head_stays() -> None:
    network = load_network("face_blendshapes")
    smiling = shapes_of(source_clip().motion.neutral)[0]
    relaxed = relax(smiling, network)

    def smile(shape: np.ndarray) -> float:
        image = (shape[BLENDSHAPE_VERTICES, :2] * 20 + 500).astype(np.float32)
        activity = network(image[None])[0].reshape(-1)
        return float(sum(activity[BLENDSHAPE_NAMES.index(f"mouthSmile{side}")] for side in ("Left", "Right")))

    def gap(shape: np.ndarray) -> float:
        upper, lower = INNER_LIP_PAIRS.T
        return float(np.abs(shape[lower, 1] - shape[upper, 1]).mean())

    assert smile(smiling) > 1
    assert smile(relaxed) < 0.5 * smile(smiling)
    assert gap(relaxed) < 0.5 * gap(smiling)
    assert np.abs(relaxed[RIGID_VERTICES] - smiling[RIGID_VERTICES]).max() < 0.2
    np.testing.assert_array_equal(relaxed[:, 2], smiling[:, 2])
