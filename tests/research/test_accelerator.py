"""Training and evaluation on an accelerator without doubles, as Metal is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CPUAccelerator
from lightning_fabric.strategies import SingleDeviceStrategy
from torch.nn import functional as F

import dpe_toolkit.plugins
from dpe_research import plugin
from dpe_research.evaluation.methods import MeshMethod
from dpe_research.measurement import FramePairs, measure_edits
from dpe_research.training import LossNetworks, Objective, PairBatch, RunFolder, accumulate_gradients, write_result
from dpe_research.training.state import TrainingState
from dpe_toolkit.core.errors import TrainingError
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.plugins import Registry, load_registry
from dpe_toolkit.testing import ACCELERATOR, PretendAccelerator, pretend_accelerator
from tests.research.commands.test_evaluate import evaluate, grid, values, videos, weights  # noqa: F401 - fixtures
from tests.research.evaluation.fakes import FakePlugin
from tests.research.evaluation.test_mesh import case, portrait
from tests.research.measurement.clips import FlatClips
from tests.research.training.loss_networks import MeanReader
from tests.research.training.runs import make_trainer, small_config, weights_of

SHORT = {"stages.0.steps": 2, "stages.1.steps": 1, "adversarial.r1_every_steps": 2, "logging.checkpoint_every_steps": 1}


@pytest.fixture
def metal() -> Iterator[PretendAccelerator]:
    with pretend_accelerator(has_float64=False) as pretended:
        yield pretended


def fabric_there() -> Fabric:
    return Fabric(strategy=SingleDeviceStrategy(device=ACCELERATOR, accelerator=CPUAccelerator()))


def test_a_training_on_an_accelerator_ends_with_the_weights_of_one_on_the_cpu(tmp_path: Path) -> None:
    config = small_config({**SHORT, "logging.samples_every_steps": 2})
    here = make_trainer(tmp_path / "here", config)
    assert here.train()
    with pretend_accelerator(has_float64=False):
        there = make_trainer(tmp_path / "there", config, fabric=fabric_there())
        assert {one.device for one in there.state.network.parameters()} == {ACCELERATOR}
        assert there.train()
        found = {name: value.cpu() for name, value in weights_of(there).items()}
    for name, wanted in weights_of(here).items():
        torch.testing.assert_close(found[name], wanted, rtol=1e-4, atol=1e-5, msg=name)
    log = [json.loads(line) for line in (tmp_path / "there" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == list(range(1, config.num_steps + 1))


def test_a_training_goes_on_on_an_accelerator_from_where_it_stopped(tmp_path: Path, metal: PretendAccelerator) -> None:
    config = small_config(SHORT)
    whole = make_trainer(tmp_path / "run", config, fabric=fabric_there())
    assert whole.train()
    max((tmp_path / "run" / "checkpoints").iterdir()).unlink()
    again = make_trainer(tmp_path / "run", config, fabric=fabric_there())
    assert again.train(resume=True)
    assert again.state.step == config.num_steps
    for name, value in weights_of(again).items():
        assert torch.equal(value, weights_of(whole)[name]), name


def test_the_branches_of_a_network_are_measured_where_it_is(tmp_path: Path, metal: PretendAccelerator) -> None:
    config = small_config(SHORT)
    network = make_trainer(tmp_path, config, fabric=fabric_there()).state.average.network
    found = write_result(config, network, RunFolder(tmp_path), FlatClips(), MeanReader())
    assert found.measure is not None
    assert found.path.is_file()


def test_a_step_that_does_not_fit_an_accelerator_says_what_to_change(tmp_path: Path) -> None:
    with pretend_accelerator(max_tensor_bytes=15_000):
        trainer = make_trainer(tmp_path / "run", small_config(SHORT), fabric=fabric_there())
        with pytest.raises(TrainingError, match=r"a step of 4 pairs needs more memory .*raise compute.accumulate"):
            trainer.train()


def test_bundled_judges_teach_on_an_accelerator(tmp_path: Path, metal: PretendAccelerator) -> None:
    registry = load_registry(allow=("face_mesh",))
    context = ComponentContext(metal.device)
    kinds = {"regressor": "mesh", "features": "face_mesh"}
    made = {kind: registry.create(registry.choose(kind, name), context) for kind, name in kinds.items()}  # type: ignore[arg-type]
    loss_networks = LossNetworks(made["regressor"], made["features"])  # type: ignore[arg-type] # made by kind
    config = small_config({"network.size": 64, "network.style_dim": 16})
    state = TrainingState(config, fabric_there())
    source, driver = (portrait(turn)[None].float().to(metal.device) / 127.5 - 1 for turn in (0.0, 8.0))
    pair = [F.interpolate(pictures, (64, 64), mode="area") for pictures in (source, driver)]
    players = state.enter(config.stages[0])
    terms, _ = accumulate_gradients(players, Objective(config, loss_networks), PairBatch(pair[0], pair[1]), step=1)
    assert {"expression", "perceptual"} <= terms.keys()
    assert {value.device for value in terms.values()} == {ACCELERATOR}
    assert all(bool(one.grad.isfinite().all()) for one in state.network.parameters() if one.grad is not None)


def test_edits_are_measured_on_an_accelerator(metal: PretendAccelerator) -> None:
    registry = load_registry(allow=("face_mesh",))
    regressor = registry.create(registry.choose("regressor", "mesh"), ComponentContext(metal.device))
    pictures = torch.stack([portrait(turn) for turn in (0.0, 4.0)]).float() / 255
    pairs = FramePairs(pictures, pictures.flip(0), None, None, ()).to(metal.device)
    moves = measure_edits(lambda source, driver, kind: driver, [pairs], regressor, near="between")  # type: ignore[arg-type]
    assert moves.pose_from_source.pose_deg[0] > 1


def test_the_mesh_method_is_evaluated_on_an_accelerator(metal: PretendAccelerator) -> None:
    faces = portrait()[None], portrait(8.0)[None]
    wanted = [case("pose", 1)]
    plugins = load_registry(allow=("face_mesh", "feather_blend"))
    here = MeshMethod(plugins, torch.device("cpu")).edit(wanted, [*faces, None])
    there = MeshMethod(plugins, metal.device).edit(wanted, [*faces, None])
    assert torch.equal(here.pictures, there.pictures)


@pytest.mark.parametrize("protocol", ["self", "synthetic"])
def test_networks_are_evaluated_on_an_accelerator_as_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    videos: Path,  # noqa: F811 - a fixture
    grid: Path,  # noqa: F811 - a fixture
    weights: Path,  # noqa: F811 - a fixture
    protocol: str,
) -> None:
    registry = Registry.of({"fakes": FakePlugin(), "dpe_research": plugin})
    monkeypatch.setattr(dpe_toolkit.plugins, "load_registry", lambda **allowed: registry)
    data = videos if protocol == "self" else grid
    words = (protocol, "--data", data, "--weights", weights, "--metric", "difference")
    wanted = evaluate(*words, "--device", "cpu", "-o", tmp_path / "here")
    assert wanted.exit_code == 0, wanted.output
    with pretend_accelerator(has_float64=False):
        result = evaluate(*words, "--device", "auto", "-o", tmp_path / "there")
    assert result.exit_code == 0, result.output
    here, there = values(tmp_path / "here")["tiny"], values(tmp_path / "there")["tiny"]
    assert there.keys() == here.keys()
    for name, value in here.items():
        close = there[name] == value if value is None or isinstance(value, str) else pytest.approx(value, 1e-3, 1e-3)
        assert close is True or there[name] == close, name
