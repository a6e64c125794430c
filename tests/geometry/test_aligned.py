from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpe_toolkit.geometry import aligned_mask, cut_aligned, paste_aligned

squares = st.tuples(st.floats(-20, 40), st.floats(-20, 40), st.floats(8, 90)).map(lambda one: torch.tensor([one]))


def ramp(width: int, height: int) -> Tensor:
    """A picture whose two channels are the x and the y of each pixel's centre."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack((x, y))[None].float()


@given(squares)
@settings(deadline=None, max_examples=40)
def test_a_crop_shows_the_places_of_its_square(square: Tensor) -> None:
    cut = cut_aligned(ramp(200, 200), square + torch.tensor([60.0, 60.0, 0.0]), 16)
    centre = (torch.arange(16) + 0.5) / 16 * square[0, 2]
    torch.testing.assert_close(cut[0, 0, 8], square[0, 0] + 60 + centre, atol=0.05, rtol=0)
    torch.testing.assert_close(cut[0, 1, :, 3], square[0, 1] + 60 + centre, atol=0.05, rtol=0)


@given(squares, st.integers(4, 48))
@settings(deadline=None, max_examples=40)
def test_a_flat_picture_stays_flat_both_ways_wherever_the_square_lies(square: Tensor, size: int) -> None:
    flat = torch.full((1, 3, 30, 50), 0.37)
    cut = cut_aligned(flat, square, size)
    torch.testing.assert_close(cut, torch.full((1, 3, size, size), 0.37), atol=1e-5, rtol=0)
    torch.testing.assert_close(paste_aligned(cut, square, (50, 30)), flat, atol=1e-5, rtol=0)


@given(squares)
@settings(deadline=None, max_examples=20)
def test_nothing_pasted_is_exactly_nothing(square: Tensor) -> None:
    assert not paste_aligned(torch.zeros(1, 3, 16, 16), square, (40, 24)).any()


def test_a_square_of_whole_pixels_at_its_own_size_is_copied() -> None:
    picture = torch.rand(2, 3, 20, 30)
    places = torch.tensor([[4.0, 2.0, 12.0], [10.0, 5.0, 12.0]])
    cut = cut_aligned(picture, places, 12)
    torch.testing.assert_close(cut[0], picture[0, :, 2:14, 4:16])
    torch.testing.assert_close(cut[1], picture[1, :, 5:17, 10:22])
    pasted = paste_aligned(cut, places, (30, 20))
    torch.testing.assert_close(pasted[0, :, 2:14, 4:16], picture[0, :, 2:14, 4:16])


def test_pasting_inverts_cutting_where_the_picture_is_smooth() -> None:
    place = torch.tensor([[10.25, 7.5, 61.0]])
    smooth = torch.sin(ramp(96, 80) / 14)
    back = paste_aligned(cut_aligned(smooth, place, 48), place, (96, 80))
    inside = aligned_mask(place, (96, 80), 4) == 1
    assert (back - smooth).abs()[:, :, inside[0, 0]].max() < 1e-3


def test_shrinking_averages_instead_of_skipping() -> None:
    checks = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float()[None, None]
    cut = cut_aligned(checks, torch.tensor([[0.0, 0.0, 64.0]]), 8)
    torch.testing.assert_close(cut, torch.full_like(cut, 0.5), atol=0.02, rtol=0)


def test_what_lies_outside_the_window_repeats_its_border_and_is_masked_on_the_way_back() -> None:
    picture = ramp(40, 40)
    place = torch.tensor([[-10.0, 5.0, 30.0]])
    cut = cut_aligned(picture, place, 30)
    torch.testing.assert_close(cut[0, 0, 15, :8], torch.full((8,), 0.5), atol=1e-4, rtol=0)
    mask = aligned_mask(place, (40, 40))
    assert mask[0, 0, 10, :20].eq(1).all()
    assert not mask[0, 0, 10, 20:].any()
    assert not mask[0, 0, :5].any()


def test_the_mask_rises_inward_over_the_feather() -> None:
    mask = aligned_mask(torch.tensor([[4.0, 4.0, 20.0]]), (30, 30), torch.tensor([5.0]))[0, 0, 14]
    assert mask[:4].eq(0).all()
    assert mask[9:19].eq(1).all()
    assert (mask[4:9].diff() > 0).all()


angles = st.floats(-3.2, 3.2).map(lambda one: torch.tensor([one]))
inner = st.tuples(st.floats(40, 60), st.floats(40, 60), st.floats(20, 60)).map(lambda one: torch.tensor([one]))


@given(inner, angles, st.integers(12, 40))
@settings(deadline=None, max_examples=12)
def test_a_turned_crop_shows_the_places_of_its_turned_square(square: Tensor, angle: Tensor, size: int) -> None:
    cut = cut_aligned(ramp(160, 160), square, size, angle)[0]
    step = (torch.arange(size) + 0.5) / size - 0.5
    across, down = square[0, 2] * step[None, :], square[0, 2] * step[:, None]
    middle = square[0, :2] + square[0, 2] / 2
    x = middle[0] + across * angle.cos() - down * angle.sin()
    y = middle[1] + across * angle.sin() + down * angle.cos()
    torch.testing.assert_close(cut, torch.stack((x, y)), atol=0.05, rtol=0)


def test_a_positive_rotation_is_clockwise_on_the_screen() -> None:
    picture = torch.zeros(1, 1, 21, 21)
    picture[0, 0, 18, 10] = 1
    cut = cut_aligned(picture, torch.tensor([[0.0, 0.0, 21.0]]), 21, torch.tensor([torch.pi / 2]))
    # The square's right side now lies at the bottom of the picture, where the light is.
    assert cut[0, 0].argmax() == 10 * 21 + 18


@given(inner)
@settings(deadline=None, max_examples=8)
def test_a_rotation_of_0_is_none(square: Tensor) -> None:
    picture, still = torch.rand(1, 3, 120, 120), torch.zeros(1)
    plain = cut_aligned(picture, square, 24)
    torch.testing.assert_close(cut_aligned(picture, square, 24, still), plain, atol=1e-4, rtol=0)
    inside = aligned_mask(square, (120, 120), 3.0)
    torch.testing.assert_close(aligned_mask(square, (120, 120), 3.0, still), inside, atol=1e-4, rtol=0)
    back = paste_aligned(plain, square, (120, 120), still)
    torch.testing.assert_close(back * inside, paste_aligned(plain, square, (120, 120)) * inside, atol=1e-4, rtol=0)


@given(inner, angles, st.integers(40, 64))
@settings(deadline=None, max_examples=12)
def test_pasting_inverts_cutting_however_the_square_is_turned(square: Tensor, angle: Tensor, size: int) -> None:
    smooth = torch.sin(ramp(140, 140) / 14)
    back = paste_aligned(cut_aligned(smooth, square, size, angle), square, (140, 140), angle)
    inside = aligned_mask(square, (140, 140), 6.0, angle) == 1
    assert inside.any()
    assert (back - smooth).abs()[:, :, inside[0, 0]].max() < 4e-3


@given(inner, angles)
@settings(deadline=None, max_examples=8)
def test_the_mask_of_a_turned_square_covers_what_its_crop_shows(square: Tensor, angle: Tensor) -> None:
    mask = aligned_mask(square, (160, 160), 0.0, angle)
    torch.testing.assert_close(mask.sum(), square[0, 2] ** 2, atol=float(4 * square[0, 2]), rtol=0)
    # All of the crop's inside is seen where the mask is, to within a pixel of the edge.
    assert cut_aligned(mask, square, 20, angle)[0, 0, 2:-2, 2:-2].min() > 0.9


def test_a_rotation_for_another_number_of_squares_is_refused() -> None:
    square, angle = torch.tensor([[0.0, 0.0, 8.0]]), torch.zeros(2)
    for call in (
        lambda: cut_aligned(torch.zeros(1, 3, 8, 8), square, 8, angle),
        lambda: paste_aligned(torch.zeros(1, 3, 8, 8), square, (8, 8), angle),
        lambda: aligned_mask(square, (8, 8), 0.0, angle),
    ):
        with pytest.raises(ValueError, match=r"rotation_rad has shape \(2,\), expected \(N\) with N=1"):
            call()


@pytest.mark.parametrize(
    ("windows", "square", "message"),
    [
        (torch.zeros(1, 3, 8), torch.ones(1, 3), r"pixels has shape"),
        (torch.zeros(2, 3, 8, 8), torch.ones(1, 3), r"square_px has shape \(1, 3\), expected \(N, 3\) with N=2"),
        (torch.zeros(1, 3, 8, 8), torch.zeros(1, 3), r"all must be above 0"),
    ],
)
def test_what_cannot_be_cut_is_refused(windows: Tensor, square: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cut_aligned(windows, square, 8)


def test_only_square_crops_are_pasted() -> None:
    with pytest.raises(ValueError, match="crops has shape"):
        paste_aligned(torch.zeros(1, 3, 8, 9), torch.ones(1, 3), (8, 8))
