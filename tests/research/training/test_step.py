from __future__ import annotations

import pytest
import torch
from torch import nn

from dpe_research.measurement import HeldMotion
from dpe_research.training import (
    CyclicEdits,
    LossNetworks,
    Objective,
    PairBatch,
    Players,
    TrainingConfig,
    accumulate_gradients,
    load_config,
    trained_parameters,
)
from dpe_research.training.step import Adversary
from dpe_toolkit.networks import Discriminator, DpeNetwork, NetworkParams
from tests.research.training.loss_networks import HalvedMaps, MeanReader

PARAMS = NetworkParams(size=16, style_dim=8, motion_dim=4, max_channels=6)
ALONE = {"perceptual.scales": [1, 2], "adversarial.deviation_group": 1}


def step_once(config: TrainingConfig, *, step: int = 1) -> tuple[dict[str, float], DpeNetwork, Discriminator]:
    torch.manual_seed(11)
    network = DpeNetwork(PARAMS).double()
    for name, one in network.named_parameters():
        one.requires_grad_(name not in network.unused_parameters())
    discriminator = Discriminator(PARAMS, group_size=config.adversarial.deviation_group).double()
    source, driver = torch.rand(2, 4, 3, 16, 16, dtype=torch.float64) * 2 - 1
    players = Players(CyclicEdits(network), Adversary(discriminator), discriminator)
    objective = Objective(config, LossNetworks(MeanReader(), HalvedMaps()))
    terms, _ = accumulate_gradients(players, objective, PairBatch(source, driver), step=step)
    return {name: value.item() for name, value in terms.items()}, network, discriminator


def gradients(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: one.grad for name, one in network.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_add_up_to_the_whole(parts: int) -> None:
    whole = step_once(load_config("paper", ALONE))
    cut = step_once(load_config("paper", {**ALONE, "compute.accumulate": parts}))
    assert cut[0] == pytest.approx(whole[0])
    for one, other in zip(whole[1:], cut[1:], strict=True):
        torch.testing.assert_close(gradients(other), gradients(one))


def test_the_total_is_the_papers_sum() -> None:
    terms = step_once(load_config("paper", ALONE))[0]
    expected = terms["reconstruction"] + 20 * terms["perceptual"] + 20 * terms["expression"] + terms["adversarial"]
    assert terms["total"] == pytest.approx(expected)
    assert "gradient_penalty" not in terms


def test_the_generators_loss_leaves_no_gradient_in_the_discriminator() -> None:
    config = load_config("paper", {**ALONE, "adversarial.discriminator_weight": 0})
    _, network, discriminator = step_once(config)
    assert all(not one.any() for one in gradients(discriminator).values())
    assert all(one.requires_grad for one in discriminator.parameters())
    assert gradients(network)


def test_the_discriminators_weight_scales_its_gradients_alone() -> None:
    once = step_once(load_config("paper", ALONE))
    tenfold = step_once(load_config("paper", {**ALONE, "adversarial.discriminator_weight": 10}))
    scaled = {name: 10 * one for name, one in gradients(once[2]).items()}
    torch.testing.assert_close(gradients(tenfold[2]), scaled)
    torch.testing.assert_close(gradients(tenfold[1]), gradients(once[1]))


def test_the_gradient_penalty_comes_at_its_steps_and_changes_what_is_learnt() -> None:
    config = load_config("paper", {**ALONE, "adversarial.r1_weight": 10, "adversarial.r1_every_steps": 4})
    without, with_penalty = step_once(config, step=3), step_once(config, step=4)
    assert "gradient_penalty" not in without[0]
    assert with_penalty[0]["gradient_penalty"] > 0
    key = "convs.0.0.weight"
    assert not torch.equal(gradients(with_penalty[2])[key], gradients(without[2])[key])


def test_the_second_stage_trains_the_expression_generator_and_the_motion_networks() -> None:
    network = DpeNetwork(PARAMS)
    for branch, other in (("pose", "exp"), ("exp", "pose")):
        edits = CyclicEdits(network, expression_branch=branch)  # type: ignore[arg-type] # a loop variable
        names = trained_parameters(network, edits, "expression")
        assert {name.split(".")[0] for name in names} == {f"dec_{branch}", "mlp", "mlp_pose", "mlp_exp"}
        assert not any(name.startswith(f"dec_{other}") for name in names)
    everything = trained_parameters(network, edits, "everything")
    assert set(everything) == {name for name, _ in network.named_parameters()} - network.unused_parameters()


def test_a_stage_that_compares_codes_trains_what_makes_codes_and_all_of_it() -> None:
    torch.manual_seed(2)
    network = DpeNetwork(PARAMS)
    edits = CyclicEdits(network)
    edits.compares = "codes"
    names = set(trained_parameters(network, edits, "everything", "codes"))
    assert {name.split(".")[0] for name in names} == {"enc", "mlp", "dir", "mlp_pose", "mlp_exp"}
    held = HeldMotion(torch.rand(2, 5), torch.rand(2, 3) * 20, torch.rand(2, 3))
    source, driver = torch.rand(2, 2, 3, 16, 16)
    batch = PairBatch(source, driver, source_motion=held, driver_motion=held)
    players = Players(edits, None, None)
    objective = Objective(load_config("paper", ALONE), LossNetworks(MeanReader(), HalvedMaps()))
    terms, cycle = accumulate_gradients(players, objective, batch, step=0, compares="codes")
    assert set(terms) == {"warm_up", "total"}
    assert {name for name, one in network.named_parameters() if one.grad is not None} == names
    assert cycle.codes is not None
    assert not cycle.codes[0].requires_grad
