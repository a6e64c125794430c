from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_multiband_blend.options import MultibandOptions
from dpe_multiband_blend.pyramid import blend_bands
from dpe_toolkit.api import OptionsError


def pictures(seed: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.rand(2, 1, 3, height, width, generator=generator).unbind(0)
    return first, second


@given(st.integers(0, 999), st.integers(3, 70), st.integers(3, 70), st.integers(1, 8))
@settings(deadline=None, max_examples=20)
def test_whole_weights_give_whole_pictures(seed: int, height: int, width: int, bands: int) -> None:
    first, second = pictures(seed, height, width)
    weight = torch.ones(1, 1, height, width)
    torch.testing.assert_close(blend_bands(first, second, weight, bands), first, atol=1e-5, rtol=0)
    assert torch.equal(blend_bands(first, second, weight * 0, bands), second)


def test_a_step_of_light_becomes_a_slope_as_wide_as_the_coarsest_band() -> None:
    dark, light = torch.zeros(1, 1, 64, 128), torch.ones(1, 1, 64, 128)
    weight = (torch.arange(128) >= 64).float().expand(1, 1, 64, 128)
    steepest = [float(blend_bands(light, dark, weight, bands)[0, 0, 32].diff().abs().max()) for bands in (1, 3, 5)]
    assert steepest[0] == 1
    assert steepest[1] < 0.3
    assert steepest[2] < 0.08


def test_fine_detail_changes_over_a_pixel_or_two() -> None:
    grain = torch.tensor([0.0, 1.0]).repeat(64).expand(1, 1, 64, 128)
    weight = (torch.arange(128) >= 64).float().expand(1, 1, 64, 128)
    line = blend_bands(grain, torch.full_like(grain, 0.5), weight, 5)[0, 0, 32]
    contrast = line.diff().abs()
    assert contrast[:58].max() < 0.05
    assert contrast[70:120].min() > 0.9


def test_blending_is_linear_in_the_pictures() -> None:
    first, second = pictures(1, 33, 47)
    weight = torch.rand(1, 1, 33, 47, generator=torch.Generator().manual_seed(2))
    doubled = blend_bands(2 * first, 2 * second, weight, 4)
    torch.testing.assert_close(doubled, 2 * blend_bands(first, second, weight, 4))


@pytest.mark.parametrize("values", [{"bands": 0}, {"bands": 9}, {"edge_px": 0}, {"reach": 0.1}])
def test_options_out_of_bounds_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(OptionsError, match=r"option multiband\.\w+ = [\d.]+ is not accepted"):
        MultibandOptions.parse(values, owner="multiband")
