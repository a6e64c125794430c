from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dpe_research.measurement import HeldMotion
from dpe_research.training import (
    PRESETS,
    Cycle,
    CyclicEdits,
    LossNetworks,
    Objective,
    PairBatch,
    TrainingConfig,
    load_config,
)
from dpe_research.training.losses import unstillness
from dpe_research.training.objective import bounded
from dpe_toolkit.networks import Branch, Discriminator, DpeNetwork, NetworkParams
from tests.research.training.loss_networks import HalvedMaps, MeanReader

PARAMS = NetworkParams(size=16, style_dim=8, motion_dim=4, max_channels=6)


def flat(*rgb: float) -> Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1).repeat(2, 1, 8, 8)


S, D = flat(0.2, -0.2, 0.0), flat(-0.4, 0.6, 0.2)
S1, D1 = flat(0.0, 0.2, -0.2), flat(0.4, 0.2, 0.2)
S2, D2 = flat(0.0, 0.6, 0.2), flat(0.2, 0.4, 0.0)
OWN = (flat(0.2, -0.2, 0.6), flat(0.2, 0.1, 0.0))
BATCH = PairBatch(S, D)


def made(*, with_driver: bool = False) -> Cycle:
    grown = [picture.clone().requires_grad_() for picture in (S1, S2, D1, D2, *OWN)]
    own = tuple(grown[4:])
    return Cycle(*grown[:4], own + own if with_driver else own)


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().mean())


def config(**values: object) -> TrainingConfig:
    off = {"reconstruction.weight": 0, "perceptual.weight": 0, "expression.weight": 0, "adversarial.weight": 0}
    return load_config("paper", {**off, **{name.replace("__", "."): value for name, value in values.items()}})


def terms_of(
    chosen: TrainingConfig, loss_networks: LossNetworks | None = None, cycle: Cycle | None = None
) -> dict[str, Tensor]:
    return Objective(chosen, loss_networks or LossNetworks()).terms(cycle or made(), BATCH, None)


def test_reconstruction_compares_the_papers_three_pairs() -> None:
    terms = terms_of(config(reconstruction__weight=1))
    assert list(terms) == ["reconstruction"]
    expected = apart(S1, D1) + apart(S2, D) + apart(D2, S)
    assert terms["reconstruction"].item() == pytest.approx(expected)


def test_the_released_groups_weigh_the_same_pairs_otherwise() -> None:
    terms = terms_of(config(reconstruction__weight=1, reconstruction__finals=2, reconstruction__own=1))
    finals, own = apart(S2, D) + apart(D2, S), apart(OWN[0], S) + apart(OWN[1], S)
    assert terms["reconstruction"].item() == pytest.approx(2 * finals + apart(S1, D1) + own)


def test_self_reconstructions_of_the_driver_are_compared_with_the_driver() -> None:
    chosen = config(reconstruction__weight=1, reconstruction__finals=0, reconstruction__mid=0, reconstruction__own=1)
    terms = terms_of(chosen, cycle=made(with_driver=True))
    expected = sum(apart(own, to) for to in (S, D) for own in OWN)
    assert terms["reconstruction"].item() == pytest.approx(expected)


def test_perception_compares_five_pairs_at_every_scale_and_looks_at_each_picture_once() -> None:
    features = HalvedMaps()
    chosen = config(perceptual__weight=20, perceptual__scales=[1, 2], perceptual__layer_weight=10)
    terms = terms_of(chosen, LossNetworks(features=features))
    pairs = ((S2, D), (D2, S), (S1, D1), (OWN[0], S), (OWN[1], S))
    # Flat pictures in [0, 1] are half as far apart; the second map doubles; two scales look alike.
    expected = 10 * sum(2 * (0.5 + 2 * 0.5) * apart(*pair) for pair in pairs)
    assert terms["perceptual"].item() == pytest.approx(expected)
    assert features.calls == [(12, 8, True), (4, 8, False), (12, 4, True), (4, 4, False)]
    assert Objective(chosen, LossNetworks(features=features)).total(terms).item() == pytest.approx(20 * expected)


def test_both_mid_pictures_are_to_have_the_drivers_expression() -> None:
    terms = terms_of(config(expression__weight=20), LossNetworks(regressor=MeanReader()))
    expected = sum(float((mid - D)[:, :2].abs().mean()) / 2 for mid in (S1, D1))
    assert terms["expression"].item() == pytest.approx(expected, rel=1e-6)


def test_both_mid_pictures_are_to_have_the_sources_pose() -> None:
    terms = terms_of(config(pose__weight=1), LossNetworks(regressor=MeanReader()))
    blue = [float((mid - S)[:, 2].abs().mean()) / 2 for mid in (S1, D1)]
    assert terms["pose"].item() == pytest.approx(sum(0.5 * (90 * one / 10 + one / 0.05) for one in blue), rel=1e-5)


