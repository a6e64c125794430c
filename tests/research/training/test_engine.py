from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
import torch
from torch import Tensor

from dpe_research.training import (
    Launch,
    LossNetworks,
    RunFolder,
    StepBatches,
    Trainer,
    config_digest,
    iterate_batches,
    make_fabric,
    write_result,
)
from dpe_research.training.average import WeightAverage
from dpe_research.training.checkpoints import load_checkpoint, newest_checkpoint, save_checkpoint
from dpe_research.training.config import AverageSettings
from dpe_research.training.interruption import Interruption
from dpe_research.training.state import starting_networks
from dpe_toolkit.checkpoint import load_network
from dpe_toolkit.core.errors import AnalysisError, OptionsError, TrainingError
from dpe_toolkit.editing.measures import FaceReading
from tests.research.measurement.clips import FlatClips
from tests.research.training.loss_networks import HalvedMaps, MeanReader
from tests.research.training.runs import make_trainer, small_config, weights_of

ROOT = Path(__file__).parents[3]


def command(folder: Path, values: dict[str, object], *more: str) -> list[str]:
    return ["-m", "tests.research.training.runs", str(folder), json.dumps(values), *more]


@contextmanager
def process(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def wait_for(started: subprocess.Popen[str], line: str) -> None:
    assert started.stdout is not None
    seen = []
    for text in started.stdout:
        seen.append(text)
        if text.strip() == line:
            return
    assert started.stderr is not None
    raise AssertionError(f"{line!r} was not said: {seen} {started.stderr.read()}")


def log_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_killed_at_any_step_and_resumed_ends_with_the_same_bits(tmp_path: Path) -> None:
    straight = make_trainer(tmp_path / "straight", small_config())
    assert straight.train()
    step = random.SystemRandom().randrange(1, 9)
    with process(command(tmp_path / "killed", {})) as started:
        wait_for(started, f"step {step}")
        started.send_signal(signal.SIGKILL)
        started.wait()
    resumed = make_trainer(tmp_path / "killed", small_config())
    assert resumed.train(resume=True), f"killed after step {step}"
    assert same(weights_of(resumed), weights_of(straight)), f"killed after step {step}"
    logs = [log_of(tmp_path / name) for name in ("straight", "killed")]
    assert [entry["step"] for entry in logs[1]] == [entry["step"] for entry in logs[0]] == list(range(1, 10))
    assert [entry["terms"] for entry in logs[1]] == [entry["terms"] for entry in logs[0]]


def test_a_run_that_is_asked_to_stop_saves_its_step_and_goes_on_from_there(tmp_path: Path) -> None:
    values: dict[str, object] = {"stages.0.steps": 10**6, "logging.checkpoint_every_steps": 10**6}
    with process(command(tmp_path, values)) as started:
        wait_for(started, "step 3")
        started.send_signal(signal.SIGTERM)
        output, fault = started.communicate(timeout=300)
    assert started.returncode == 0, fault
    assert output.rstrip().endswith("stopped")
    newest = newest_checkpoint(tmp_path / "checkpoints")
    assert newest is not None
    step = load_checkpoint(newest)["step"]
    assert isinstance(step, int)
    assert step >= 3
    assert f"stopped after step {step}" in output
    resumed = make_trainer(tmp_path, small_config({"stages.0.steps": step + 1, "stages.1.steps": 1}))
    assert resumed.train(resume=True)
    assert resumed.state.step == step + 2


def test_two_processes_with_half_a_batch_each_equal_one_with_the_whole(tmp_path: Path) -> None:
    values: dict[str, object] = {
        "compute.precision": "64-true",
        "adversarial.deviation_group": 1,
        "stages.0.steps": 3,
        "stages.1.steps": 2,
        "logging.checkpoint_every_steps": 100,
    }
    alone = make_trainer(tmp_path / "alone", small_config(values))
    assert alone.train()
    port = str(random.SystemRandom().randrange(20000, 60000))
    words = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    with process([*words, *command(tmp_path / "two", {**values, "compute.accumulate": 2})]) as started:
        output, fault = started.communicate(timeout=500)
    assert started.returncode == 0, fault
    assert output.count("finished") == 2
    assert output.count("step 5") == 1
    both = make_trainer(tmp_path / "two", small_config(values))
    newest = newest_checkpoint(tmp_path / "two" / "checkpoints")
    assert newest is not None
    both.state.load(load_checkpoint(newest), newest)
    assert both.state.step == 5
    torch.testing.assert_close(weights_of(both), weights_of(alone), rtol=0, atol=1e-5)


def test_a_whole_run_leaves_what_a_person_looks_for(tmp_path: Path) -> None:
    more = {"logging.tensorboard": True, "logging.samples_every_steps": 4, "logging.keep_checkpoints": 2}
    config = small_config(more)
    trainer = make_trainer(tmp_path, config)
    assert trainer.train()
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step-000000008.pt",
        "step-000000009.pt",
    ]
    samples = sorted((tmp_path / "samples").iterdir())
    assert [path.name for path in samples] == [f"step-{step:09d}.png" for step in (4, 8, 9)]
    assert cv2.imread(str(samples[0])).shape == (2 * 16, 6 * 16, 3)
    assert list((tmp_path / "tensorboard").iterdir())
    result = write_result(config, trainer.state.average.network, trainer.folder, FlatClips(), MeanReader())
    network, header = load_network(tmp_path / "weights.safetensors")
    assert header == result.header
    assert header.training_digest == config_digest(config)
    assert result.measure is not None
    for name, one in network.state_dict().items():
        torch.testing.assert_close(one, trainer.state.average.network.state_dict()[name])


