from __future__ import annotations

from typing import cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from dpe_toolkit.networks import (
    Branch,
    DpeEditor,
    DpeNetwork,
    EncodedSource,
    FastDpe,
    NetworkParams,
    Origin,
    fast_layers,
    keep_freed_memory,
    split_flow,
)
from dpe_toolkit.networks.fast_layers import FoldedConv, sample_rows, upsample_twice
from dpe_toolkit.networks.layers import Upsample

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)
BRANCHES: tuple[Branch, Branch] = ("pose", "exp")


def lively_network(params: NetworkParams = TINY, seed: int = 0) -> DpeNetwork:
    torch.manual_seed(seed)
    network = DpeNetwork(params)
    for name, value in network.named_parameters():
        if name.endswith(".bias") and "modulation" not in name:
            value.data.normal_(std=0.2)
        elif ".to_flows." in name and name.endswith("conv.weight"):
            value.data.mul_(0.3)
    return network


def pictures(count: int, params: NetworkParams = TINY, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 8, 8, generator=generator)
    return torch.tanh(F.interpolate(coarse, size=params.size, mode="bilinear"))


@pytest.fixture(scope="module")
def network() -> DpeNetwork:
    return lively_network()


@pytest.fixture(scope="module")
def editor(network: DpeNetwork) -> DpeEditor:
    return DpeEditor(FastDpe(network), expression_branch="pose")