def test_made_faces_are_looked_for_near_the_sources_mesh() -> None:
    reader = MeanReader()
    batch = PairBatch(S, D, torch.zeros(2, 4, 3), torch.ones(2, 4, 3))
    chosen = config(expression__weight=1, pose__weight=1)
    Objective(chosen, LossNetworks(regressor=reader)).terms(made(), batch, None)
    seen = [(len(near), float(near.mean())) for near in reader.near if near is not None]
    assert seen == [(4, 0.0), (2, 1.0), (2, 0.0)]


def test_no_gradient_reaches_what_is_given() -> None:
    cycle = made()
    chosen = config(reconstruction__weight=1, perceptual__weight=1, perceptual__scales=[1], expression__weight=1)
    objective = Objective(chosen, LossNetworks(MeanReader(), HalvedMaps()))
    objective.total(objective.terms(cycle, BATCH, None)).backward()
    assert all(picture.grad is not None for picture in (*cycle[:4], *cycle.own) if isinstance(picture, Tensor))
    assert S.grad is None
    assert D.grad is None


def test_the_finals_alone_are_shown_to_the_discriminator() -> None:
    shown: list[Tensor] = []

    def discriminator(pictures: Tensor) -> Tensor:
        shown.append(pictures)
        return pictures.new_zeros(len(pictures), 1)

    terms = Objective(config(adversarial__weight=1), LossNetworks()).terms(made(), BATCH, discriminator)
    assert torch.equal(shown[0], torch.cat((S2, D2)))
    assert terms["adversarial"].item() == pytest.approx(2 * torch.log(torch.tensor(2.0)).item())


@pytest.mark.parametrize("branch", ["pose", "exp"])
def test_the_cycle_makes_each_edit_as_the_network_alone_would(branch: str) -> None:
    torch.manual_seed(3)
    network = DpeNetwork(PARAMS).double()
    edits = CyclicEdits(network, expression_branch=branch, reconstruct_driver=True)  # type: ignore[arg-type] # a parameter
    source, driver = torch.rand(2, 2, 3, 16, 16, dtype=torch.float64) * 2 - 1
    cycle = edits(source, driver)
    e, p = edits.expression_branch, edits.pose_branch
    assert {e, p} == {"pose", "exp"}
    expected = (
        source_mid := network(source, driver, e),
        network(source_mid, driver, p),
        driver_mid := network(driver, source, p),
        network(driver_mid, source, e),
    )
    for name, made_one, alone in zip(Cycle._fields, cycle[:4], expected, strict=False):
        torch.testing.assert_close(made_one, alone, msg=name)
    selves = (network(source, source, e), network(source, source, p), network(driver, driver, e))
    for made_one, alone in zip(cycle.own, selves, strict=False):
        torch.testing.assert_close(made_one, alone)
    assert len(cycle.own) == 4


def test_recomputed_activations_give_the_same_gradients() -> None:
    gradients = []
    for again in (False, True):
        torch.manual_seed(5)
        network = DpeNetwork(PARAMS)
        pictures = torch.rand(2, 2, 3, 16, 16)
        cycle = CyclicEdits(network, checkpoint_gradients=again)(*pictures)
        torch.stack([picture.square().mean() for picture in (*cycle[:4], *cycle.own)]).sum().backward()
        gradients.append({name: one.grad for name, one in network.named_parameters() if one.grad is not None})
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=0)
    assert len(gradients[0]) == len(list(network.parameters())) - len(network.unused_parameters())


def test_a_discriminator_without_groups_scores_each_picture_alone_and_loads_the_same_weights() -> None:
    torch.manual_seed(0)
    grouped, alone = Discriminator(PARAMS), Discriminator(PARAMS, group_size=1)
    alone.load_state_dict(grouped.state_dict())
    pictures = torch.rand(8, 3, 16, 16)
    torch.testing.assert_close(alone(pictures)[:3], alone(pictures[:3]))
    assert not torch.allclose(grouped(pictures)[:3], grouped(pictures[:3]))


def test_flows_weigh_beside_whatever_a_stage_compares() -> None:
    chosen = config(reconstruction__weight=1, flow__weight=0.5)
    cycle, objective = made()._replace(flow=torch.tensor(3.0, dtype=torch.float64)), Objective(chosen, LossNetworks())
    terms = objective.terms(cycle, BATCH, None)
    assert terms["flow"].item() == 3
    assert objective.total(terms).item() == pytest.approx(terms["reconstruction"].item() + 1.5)
    without = Objective(config(reconstruction__weight=1), LossNetworks()).terms(cycle, BATCH, None, compares="driven")
    driven = objective.terms(cycle, BATCH, None, compares="driven")
    assert driven["warm_up"].item() == pytest.approx(without["warm_up"].item() + 1.5)