def test_weights_say_so_where_their_branches_could_not_be_measured(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, small_config())
    network = trainer.state.average.network
    tmp_path.joinpath("run").mkdir()
    folder = RunFolder(tmp_path / "run")
    blind = write_result(trainer.config, network, folder, FlatClips(), None)
    assert blind.measure is None
    assert "no regressor" in blind.note
    empty = write_result(trainer.config, network, folder, FlatClips(lengths=(1,)), MeanReader())
    assert "no clip of two frames" in empty.note
    assert empty.header.expression_branch == trainer.config.network.expression_branch
    unclear = write_result(trainer.config, network, folder, FlatClips(), MeanReader())
    assert unclear.measure is not None
    assert unclear.measure.is_clear or "alike" in unclear.note


def test_the_second_stage_changes_the_expression_generator_and_the_motion_networks_alone(tmp_path: Path) -> None:
    config = small_config({"stages.1.steps": 2})
    first = make_trainer(tmp_path / "first", small_config({"stages.1.steps": 1, "stages.0.steps": 4}))
    trainer = make_trainer(tmp_path / "both", config)
    before: dict[str, Tensor] = {}
    enter = trainer.state.enter

    def noting(stage: object) -> object:
        before.clear()
        before.update({name: one.clone() for name, one in trainer.state.network.state_dict().items()})
        return enter(stage)  # type: ignore[arg-type] # passed on

    trainer.state.enter = noting  # type: ignore[method-assign,assignment] # to look at the weights in between
    assert trainer.train()
    after = trainer.state.network.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"dec_pose", "mlp", "mlp_pose", "mlp_exp"}
    assert first.config.stage_at(4)[0] == 1


