from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dpe_portrait.paste import Renderings, paste, relative_flow
from dpe_toolkit.geometry import aligned_mask
from dpe_toolkit.networks import Rendering

SIZE = 16
LIMIT = 1 / 255


def rendering(seed: int, *, mask: float = 3.0) -> Rendering:
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(2, 3, SIZE, SIZE, generator=generator) * 0.1
    raw[:, 2] = mask
    return Rendering(torch.randn(2, 3, SIZE, SIZE, generator=generator), (raw,))


def moved(base: Rendering, x_px: float = 0.0, y_px: float = 0.0) -> Rendering:
    """The same with everything taken from that many of the picture's pixels away."""
    raw = base.raw_flows[-1].clone()
    shift = torch.tensor([x_px, y_px]).view(1, 2, 1, 1) * 2 / SIZE
    raw[:, :2] = torch.atanh(torch.tanh(raw[:, :2]) + shift)
    return Rendering(base.image, (raw,))


@pytest.fixture
def native() -> Tensor:
    return torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(1))


SQUARES = torch.tensor([[4.0, 3.0, 32.0], [10.5, -6.25, 27.3]])


@pytest.mark.parametrize("mode", ["residual", "flow", "flow_residual"])
@given(st.integers(0, 1000), st.floats(-3, 3))
@settings(max_examples=15, deadline=None)
def test_equal_renderings_leave_the_window_as_it_is(mode: str, seed: int, mask: float) -> None:
    native = torch.rand(2, 3, 40, 48, generator=torch.Generator().manual_seed(seed))
    one = rendering(seed, mask=mask)
    assert torch.equal(paste(native, SQUARES, Renderings(one, one), mode), native)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["residual", "flow", "flow_residual"])
def test_renderings_that_differ_by_rounding_leave_the_window_within_one_code_value(mode: str, native: Tensor) -> None:
    one = rendering(3)
    noise = torch.randn(one.raw_flows[-1].shape, generator=torch.Generator().manual_seed(9)) * 2e-5
    other = Rendering(one.image + 1e-4, (one.raw_flows[-1] + noise,))
    after = paste(native, SQUARES, Renderings(other, one), mode)  # type: ignore[arg-type]
    assert (after - native).abs().max() < LIMIT


@pytest.mark.parametrize("mode", ["plain", "residual", "flow", "flow_residual"])
def test_nothing_changes_outside_the_square(mode: str, native: Tensor) -> None:
    after = paste(native, SQUARES, Renderings(rendering(1, mask=-1.0), rendering(2)), mode)  # type: ignore[arg-type]
    outside = (aligned_mask(SQUARES, (48, 40)) == 0).expand_as(native)
    assert torch.equal(after[outside], native[outside])
    assert not torch.equal(after, native)


def test_a_flow_moves_native_pixels_by_its_distance_at_native_scale(native: Tensor) -> None:
    base = rendering(1)
    # Two pixels of the picture are four of the window.
    after = paste(native, SQUARES, Renderings(moved(base, x_px=2.0), base), "flow")
    torch.testing.assert_close(after[0, :, 8:30, 8:26], native[0, :, 8:30, 12:30], atol=2e-3, rtol=0)


def test_a_flow_residual_adds_what_the_movement_leaves_over(native: Tensor) -> None:
    x = torch.arange(SIZE).expand(SIZE, SIZE)
    own = Rendering((x * 0.05 - 0.4).expand(2, 3, -1, -1).contiguous(), rendering(1).raw_flows)
    # The picture shows its own pixels from two to the right, and is brighter besides.
    edited = Rendering(own.image + 0.1 + 0.2, moved(own, x_px=2.0).raw_flows)
    after = paste(native, SQUARES, Renderings(edited, own), "flow_residual")
    only_moved = paste(native, SQUARES, Renderings(moved(own, x_px=2.0), own), "flow")
    torch.testing.assert_close((after - only_moved)[0, :, 8:30, 8:26], torch.full((3, 22, 18), 0.1), atol=2e-3, rtol=0)


def test_the_relative_flow_is_in_pixels_of_the_picture() -> None:
    base = rendering(1)
    move, share = relative_flow(Renderings(moved(base, y_px=-1.5), base))
    torch.testing.assert_close(move[:, 1], torch.full_like(move[:, 1], -1.5), atol=1e-3, rtol=0)
    assert share.eq(1).all()


def test_where_the_network_invents_more_its_own_pixels_are_shown(native: Tensor) -> None:
    base, drawn = rendering(1), rendering(1, mask=-9.0)
    after = paste(native, SQUARES, Renderings(drawn, base), "flow")
    plain = paste(native, SQUARES, Renderings(drawn, base), "plain")
    torch.testing.assert_close(after, plain, atol=2e-2, rtol=0)


def test_a_residual_adds_only_what_the_edit_changed(native: Tensor) -> None:
    base = Rendering(torch.zeros(2, 3, SIZE, SIZE), rendering(1).raw_flows)
    brighter = Rendering(torch.full((2, 3, SIZE, SIZE), 0.2), base.raw_flows)
    change = paste(native, SQUARES, Renderings(brighter, base), "residual") - native
    assert change.max() == pytest.approx(0.1, abs=1e-4)
    torch.testing.assert_close(change[0, :, 12:26, 12:28], torch.full((3, 14, 16), 0.1), atol=1e-4, rtol=0)
