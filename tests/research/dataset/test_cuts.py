from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset.cuts import find_cuts, scenes_of


def film(lengths: list[int], drift: float, seed: int) -> list[np.ndarray]:
    """Scenes of noise, each moving slowly, no two alike."""
    random = np.random.default_rng(seed)
    thumbs = []
    for number, length in enumerate(lengths):
        base = random.random((18, 32, 3)) * 0.5 + 0.5 * (number % 2)
        thumbs += [np.asarray(base + drift * np.sin(row / 5), np.float32) for row in range(length)]
    return thumbs


@settings(deadline=None)
@given(lengths=st.lists(st.integers(5, 40), min_size=1, max_size=4), drift=st.floats(0, 0.05), seed=st.integers(0, 50))
def test_every_cut_is_found_and_nothing_else(lengths: list[int], drift: float, seed: int) -> None:
    cuts = find_cuts(film(lengths, drift, seed))
    assert cuts.tolist() == np.cumsum(lengths)[:-1].tolist()
    scenes = scenes_of(cuts, sum(lengths))
    assert [len(scene) for scene in scenes] == lengths


def test_a_film_that_always_flickers_has_no_cuts() -> None:
    thumbs = [np.full((18, 32, 3), 0.2 + 0.3 * (row % 2), np.float32) for row in range(40)]
    assert not len(find_cuts(thumbs))


def test_one_picture_has_no_cut() -> None:
    assert not len(find_cuts([np.zeros((18, 32, 3), np.float32)]))
