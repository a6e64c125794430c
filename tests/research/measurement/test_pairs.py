from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.measurement import HeldClips, PairChoice, PairReader, PairSampler, held_out_pairs
from dpe_toolkit.core.errors import AnalysisError
from tests.research.measurement.clips import FlatClips, FlatMotion

NUMBERS = st.integers(0, 10**6)


@settings(deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_pair_depends_on_seed_step_and_number_alone(seed: int, step: int, number: int) -> None:
    one, other = (PairSampler(FlatClips(), "train", seed) for _ in range(2))
    other.pair(step + 1, number)
    assert one.pair(step, number) == other.pair(step, number)


@settings(deadline=None)
@given(NUMBERS, st.integers(1, 5), st.booleans())
def test_pairs_are_two_seen_frames_of_one_clip_as_far_apart_as_asked(step: int, gap: int, far: bool) -> None:
    data = FlatClips()
    pair = PairSampler(data, "train", 0, minimum_gap_frames=gap, far=far).pair(step, 0)
    length = data.lengths[int(pair.clip_id[-1])]
    seen = [row for row in range(length) if row != data.hidden_row]
    assert {pair.source_row, pair.driver_row} <= set(seen)
    widest = max(abs(row - pair.source_row) for row in seen)
    assert pair.source_row != pair.driver_row
    assert abs(pair.source_row - pair.driver_row) >= gap or widest < gap
    assert not pair.mirrored


def test_every_clip_of_two_frames_comes_up_and_longer_ones_more_often_where_asked() -> None:
    def counts(by_frames: bool) -> list[int]:
        sampler = PairSampler(FlatClips(lengths=(1, 2, 38), hidden_row=99), "train", 1, by_frames=by_frames)
        chosen = [sampler.pair(0, number).clip_id for number in range(400)]
        return [chosen.count(f"train-{number}") for number in range(3)]

    equal, weighted = counts(False), counts(True)
    assert equal[0] == weighted[0] == 0
    assert 140 < equal[1] < 260
    assert 5 < weighted[1] < 40


def test_far_pairs_differ_more_in_expression() -> None:
    def mean_gap(far: bool) -> float:
        sampler = PairSampler(FlatClips(lengths=(40,)), "train", 1, far=far)
        pairs = [sampler.pair(0, number) for number in range(200)]
        return float(np.mean([abs(pair.source_row - pair.driver_row) for pair in pairs]))

    assert mean_gap(True) > 1.3 * mean_gap(False)


def test_a_part_without_pairs_is_refused() -> None:
    with pytest.raises(AnalysisError, match=r"no clip of two frames or more in its part 'test'.*data.split"):
        PairSampler(FlatClips(lengths=(1, 1)), "test", 0)


@pytest.mark.parametrize("size_px", [16, 8, 10, 32])
def test_pairs_are_read_at_the_size_asked_for_with_meshes_that_fit(size_px: int) -> None:
    data = FlatClips(size_px=16)
    pairs = PairReader(data, size_px).read([PairChoice("train-1", 2, 5), PairChoice("train-2", 0, 3)])
    assert pairs.source.shape == pairs.driver.shape == (2, 3, size_px, size_px)
    stored = torch.as_tensor(data.frames("train-2", [3])).float()[0] / 255
    torch.testing.assert_close(pairs.driver[1].mean(dim=(1, 2)), stored.mean(dim=(1, 2)), atol=5e-3, rtol=0)
    assert pairs.source_near_px is not None
    assert pairs.driver_near_px is not None
    assert pairs.source_near_px[0, 0, 0] == pytest.approx((2 + 4) * size_px / 16)
    assert pairs.driver_near_px[0, 0, 0] == pytest.approx((5 + 4) * size_px / 16)
    assert str(pairs.choices[0]) == "train-1 frames 2 and 5"


def test_mirrored_pairs_have_mirrored_meshes() -> None:
    reader = PairReader(FlatClips(), 16)
    plain = reader.read([PairChoice("train-1", 2, 5)])
    mirrored = reader.read([PairChoice("train-1", 2, 5, mirrored=True)])
    assert torch.equal(mirrored.source, plain.source.flip(-1))
    assert plain.driver_near_px is not None
    assert mirrored.driver_near_px is not None
    assert torch.equal(mirrored.driver_near_px[..., 0], 16 - plain.driver_near_px[..., 0])
    assert torch.equal(mirrored.driver_near_px[..., 1], plain.driver_near_px[..., 1])


def test_flipping_mirrors_about_half_of_the_pairs() -> None:
    sampler = PairSampler(FlatClips(), "train", 0, flip=True)
    assert 60 < sum(sampler.pair(0, number).mirrored for number in range(200)) < 140


def test_motion_is_read_once_for_each_clip_that_is_held() -> None:
    data = FlatClips()
    held = HeldClips(data)
    for _ in range(3):
        held.motion("train-1")
        held.motion("train-2")
    assert data.motion_reads == 2


def test_held_out_pairs_are_the_same_every_time_and_of_the_test_part() -> None:
    one, other = (list(held_out_pairs(FlatClips(), 8, num_pairs=5, batch=2)) for _ in range(2))
    assert [len(batch) for batch in one] == [2, 2, 1]
    assert all(torch.equal(a.source, b.source) for a, b in zip(one, other, strict=True))
    assert all(choice.clip_id.startswith("test") for batch in one for choice in batch.choices)


def test_what_a_dataset_says_of_frames_comes_with_their_pairs() -> None:
    source, driver = PairReader(FlatClips(), 16).motion([PairChoice("train-1", 2, 5), PairChoice("train-2", 0, 3)])
    torch.testing.assert_close(source.activities, torch.tensor([[2 / 6], [0.0]]))
    torch.testing.assert_close(driver.activities, torch.tensor([[5 / 6], [3 / 9]]))
    torch.testing.assert_close(driver.pose_deg, torch.tensor([[15.0, -5.0, 0.0], [9.0, -3.0, 0.0]]))
    torch.testing.assert_close(driver.place, torch.tensor([[0.55, 0.45, 0.6], [0.53, 0.47, 0.6]]))
    assert driver.rows(slice(1, 2)).place.shape == (1, 3)
    assert driver.to(torch.device("cpu"), torch.float64).activities.dtype == torch.float64


class ClipsWithoutActivities(FlatClips):
    def motion(self, clip_id: str) -> FlatMotion:
        whole = super().motion(clip_id)
        return replace(whole, blendshapes=whole.blendshapes[:, :0])


def test_clips_without_activities_cannot_teach_codes() -> None:
    reader = PairReader(ClipsWithoutActivities(), 16)
    with pytest.raises(AnalysisError, match=r"one of the clips train-1 has no activities.*one detector"):
        reader.motion([PairChoice("train-1", 2, 5)])
