from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.geometry import full_rgb
from dpe_toolkit.testing.pictures import LAYOUTS, batch_from_rgb, burn_frame_number, read_frame_number


def gray(width: int = 160, height: int = 120) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


@given(number=st.integers(0, 65535), name=st.sampled_from(sorted(LAYOUTS)), noise=st.integers(0, 30))
@settings(deadline=None, max_examples=40)
def test_a_burnt_in_number_reads_back_through_noise_and_any_layout(number: int, name: str, noise: int) -> None:
    picture = gray()
    burn_frame_number(picture, number)
    rough = np.random.default_rng(number).integers(-noise, noise + 1, picture.shape) + picture
    batch = batch_from_rgb(np.clip(rough, 0, 255).astype(np.uint8)[None], layout=LAYOUTS[name])
    assert read_frame_number(batch.planes[0][0]) == number


@pytest.mark.parametrize("number", [-1, 65536])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"frame number {number} does not fit 16 bits"):
        burn_frame_number(gray(), number)


def test_a_picture_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no frame number: the sync cells read 128 and 128"):
        read_frame_number(gray()[..., 0])


def test_a_blurred_number_is_refused() -> None:
    picture = gray()
    burn_frame_number(picture, 0)
    picture[-8:, 40:120] = 128
    with pytest.raises(ValueError, match="the frame number is blurred"):
        read_frame_number(picture[..., 0])


def test_a_narrow_picture_has_no_room_for_a_number() -> None:
    with pytest.raises(ValueError, match="a frame number needs a width of at least 72, got 64"):
        burn_frame_number(gray(width=64), 1)


def test_an_odd_size_does_not_fit_subsampled_chroma() -> None:
    with pytest.raises(ValueError, match="a picture of 161x120 does not fit chroma subsampled by 2x2"):
        batch_from_rgb(gray(width=161)[None])


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_flat_colours_survive_the_way_to_yuv_and_back(name: str) -> None:
    colours = np.array([[230, 20, 40], [20, 200, 60], [120, 120, 120], [0, 0, 0], [255, 255, 255]], np.uint8)
    pictures = np.broadcast_to(colours[:, None, None, :], (len(colours), 16, 16, 3)).copy()
    batch = batch_from_rgb(pictures, layout=LAYOUTS[name])
    for row in range(len(batch)):
        assert np.abs(full_rgb(batch, row).astype(int) - pictures[row]).max() <= 2


def test_frames_are_counted_from_the_index_asked_for() -> None:
    batch = batch_from_rgb(np.stack([gray(), gray()]), first_index=7)
    assert batch.index.tolist() == [7, 8]
