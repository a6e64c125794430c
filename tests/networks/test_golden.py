"""The full-size network against numbers of the released one (seed 0, recorded once on a CPU in float32)."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from dpe_toolkit.checkpoint import LoadedGenerator, load_discriminator, load_generator
from dpe_toolkit.networks import Branch, Discriminator, DpeNetwork, Edit, NetworkParams
from tests.networks.golden_recipe import recipe_picture, recipe_state

CODES, FLOWS, OUTPUTS = 2e-5, 1e-4, 5e-4
# Of the sorted lines "key (shape)" of the released weights.
GENERATOR_KEYS = "24e5da38867aa6bc5aad40de13fedbc8f3ed5ec9ada2aad09dbb6c2c37b583c3"
DISCRIMINATOR_KEYS = "cdbb0a963b05c238d5e101783ec9ffe892e3a15d32496869bcd07cac498aae24"
EDITS: tuple[tuple[Edit, str], ...] = (("expression", "out_exp"), ("pose", "out_pose"), ("both", "out_both"))

# Complete numbers, where the reference data lies beside the checkout.
_REFERENCE = next(Path(__file__).parents[2].parent.glob("*/reference/dpe/golden"), None)

Numbers = dict[str, NDArray[np.float32]]


@dataclass
class Released:
    network: DpeNetwork
    loaded: LoadedGenerator
    discriminator: Discriminator
    source: Tensor
    driver: Tensor
    edited: dict[str, Tensor]


@pytest.fixture(scope="module")
def golden() -> Numbers:
    return dict(np.load(Path(__file__).with_name("golden.npz")))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with torch.device("meta"):
        network, discriminator = DpeNetwork(NetworkParams()), Discriminator(NetworkParams())
    state = recipe_state(network.state_dict(), 0)
    path = tmp_path_factory.mktemp("released") / "weights.bin"
    content = {
        "gen": state,
        "dis": recipe_state(discriminator.state_dict(), 0, "dis."),
        "g_optim": {"state": {0: {"step": 1, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.002}]},
        "d_optim": {"state": {}, "param_groups": []},
        "args": argparse.Namespace(size=256, lr=0.002, gpus=[0, 1], resume=None),
    }
    torch.save(content, path)
    network.load_state_dict(state, assign=True)
    loaded = load_generator(path)
    source, driver = recipe_picture("source", 0), recipe_picture("driving", 0)
    edited = {name: loaded.edit(source, driver, edit) for edit, name in EDITS}
    with torch.no_grad():
        yield Released(network, loaded, load_discriminator(path), source, driver, edited)
    path.unlink()


def keys_digest(module: torch.nn.Module) -> str:
    lines = "\n".join(f"{key} {tuple(value.shape)}" for key, value in sorted(module.state_dict().items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def error(value: Tensor, expected: NDArray[np.float32]) -> float:
    assert tuple(value.shape) == expected.shape
    return float((value.detach() - torch.from_numpy(expected)).abs().max())


def test_state_has_exactly_the_released_keys_and_shapes(released: Released) -> None:
    assert len(released.network.state_dict()) == 326
    assert len(released.discriminator.state_dict()) == 50
    assert keys_digest(released.network) == GENERATOR_KEYS
    assert keys_digest(released.discriminator) == DISCRIMINATOR_KEYS


def test_parts_have_the_released_numbers_of_parameters(released: Released) -> None:
    counts = {
        name: sum(parameter.numel() for parameter in module.parameters())
        for name, module in (*released.network.named_children(), ("dis", released.discriminator))
    }
    assert counts["enc"] == 21_635_648
    assert counts["mlp"] == 1_060_884
    assert counts["dir"] == 10_240
    assert counts["mlp_pose"] == counts["mlp_exp"] == 787_968
    assert counts["dec_pose"] == counts["dec_exp"] == 22_409_545
    assert counts["dis"] == 24_001_089


def test_picture_recipe_gives_the_recorded_picture(released: Released, golden: Numbers) -> None:
    assert error(released.source[:, :, ::64, ::64], golden["source_picture"]) < 1e-6


def test_latents_and_motion_codes_match_the_released_network(released: Released, golden: Numbers) -> None:
    network, fast = released.network, released.loaded.editor.network
    latent, driver = network.encode(released.source)[0], network.encode(released.driver)[0]
    assert error(latent[:, ::8], golden["wa"]) < CODES
    assert error(driver[:, ::8], golden["wa_t"]) < CODES
    assert error(network.mlp(driver), golden["alpha_D"]) < CODES
    assert error(network.dir.basis()[::32], golden["Q"]) < CODES
    assert error(fast.encode(released.driver).latent[:, ::8], golden["wa_t"]) < CODES
    branches: tuple[Branch, Branch] = ("pose", "exp")
    for branch in branches:
        expected = golden[f"mlp_{branch}_D"]
        assert error(network.motion_code(driver, branch)[:, ::8], expected) < CODES
        assert error(fast.motion_code(driver, branch)[:, ::8], expected) < CODES
        assert error(fast.motion_code(latent, branch)[:, ::8], golden[f"mlp_{branch}_S"]) < CODES


def test_directions_have_the_signs_of_householder_reflections(released: Released, golden: Numbers) -> None:
    weight = released.network.dir.weight
    signs = torch.linalg.qr(weight).R.diagonal().sign()
    assert signs.tolist() == golden["R_sign"].tolist()
    assert set(signs.tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize(("branch", "stage"), [("pose", "exp"), ("exp", "pose")])
def test_raw_flows_match_the_released_network(released: Released, golden: Numbers, branch: Branch, stage: str) -> None:
    network, fast = released.network, released.loaded.editor.network
    latent, features = network.encode(released.source)
    code = latent + network.motion_code(network.encode(released.driver)[0], branch)
    faithful = network.generator(branch).render(code, features)
    folded = fast.render(code, fast.encode(released.source), branch)
    for level in range(6):
        expected = golden[f"{stage}_dec_{branch}_flowraw{level}"]
        for raw in (faithful.raw_flows[level], folded.raw_flows[level]):
            coarse = max(1, raw.shape[-1] // 32)
            seen = raw[:, :, ::coarse, ::coarse]
            step = seen.shape[-1] // 4
            assert error(seen[:, :, 1::step, 1::step], expected) < FLOWS
    assert error(faithful.image[:, :, 5::32, 5::32], golden[f"out_{stage}"]) < OUTPUTS
    assert float((faithful.image - folded.image).abs().max()) < OUTPUTS


@pytest.mark.parametrize(("edit", "name"), EDITS)
def test_loaded_checkpoint_reproduces_each_edit(released: Released, golden: Numbers, edit: Edit, name: str) -> None:
    result = released.edited[name]
    assert result.dtype == torch.float32
    assert result.shape == (1, 3, 256, 256)
    assert error(result[:, :, 5::32, 5::32], golden[name]) < OUTPUTS


def test_second_edit_reads_the_re_encoded_first_one(released: Released, golden: Numbers) -> None:
    latent = released.loaded.editor.encode(released.edited["out_exp"]).latent
    assert error(latent[:, ::8], golden["both_wa1"]) < CODES


def test_discriminator_matches_the_released_network(released: Released, golden: Numbers) -> None:
    source, driver = released.source, released.driver
    batch = torch.cat((source, driver, source.flip(3), driver.flip(3)))
    assert error(released.discriminator(source), golden["dis_source"]) < CODES
    assert error(released.discriminator(batch), golden["dis_batch4"]) < CODES
    assert error(released.discriminator(released.edited["out_both"]), golden["dis_out_both"]) < 1e-4


def test_bfloat16_stays_within_48_db_of_the_reference(released: Released) -> None:
    from dpe_toolkit.networks import DpeEditor, FastDpe

    rough = DpeEditor(FastDpe(released.network, dtype=torch.bfloat16), expression_branch="pose")
    result = rough.edit(released.source, released.driver)
    assert result.dtype == torch.float32
    deviation = (result - released.edited["out_exp"]).square().mean()
    assert float(10 * torch.log10(4 / deviation)) > 48


@pytest.mark.skipif(_REFERENCE is None, reason="the reference data is not beside the checkout")
def test_every_pixel_matches_the_reference_data(released: Released) -> None:
    assert _REFERENCE is not None
    outputs = np.load(_REFERENCE / "seed0_outputs.npz")
    inner = np.load(_REFERENCE / "seed0_intermediates.npz")
    for _, name in EDITS:
        assert error(released.edited[name], outputs[name]) < OUTPUTS
    encoded = released.loaded.editor.encode(released.source)
    assert error(encoded.latent, inner["wa"]) < CODES
    for level, maps in enumerate(encoded.features):
        thin, wide = max(1, maps.shape[1] // 16), max(1, maps.shape[2] // 16)
        assert error(maps[:, ::thin, ::wide, ::wide], inner[f"feat{level}_sub"]) < CODES
    second = released.loaded.edit(encoded, recipe_picture("driving2", 0))
    assert error(second[:, :, ::4, ::4], inner["out_exp_driving2_sub4"]) < OUTPUTS