class Broken(MeanReader):
    """Reads no number from the third step on."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self, pictures: Tensor, near_px: Tensor | None = None) -> FaceReading:
        self.reads += 1
        return super().read(pictures if self.reads < 5 else pictures * torch.nan, near_px)


def test_a_loss_that_is_no_number_stops_with_term_step_clips_and_the_state_before(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, small_config(), loss_networks=LossNetworks(Broken(), HalvedMaps()))
    expected = r"step 2 gave numbers.*expression = nan.*total = nan.*train-\d frames \d and \d.*step-000000002.pt"
    with pytest.raises(TrainingError, match=expected):
        trainer.train()
    newest = newest_checkpoint(tmp_path / "checkpoints")
    assert newest is not None
    state = load_checkpoint(newest)
    assert state["step"] == 2
    generator = state["generator"]
    assert isinstance(generator, dict)
    assert all(bool(one.isfinite().all()) for one in generator.values())
    failure = json.loads((tmp_path / "failure.json").read_text())
    assert failure["step"] == 2
    assert failure["values"]["expression"] == "nan"
    assert len(failure["pairs"]) == 4


def test_gradients_are_shortened_where_asked(tmp_path: Path) -> None:
    norms = []
    for name, limit in (("free", 0.0), ("short", 1e-9)):
        values: dict[str, object] = {"optimiser.gradient_limit": limit, "optimiser.epsilon": 1e-2}
        trainer = make_trainer(tmp_path / name, small_config({**values, "stages.0.steps": 1, "stages.1.steps": 1}))
        before = {key: one.clone() for key, one in trainer.state.network.state_dict().items()}
        trainer.train()
        after = trainer.state.network.state_dict()
        norms.append(max(float((after[key] - before[key]).abs().max()) for key in before))
    assert norms[1] < 1e-3 * norms[0]


def test_a_network_that_starts_at_random_takes_pixels_from_where_they_are() -> None:
    network, _ = starting_networks(small_config())
    latent, maps = network.encode(torch.rand(2, 3, *[small_config().network.size] * 2) * 2 - 1)
    for generator in (network.dec_pose, network.dec_exp):
        flows = generator.render(latent, maps).raw_flows
        assert not any(flow.any() for flow in flows)


def test_the_average_follows_its_formula() -> None:
    trainer_network = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        trainer_network.weight.fill_(1.0)
    average = WeightAverage(trainer_network, AverageSettings(decay=0.9, warm_up=False))  # type: ignore[arg-type] # any
    expected = 1.0
    for step, value in enumerate((2.0, -1.0, 4.0)):
        with torch.no_grad():
            trainer_network.weight.fill_(value)
        average.update(trainer_network, step)  # type: ignore[arg-type] # any
        expected += (1 - 0.9) * (value - expected)
        assert float(average.network.weight.detach()) == pytest.approx(expected)  # type: ignore[arg-type] # as above


def test_the_average_warms_up_and_of_decay_0_is_the_weights() -> None:
    network = torch.nn.Linear(1, 1)
    warm = WeightAverage(network, AverageSettings(decay=0.999))  # type: ignore[arg-type] # any
    assert [warm.decay(step) for step in (0, 8, 10**6)] == [0.1, 0.5, 0.999]
    none = WeightAverage(network, AverageSettings(decay=0))  # type: ignore[arg-type] # any
    with torch.no_grad():
        network.weight.fill_(7.0)
    none.update(network, 3)  # type: ignore[arg-type] # any
    assert float(none.network.weight) == 7.0  # type: ignore[arg-type] # as above


def test_a_folder_that_holds_a_run_is_not_begun_again(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoints", 4, {}, keep=1)
    with pytest.raises(OptionsError, match=r"holds a run that got as far as step-000000004.pt.*--resume"):
        make_trainer(tmp_path, small_config()).train()


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    first = make_trainer(tmp_path, small_config({"stages.0.steps": 1, "stages.1.steps": 1}))
    first.train()
    with pytest.raises(TrainingError, match=r"checkpoint is of a network of .*max_channels=6.*max_channels=8"):
        make_trainer(tmp_path, small_config({"network.max_channels": 8})).train(resume=True)


def test_only_the_newest_checkpoints_stay_and_damaged_or_hostile_ones_are_refused(tmp_path: Path) -> None:
    for step in (1, 20, 3):
        save_checkpoint(tmp_path, step, {"value": torch.ones(1)}, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000003.pt", "step-000000020.pt"]
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"step-000000020.pt.*cannot be read.*delete it"):
        load_checkpoint(newest)
    torch.save({"schema": 1, "step": Path("x")}, newest)
    with pytest.raises(TrainingError, match="cannot be read"):
        load_checkpoint(newest)
    torch.save({"schema": 2, "step": 1}, newest)
    with pytest.raises(TrainingError, match="no training checkpoint of this version"):
        load_checkpoint(newest)


def test_a_checkpoint_that_cannot_be_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("in the way")
    with pytest.raises(TrainingError, match=r"checkpoint of step 3 cannot be written"):
        save_checkpoint(tmp_path / "checkpoints", 3, {}, keep=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data.batch_size": 3, "compute.accumulate": 2}, r"3 pairs is not dealt out to 1 processes in 2 parts"),
        ({"data.batch_size": 3}, r"sees 6 pictures at a time, in groups of 4"),
    ],
)
def test_batches_that_cannot_be_dealt_out_are_refused(tmp_path: Path, values: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        make_trainer(tmp_path, small_config(values))


def test_a_dataset_without_pairs_is_refused(tmp_path: Path) -> None:
    config = small_config()
    fabric = make_fabric(config.compute)
    loss_networks = LossNetworks(MeanReader(), HalvedMaps())
    with pytest.raises(AnalysisError, match="no clip of two frames"):
        Trainer(config, FlatClips(lengths=(1,)), loss_networks, RunFolder(tmp_path), fabric=fabric)


def test_devices_that_are_not_there_are_refused() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(TrainingError, match=r"devices cannot be had.*compute.accelerator"):
        make_fabric(small_config({"compute.accelerator": "cuda"}).compute)


def test_torchruns_processes_are_counted() -> None:
    assert Launch.of({"WORLD_SIZE": "6"}) == Launch()
    told = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "6", "LOCAL_WORLD_SIZE": "2"}
    assert Launch.of(told) == Launch(devices=2, machines=3)


def test_a_second_signal_acts_as_ever() -> None:
    # A shell that starts the tests in the background has the interrupt ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupt_twice()
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt_twice() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_mixed_precision_stays_near_single(tmp_path: Path) -> None:
    logs = []
    for precision in ("32-true", "bf16-mixed"):
        values: dict[str, object] = {"compute.precision": precision, "stages.0.steps": 1, "stages.1.steps": 1}
        make_trainer(tmp_path / precision, small_config(values)).train()
        logs.append(log_of(tmp_path / precision)[0]["terms"])
    assert logs[0] != logs[1]
    assert logs[1] == pytest.approx(logs[0], rel=0.05, abs=0.02)


def test_reading_processes_give_the_batches_that_the_training_process_would(tmp_path: Path) -> None:
    batches = StepBatches(small_config(), FlatClips())
    (ahead,) = iterate_batches(batches, 3, 4, workers=1)
    own = batches[3]
    assert torch.equal(ahead.source, own.source)
    assert torch.equal(ahead.driver, own.driver)
    assert ahead.names == own.names


def test_processes_together_see_what_one_alone_would() -> None:
    alone = StepBatches(small_config(), FlatClips())[7]
    halves = [StepBatches(small_config(), FlatClips(), rank=rank, world_size=2)[7] for rank in range(2)]
    assert alone.names == halves[0].names + halves[1].names
    assert torch.equal(alone.driver, torch.cat([half.driver for half in halves]))
