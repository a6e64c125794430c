from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from dpe_toolkit.networks import (
    Branch,
    Direction,
    Discriminator,
    DpeNetwork,
    Encoder,
    Generator,
    NetworkParams,
    corner_grid,
    split_flow,
)
from dpe_toolkit.networks.discriminator import append_minibatch_deviation
from dpe_toolkit.networks.layers import Activation, Blur, EqualConv2d, EqualLinear, ResidualBlock, Upsample, blur_kernel
from dpe_toolkit.networks.modulation import ModulatedConv2d

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)
BRANCHES: tuple[Branch, Branch] = ("pose", "exp")


def tiny_network(params: NetworkParams = TINY, seed: int = 0) -> DpeNetwork:
    torch.manual_seed(seed)
    return DpeNetwork(params)


def pictures(count: int, params: NetworkParams = TINY, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, params.size, params.size, generator=generator) * 2 - 1


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"size": 48}, "size is 48; a power of two"),
        ({"size": 4}, "size is 4; a power of two of at least 8"),
        ({"style_dim": 0}, "below 1"),
        ({"style_dim": 8, "motion_dim": 9}, "motion_dim is 9; at most style_dim = 8"),
    ],
)
def test_params_refuse_sizes_that_no_network_has(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NetworkParams(**sizes)


def test_params_give_the_released_channels() -> None:
    params = NetworkParams()
    assert [params.channels(size) for size in (4, *params.level_sizes)] == [512, 512, 512, 512, 256, 128, 64]
    assert NetworkParams(channel_multiplier=2).channels(256) == 128
    assert params.num_levels == 6


@pytest.mark.parametrize("params", [TINY, NetworkParams(64, 24, 5, 1, 12), NetworkParams(8, 8, 2, 1, 4)])
def test_shapes_hold_at_every_size(params: NetworkParams) -> None:
    network = tiny_network(params)
    latent, features = network.encode(pictures(2, params))
    assert latent.shape == (2, params.style_dim)
    assert [tuple(maps.shape) for maps in features] == [
        (2, params.channels(size), size, size) for size in params.level_sizes
    ]
    rendering = network.dec_exp.render(latent, features)
    assert rendering.image.shape == (2, 3, params.size, params.size)
    assert [raw.shape[-1] for raw in rendering.raw_flows] == list(params.level_sizes)
    assert Discriminator(params)(pictures(2, params)).shape == (2, 1)


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_batch_gives_what_its_pictures_give_alone(branch: Branch) -> None:
    network = tiny_network()
    sources, drivers = pictures(3), pictures(3, seed=2)
    with torch.no_grad():
        together = network(sources, drivers, branch)
        alone = torch.cat([network(sources[i : i + 1], drivers[i : i + 1], branch) for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_permuting_a_batch_permutes_the_results() -> None:
    network = tiny_network()
    sources, drivers, order = pictures(3), pictures(3, seed=2), [2, 0, 1]
    with torch.no_grad():
        torch.testing.assert_close(
            network(sources, drivers, "exp")[order],
            network(sources[order], drivers[order], "exp"),
            rtol=1e-4,
            atol=1e-5,
        )


def test_gradients_reach_every_parameter_that_training_needs() -> None:
    network = tiny_network()
    network.edit_both(pictures(2), pictures(2, seed=2)).square().mean().backward()
    reached = {
        name
        for name, value in network.named_parameters()
        if value.grad is not None and bool(value.grad.abs().sum() > 0)
    }
    assert set(dict(network.named_parameters())) - reached == network.unused_parameters()


def test_unused_parameters_are_the_first_rgb_and_the_noise_weights() -> None:
    unused = tiny_network().unused_parameters()
    levels = TINY.num_levels
    assert sum(name.endswith("noise.weight") for name in unused) == 2 * (2 * levels + 1)
    assert sum(".to_rgb1." in name for name in unused) == 2 * 3
    assert len(unused) == 2 * (2 * levels + 1) + 6


def test_gradients_reach_every_parameter_of_the_discriminator() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(TINY)
    F.softplus(-discriminator(pictures(4))).mean().backward()
    assert all(bool(value.grad.abs().sum() > 0) for value in discriminator.parameters() if value.grad is not None)
    assert all(value.grad is not None for value in discriminator.parameters())


@pytest.mark.parametrize("branch", BRANCHES)
def test_motion_path_folds_into_one_affine_map_of_low_rank(branch: Branch) -> None:
    network = tiny_network().double()
    folded = network.fold_motion(branch)
    latents = torch.randn(5, TINY.style_dim, dtype=torch.float64)
    torch.testing.assert_close(folded(latents), network.motion_code(latents, branch), rtol=1e-9, atol=1e-9)
    assert folded.down.shape == (TINY.motion_dim, TINY.style_dim)
    assert torch.linalg.matrix_rank(folded.up @ folded.down) <= TINY.motion_dim


def test_directions_are_orthonormal_and_keep_lengths() -> None:
    torch.manual_seed(3)
    direction = Direction(TINY)
    basis = direction.basis()
    torch.testing.assert_close(basis.T @ basis, torch.eye(TINY.motion_dim), rtol=0, atol=1e-6)
    alpha = torch.randn(6, TINY.motion_dim)
    torch.testing.assert_close(direction(alpha).norm(dim=1), alpha.norm(dim=1))
    assert direction.to(torch.bfloat16).basis().dtype == torch.bfloat16


@given(scale=st.floats(0.05, 20.0), seed=st.integers(0, 50), upsample=st.booleans())
@settings(max_examples=20, deadline=None)
def test_demodulation_undoes_any_scale_of_the_style(scale: float, seed: int, upsample: bool) -> None:
    torch.manual_seed(seed)
    conv = ModulatedConv2d(4, 6, 3, 5, upsample=upsample)
    conv.modulation.bias.data.zero_()
    x, style = torch.randn(2, 4, 8, 8), torch.randn(2, 5) + 3
    torch.testing.assert_close(conv(x, style * scale), conv(x, style), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("axis", [2, 3])
def test_resampling_commutes_with_mirroring(axis: int) -> None:
    x = torch.randn(2, 3, 8, 8)
    for layer in (Blur(2), Blur(1), Upsample()):
        torch.testing.assert_close(layer(x.flip(axis)), layer(x).flip(axis))


def test_blur_commutes_with_shifting_away_from_the_border() -> None:
    x = F.pad(torch.randn(1, 2, 6, 6), (4, 4, 4, 4))
    torch.testing.assert_close(Blur(2)(x.roll((1, 2), (2, 3))), Blur(2)(x).roll((1, 2), (2, 3)))


def test_upsampling_is_zero_insertion_and_a_low_pass() -> None:
    x = torch.randn(2, 3, 5, 5)
    spread = x.new_zeros(2, 3, 10, 10)
    spread[:, :, ::2, ::2] = x
    padded = F.pad(spread, (2, 1, 2, 1))
    expected = F.conv2d(padded.view(6, 1, 13, 13), blur_kernel(4.0)[None, None]).view(2, 3, 10, 10)
    torch.testing.assert_close(Upsample()(x), expected)


def test_blur_of_a_constant_is_that_constant_inside() -> None:
    x = torch.full((1, 1, 8, 8), 0.7)
    torch.testing.assert_close(Blur(2)(x)[:, :, 3:-3, 3:-3], x[:, :, :3, :3])


def test_flow_of_zero_samples_the_corner_grid() -> None:
    grid, mask = split_flow(torch.zeros(2, 3, 4, 4))
    torch.testing.assert_close(grid, corner_grid(4, grid).expand(2, -1, -1, -1))
    assert grid[0, 0, 0].tolist() == [-1.0, -1.0]
    assert grid[0, 0, 3].tolist() == [1.0, -1.0]
    assert mask.unique().tolist() == [0.5]


def test_grid_stays_within_one_picture_of_its_place() -> None:
    grid, mask = split_flow(torch.randn(1, 3, 8, 8) * 100)
    assert float((grid - corner_grid(8, grid)).abs().max()) <= 1.0 + 1e-6
    assert 0.0 <= float(mask.min()) <= float(mask.max()) <= 1.0


def test_minibatch_deviation_of_one_picture_is_the_epsilon() -> None:
    x = append_minibatch_deviation(torch.randn(1, 5, 4, 4))
    assert x.shape == (1, 6, 4, 4)
    torch.testing.assert_close(x[:, 5], torch.full((1, 4, 4), math.sqrt(1e-8)))


def test_minibatch_deviation_groups_every_fourth_picture() -> None:
    x = torch.randn(8, 3, 4, 4)
    planes = append_minibatch_deviation(x)[:, 3, 0, 0]
    for group in (0, 1):
        members = x[group::2]
        expected = torch.sqrt(members.var(0, unbiased=False) + 1e-8).mean()
        torch.testing.assert_close(planes[group::2], expected.expand(4))


def test_discriminator_refuses_a_batch_that_has_no_whole_groups() -> None:
    with pytest.raises(ValueError, match="the batch holds 6 pictures; below 4 or a multiple"):
        Discriminator(TINY)(pictures(6))


def test_activation_keeps_variance_and_residual_blocks_halve_the_size() -> None:
    torch.manual_seed(0)
    assert Activation(4)(torch.randn(64, 4, 8, 8)).square().mean().item() == pytest.approx(1.04, abs=0.05)
    assert ResidualBlock(3, 5)(torch.randn(1, 3, 16, 16)).shape == (1, 5, 8, 8)


@pytest.mark.parametrize(
    "kind",
    [
        Activation,
        Blur,
        Direction,
        Discriminator,
        DpeNetwork,
        Encoder,
        EqualConv2d,
        EqualLinear,
        Generator,
        ModulatedConv2d,
    ],
)
def test_public_modules_document_shape_and_source(kind: type) -> None:
    assert kind.__doc__ is not None
    assert "Shape:" in kind.__doc__
    assert "Source:" in kind.__doc__


def test_fewer_base_channels_narrow_every_level_but_the_widest() -> None:
    slim = NetworkParams(size=64, style_dim=8, motion_dim=4, max_channels=48, base_channels=2)
    assert [slim.channels(size_px) for size_px in (4, 8, 16, 32, 64)] == [48, 48, 32, 16, 8]
    assert NetworkParams(base_channels=1, size=1024).channels(1024) == 1
    with pytest.raises(ValueError, match="below 1"):
        NetworkParams(base_channels=0)