@pytest.mark.parametrize("params", [TINY, NetworkParams(64, 24, 5, 1, 12), NetworkParams(16, 8, 3, 1, 40)])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("fused", [True, False])
def test_fast_route_equals_the_faithful_modules(
    params: NetworkParams, count: int, fused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fused:
        monkeypatch.setattr(fast_layers, "_fuses", lambda x: False)
    network = lively_network(params)
    fast = FastDpe(network)
    source, driver = pictures(count, params), pictures(count, params, seed=2)
    with torch.no_grad():
        latent, features = network.encode(source)
        encoded = fast.encode(source)
        torch.testing.assert_close(encoded.latent, latent, rtol=1e-4, atol=1e-5)
        for ours, theirs in zip(encoded.features, features, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
        for branch in BRANCHES:
            code = latent + network.motion_code(network.encode(driver)[0], branch)
            ours_, theirs_ = fast.render(code, encoded, branch), network.generator(branch).render(code, features)
            torch.testing.assert_close(ours_.image, theirs_.image, rtol=1e-3, atol=1e-4)
            for mine, raw in zip(ours_.raw_flows, theirs_.raw_flows, strict=True):
                torch.testing.assert_close(mine, raw, rtol=1e-3, atol=1e-4)


def test_half_precisions_stay_near_the_reference(network: DpeNetwork, editor: DpeEditor) -> None:
    source, driver = pictures(2), pictures(2, seed=2)
    expected = editor.edit(source, driver)
    for dtype in (torch.bfloat16, torch.float16):
        rough = DpeEditor(FastDpe(network, dtype=dtype), expression_branch="pose").edit(source, driver)
        assert rough.dtype == torch.float32
        assert float((rough - expected).square().mean()) < 4e-4


def test_one_source_serves_many_codes(editor: DpeEditor) -> None:
    source, drivers = pictures(1), pictures(3, seed=2)
    expected = torch.cat([editor.edit(source, drivers[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(editor.edit(source, drivers), expected, rtol=1e-4, atol=1e-4)


def test_one_driver_serves_many_sources(editor: DpeEditor) -> None:
    sources, driver = pictures(3), pictures(1, seed=2)
    expected = torch.cat([editor.edit(sources[i : i + 1], driver) for i in range(3)])
    torch.testing.assert_close(editor.edit(sources, driver), expected, rtol=1e-4, atol=1e-4)


def test_kept_codes_give_the_same_edit(editor: DpeEditor) -> None:
    source, driver = pictures(2), pictures(2, seed=2)
    kept = editor.edit(editor.encode(source), editor.encode(driver).latent)
    torch.testing.assert_close(kept, editor.edit(source, driver), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("expression_branch", BRANCHES)
def test_edits_go_through_the_branch_that_the_checkpoint_names(network: DpeNetwork, expression_branch: Branch) -> None:
    editor = DpeEditor(FastDpe(network), expression_branch=expression_branch)
    source, driver = pictures(1), pictures(1, seed=2)
    other: Branch = "exp" if expression_branch == "pose" else "pose"
    with torch.no_grad():
        expected = {
            "expression": network(source, driver, expression_branch),
            "pose": network(source, driver, other),
            "both": network.edit_both(source, driver),
        }
    torch.testing.assert_close(editor.edit(source, driver), expected["expression"], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(editor.edit(source, driver, "pose"), expected["pose"], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(editor.edit(source, driver, "both"), expected["both"], rtol=1e-3, atol=1e-4)


def test_strength_zero_is_the_self_reconstruction(editor: DpeEditor) -> None:
    source, driver = pictures(2), pictures(2, seed=2)
    own = editor.network.render_self(editor.encode(source), "pose").image
    torch.testing.assert_close(editor.edit(source, driver, strength=0.0), own, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(editor.edit(source, source), own, rtol=1e-5, atol=1e-5)
    edited, unedited = editor.render_pair(source, driver, strength=0.0)
    torch.testing.assert_close(edited.image, unedited.image, rtol=0, atol=0)
    grid, mask = split_flow(edited.raw_flows[-1])
    assert grid.shape == (2, 32, 32, 2)
    assert mask.shape == (2, 1, 32, 32)


def test_strength_is_continuous_up_to_the_paper_s_edit(editor: DpeEditor) -> None:
    source, driver = pictures(1), pictures(1, seed=2)
    almost = editor.edit(source, driver, strength=1.0 - 1e-6)
    torch.testing.assert_close(almost, editor.edit(source, driver), rtol=1e-3, atol=1e-3)


def test_neutral_frame_of_the_driver_itself_leaves_the_source_alone(editor: DpeEditor) -> None:
    source, driver = pictures(1), pictures(1, seed=2)
    still = editor.edit(source, driver, neutral=driver)
    own = editor.network.render_self(editor.encode(source), "pose").image
    torch.testing.assert_close(still, own, rtol=1e-5, atol=1e-5)


def test_origin_zero_scales_the_motion_code_itself(editor: DpeEditor) -> None:
    source, driver = pictures(1), pictures(1, seed=2)
    encoded, latent = editor.encode(source), editor.encode(driver).latent
    code = encoded.latent + 0.5 * editor.network.motion_code(latent, "pose")
    expected = editor.network.render(code, encoded, "pose").image
    torch.testing.assert_close(editor.edit(source, driver, strength=0.5, origin="zero"), expected)


@pytest.mark.parametrize("origin", ["self", "zero"])
def test_strength_one_is_the_paper_s_edit_from_either_origin(editor: DpeEditor, origin: Origin) -> None:
    source, driver = pictures(1), pictures(1, seed=2)
    torch.testing.assert_close(editor.edit(source, driver, origin=origin), editor.edit(source, driver), rtol=0, atol=0)


def test_pose_strength_applies_to_the_pose_of_both_alone(editor: DpeEditor) -> None:
    source, driver = pictures(1), pictures(1, seed=2)
    first = editor.edit(source, driver, "expression", 0.6)
    expected = editor.edit(first, driver, "pose", 0.3)
    both = editor.edit(source, driver, "both", 0.6, pose_strength=0.3)
    torch.testing.assert_close(both, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("source", "driver", "message"),
    [
        (torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 32, 32), r"source has shape \(1, 3, 16, 16\)"),
        (torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32), r"driver has shape \(1, 1, 32, 32\)"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.zeros(1, 3, 32, 32), "source has dtype torch.uint8"),
        (torch.zeros(1, 3, 32, 32), torch.zeros(1, 5), r"driver has shape \(1, 5\)"),
        (torch.zeros(2, 3, 32, 32), torch.zeros(3, 3, 32, 32), r"hold \[2, 3\] pictures; equal counts or 1"),
    ],
)
def test_wrong_pictures_are_refused_by_name(editor: DpeEditor, source: Tensor, driver: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        editor.edit(source, driver)


def test_unknown_edit_is_refused_with_the_known_ones(editor: DpeEditor) -> None:
    with pytest.raises(ValueError, match="edit is 'smile'; one of 'expression', 'pose', 'both'"):
        editor.edit(pictures(1), pictures(1), cast("str", "smile"))  # type: ignore[arg-type]


def test_a_pair_of_renderings_has_one_branch(editor: DpeEditor) -> None:
    with pytest.raises(ValueError, match="edit is 'both'; one branch at a time has a flow"):
        editor.render_pair(pictures(1), pictures(1), cast("str", "both"))  # type: ignore[arg-type]


def test_compiling_hands_over_the_encoder_and_both_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: compiled.append((self, options)))
    fast = FastDpe(lively_network())
    assert fast.compile_stages() is fast
    assert [stage for stage, _ in compiled] == [fast.encoder, fast.generators["pose"], fast.generators["exp"]]
    assert all(options["options"] == {"freezing": True} for _, options in compiled)


def test_edits_track_no_gradient_and_change_no_input(editor: DpeEditor) -> None:
    source, driver = pictures(1).requires_grad_(), pictures(1, seed=2)
    before = source.detach().clone()
    encoded = editor.encode(driver)
    copies = [maps.clone() for maps in encoded.features]
    result = editor.edit(encoded, source)
    assert not result.requires_grad
    assert torch.equal(source.detach(), before)
    assert all(torch.equal(maps, copy) for maps, copy in zip(encoded.features, copies, strict=True))
    assert torch.equal(editor.edit(encoded, source), result)


def test_fast_route_keeps_its_weights_when_the_network_trains_on() -> None:
    network = lively_network()
    fast = FastDpe(network)
    source = pictures(1)
    with torch.no_grad():
        before = fast.render_self(fast.encode(source), "exp").image
        for value in network.parameters():
            value.mul_(1.5)
        torch.testing.assert_close(fast.render_self(fast.encode(source), "exp").image, before, rtol=0, atol=0)


def test_another_upsampling_kernel_is_refused() -> None:
    network = lively_network()
    kernel = network.dec_exp.to_rgbs[0].upsample.kernel
    cast("Tensor", kernel).mul_(1.1)
    with pytest.raises(ValueError, match=r"dec_exp\.to_rgbs\.0\.upsample\.kernel is .* needs the usual kernel"):
        FastDpe(network)


@given(seed=st.integers(0, 1000), count=st.integers(1, 3), shared=st.booleans(), reach=st.floats(0.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_sampling_rows_equals_grid_sample(seed: int, count: int, shared: bool, reach: float) -> None:
    torch.manual_seed(seed)
    maps = torch.randn(1 if shared else count, 5, 8, 8).contiguous(memory_format=torch.channels_last)
    grid = (torch.rand(count, 8, 8, 2) * 2 - 1) * reach
    mask = torch.rand(count, 8, 8)
    expected = F.grid_sample(maps.expand(count, -1, -1, -1), grid, align_corners=False) * mask.unsqueeze(1)
    torch.testing.assert_close(sample_rows(maps, grid, mask), expected, rtol=1e-4, atol=1e-5)


def test_upsampling_twice_equals_the_faithful_layer() -> None:
    x = torch.randn(2, 3, 7, 7)
    torch.testing.assert_close(upsample_twice(x), Upsample()(x), rtol=1e-5, atol=1e-6)


def test_folded_convolution_follows_a_change_of_picture_size_and_dtype() -> None:
    conv = FoldedConv(torch.randn(6, 4, 3, 3), torch.randn(6), padding=1, leak=True)
    for size in (8, 12, 8):
        x = torch.randn(1, 4, size, size).contiguous(memory_format=torch.channels_last)
        expected = F.leaky_relu(F.conv2d(x, conv.weight, conv.bias, padding=1), 0.2)
        torch.testing.assert_close(conv(x), expected, rtol=1e-4, atol=1e-5)
    conv.double()
    assert conv(torch.randn(1, 4, 8, 8, dtype=torch.float64)).dtype == torch.float64


def test_encoded_source_is_frozen(editor: DpeEditor) -> None:
    encoded = editor.encode(pictures(1))
    assert isinstance(encoded, EncodedSource)
    with pytest.raises(AttributeError):
        encoded.latent = torch.zeros(1)  # type: ignore[misc]


def test_keeping_freed_memory_answers_whether_it_could() -> None:
    assert keep_freed_memory() in (True, False)