@pytest.mark.parametrize("again", [False, True])
def test_the_cycle_tells_the_flows_of_everything_it_drew(again: bool) -> None:
    torch.manual_seed(3)
    network = DpeNetwork(PARAMS)
    source, driver = torch.rand(2, 2, 3, 16, 16)
    cycle = CyclicEdits(network, checkpoint_gradients=again)(source, driver)
    edits: list[tuple[Branch, Tensor, Tensor]] = [
        *(("pose", source, driver), ("pose", source, source), ("pose", cycle.driver_mid, source)),
        *(("exp", driver, source), ("exp", source, source), ("exp", cycle.source_mid, driver)),
    ]
    drawn = []
    for branch, edited, by in edits:
        latent, maps = network.encode(edited)
        code = latent + network.motion_code(network.encode(by)[0], branch)
        drawn.append(unstillness(network.generator(branch).render(code, maps).raw_flows))
    assert cycle.flow is not None
    torch.testing.assert_close(cycle.flow, torch.cat(drawn).mean())
    cycle.flow.backward()
    assert network.dec_pose.to_flows[0].conv.weight.grad is not None


def test_presets_say_what_the_paper_and_the_released_trainer_use() -> None:
    paper, released = PRESETS["paper"], PRESETS["released"]
    weights = [paper.reconstruction.weight, paper.perceptual.weight, paper.expression.weight, paper.adversarial.weight]
    assert weights == [1, 20, 20, 1]
    for preset in (paper, released):
        assert [(s.steps, s.learning_rate, s.trains) for s in preset.stages] == [
            (100_000, 0.002, "everything"),
            (50_000, 0.0008, "expression"),
        ]
        assert preset.data.batch_size == 32
        assert preset.network.params == NetworkParams()
        term = preset.perceptual
        assert (term.features, term.scales) == ("vgg19", (1, 2, 4, 8))
    groups = [(t.weight, t.finals, t.mid, t.own) for t in (paper.reconstruction, paper.perceptual)]
    assert groups == [(1, 1, 1, 0), (20, 1, 1, 1)]
    groups = [(t.weight, t.finals, t.mid, t.own) for t in (released.perceptual, released.reconstruction)]
    assert groups == [(1, 1, 2, 2), (1, 2, 1, 1)]
    assert released.expression.weight == 0
    assert (released.adversarial.weight, released.adversarial.discriminator_weight) == (1, 10)
    assert (paper.perceptual.layer_weight, released.perceptual.layer_weight) == (1, 10)
    assert paper.pose.weight == released.pose.weight == 0
    assert paper.flow.weight == released.flow.weight == 0
    tiny = PRESETS["tiny"]
    assert tiny.pose.weight > 0
    assert [stage.compares for stage in tiny.stages] == ["codes", "driven"] + ["everything"] * 3


@given(st.integers(1, 4), st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
def test_a_bounded_gradient_keeps_its_direction_and_is_never_longer_than_the_limit(
    count: int, limit: float, scale: float
) -> None:
    pictures = torch.rand((count, 3, 4, 4), dtype=torch.float64, requires_grad=True)
    pushed = torch.randn((count, 3, 4, 4), dtype=torch.float64) * scale
    passed = bounded(pictures, limit)
    assert torch.equal(passed, pictures)
    passed.backward(pushed)
    assert pictures.grad is not None
    lengths, wanted = pictures.grad.flatten(1).norm(dim=1), pushed.flatten(1).norm(dim=1).clamp_max(limit)
    torch.testing.assert_close(lengths, wanted)
    angles = torch.cosine_similarity(pictures.grad.flatten(1), pushed.flatten(1))
    torch.testing.assert_close(angles, torch.ones_like(angles))


def read_gradient(**values: object) -> Tensor:
    cycle = made()
    terms = terms_of(config(expression__weight=1, **values), LossNetworks(regressor=MeanReader()), cycle)
    terms["expression"].backward()
    assert cycle.source_mid.grad is not None
    return cycle.source_mid.grad.flatten(1).norm(dim=1)


def test_readings_push_a_picture_no_harder_than_the_limit_times_an_l1_distance() -> None:
    cycle = made()
    torch.nn.functional.l1_loss(cycle.source_mid, S + 9).backward()
    assert cycle.source_mid.grad is not None
    usual = cycle.source_mid.grad.flatten(1).norm(dim=1)
    free = read_gradient()
    assert (free > 0.1 * usual).all()
    torch.testing.assert_close(read_gradient(expression__gradient_limit=0.05), 0.05 * usual)
    torch.testing.assert_close(read_gradient(expression__gradient_limit=100), free)


def test_a_share_of_the_pairs_is_read_and_never_none() -> None:
    assert (read_gradient() > 0).tolist() == [True, True]
    assert (read_gradient(expression__read_share=0.5) > 0).tolist() == [True, False]
    assert (read_gradient(expression__read_share=0.01) > 0).tolist() == [True, False]


def test_a_warm_up_compares_self_reconstructions_alone() -> None:
    objective = Objective(config(reconstruction__weight=1, expression__weight=1), LossNetworks(regressor=MeanReader()))
    terms = objective.terms(made(), BATCH, None, compares="own")
    assert list(terms) == ["warm_up"]
    assert terms["warm_up"].item() == pytest.approx(apart(OWN[0], S) + apart(OWN[1], S))
    assert objective.total(terms).item() == pytest.approx(terms["warm_up"].item())


def test_a_driven_warm_up_also_compares_both_mids_with_what_drove_them() -> None:
    chosen = config(reconstruction__weight=1, reconstruction__own=0.5, expression__weight=1)
    cycle = made()
    warm = cycle._replace(source_final=cycle.source_mid, driver_final=cycle.driver_mid)
    terms = Objective(chosen, LossNetworks(regressor=MeanReader())).terms(warm, BATCH, None, compares="driven")
    assert list(terms) == ["warm_up"]
    own = apart(OWN[0], S) + apart(OWN[1], S)
    assert terms["warm_up"].item() == pytest.approx(apart(S1, D) + apart(D1, S) + 0.5 * own)


def test_a_cycle_that_warms_up_stops_at_the_mids() -> None:
    torch.manual_seed(3)
    edits = CyclicEdits(DpeNetwork(PARAMS))
    source, driver = torch.rand(2, 2, 3, 16, 16)
    whole = edits(source, driver)
    edits.compares = "driven"
    half = edits(source, driver)
    torch.testing.assert_close((*half.own, half.source_mid, half.driver_mid), (*whole.own, whole[0], whole[2]))
    assert half.source_final is half.source_mid
    assert half.driver_final is half.driver_mid
    assert not torch.allclose(whole.source_final, whole.source_mid)


def test_parts_are_compared_within_the_masks_of_whom_each_pair_shows() -> None:
    halves = torch.zeros(2, 2, 1, 8, 8, dtype=torch.uint8)
    halves[0, :, :, :4] = halves[1, :, :, 4:] = 1
    batch = PairBatch(S, D, source_parts=halves[0], driver_parts=halves[1])
    cycle = made()
    wrong = D.clone()
    wrong[:, :, :4] += 0.5  # outside of the driver's parts
    cycle = cycle._replace(source_final=wrong)
    terms = Objective(config(parts__weight=2), LossNetworks()).terms(cycle, batch, None)
    assert list(terms) == ["parts"]
    own = apart(OWN[0], S) + apart(OWN[1], S)
    assert terms["parts"].item() == pytest.approx(apart(D2, S) + apart(S1, D1) + own)
    driven = Objective(config(parts__weight=2, parts__finals=0), LossNetworks()).terms(
        cycle, batch, None, compares="driven"
    )
    expected = apart(wrong, D) + apart(D2, S) + 2 * own
    assert driven["warm_up"].item() == pytest.approx(expected)


def test_codes_are_compared_with_activities_and_poses_in_their_units() -> None:
    held = [
        HeldMotion(torch.full((2, 2), value), torch.full((2, 3), 10 * value), torch.ones(2, 3)) for value in (0.4, 0)
    ]
    batch = PairBatch(S, D, source_motion=held[0], driver_motion=held[1])
    expression = torch.tensor([[2.0, 2.0, 7.0]] * 2 + [[0.0, 1.0, 7.0]] * 2)
    pose = torch.tensor([[0.4, 0.4, 0.4, 10.0, 10.0, 8.0, 7.0]] * 2 + [[0.0, 0.0, 3.0, 10.0, 10.0, 8.0, 7.0]] * 2)
    cycle = made()._replace(codes=(expression, pose))
    terms = Objective(config(reconstruction__weight=1), LossNetworks()).terms(cycle, batch, None, compares="codes")
    assert list(terms) == ["warm_up"]
    assert terms["warm_up"].item() == pytest.approx(4 * 0.5 + 9 / 6)
    weighed = Objective(config(codes__weight=0.5), LossNetworks())
    terms = weighed.terms(cycle, batch, None)
    assert list(terms) == ["codes"]
    assert weighed.total(terms).item() == pytest.approx(0.5 * 3.5)
    driven = weighed.terms(cycle, batch, None, compares="driven")["warm_up"].item()
    assert driven == pytest.approx(apart(S2, D) + apart(D2, S) + 0.5 * 3.5)
