from __future__ import annotations

import re
from pathlib import Path

import pytest

from dpe_research.training import PRESETS, config_digest, load_config, write_config
from dpe_research.training.config import TrainingConfig
from dpe_research.training.settings import parse_setting
from dpe_toolkit.core.errors import OptionsError


def written(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_assignments_go_before_the_file_and_the_file_before_its_preset(tmp_path: Path) -> None:
    path = written(tmp_path, 'preset = "tiny"\nseed = 5\n[data]\nbatch_size = 4\nworkers = 1\n')
    config = load_config(path, {"data.batch_size": 2})
    assert (config.data.batch_size, config.data.workers, config.seed) == (2, 1, 5)
    assert config.network == PRESETS["tiny"].network


def test_a_file_without_a_preset_stands_on_the_paper(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "[pose]\nweight = 3\n"))
    assert config.pose.weight == 3
    assert config.model_copy(update={"pose": PRESETS["paper"].pose}) == PRESETS["paper"]


def test_single_values_of_a_stage_can_be_set() -> None:
    config = load_config("paper", {"stages.1.steps": 7, "perceptual.options.width": 2})
    assert [stage.steps for stage in config.stages] == [100_000, 7]
    assert config.perceptual.options == {"width": 2}


@pytest.mark.parametrize("name", PRESETS)
def test_a_written_configuration_reads_back_equal(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config.toml"
    write_config(path, PRESETS[name])
    assert load_config(path) == PRESETS[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data.batchsize", r"no setting 'data.batchsize'.*did you mean 'data.batch_size'"),
        ("dat.batch_size", r"no setting 'dat'.*did you mean 'data'"),
        ("stages.2.steps", r"no setting 'stages.2'.*'stages.0', 'stages.1'"),
        ("seed.value", r"no setting 'seed.value'.*'seed' holds a single value"),
    ],
)
def test_unknown_assignments_are_refused_with_the_nearest_names(name: str, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        load_config("paper", {name: 1})


def test_unknown_names_in_a_file_are_refused_with_the_nearest_names(tmp_path: Path) -> None:
    path = written(tmp_path, "[optimizer]\nbeta1 = 0.5\n")
    with pytest.raises(OptionsError, match=r"run.toml.*no setting 'optimizer'.*did you mean 'optimiser'"):
        load_config(path)
    path = written(tmp_path, "[[stages]]\nstep = 5\nlearning_rate = 0.1\n")
    with pytest.raises(OptionsError, match=r"stages.0.step"):
        load_config(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("data.batch_size", 0, r"data.batch_size = 0 is not accepted.*greater than or equal to 1"),
        ("compute.precision", "fp16", r"compute.precision = 'fp16' is not accepted.*'bf16-mixed'"),
        ("network.size", 100, r"network is not accepted.*power of two"),
        ("stages", [], r"stages = \[\] is not accepted.*at least 1"),
    ],
)
def test_values_out_of_bounds_are_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        load_config("paper", {name: value})


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(OptionsError, match=r"a combination of settings is not accepted.*comparing codes needs"):
        load_config("tiny", {"data.flip": True})


def test_unknown_presets_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"neither a preset nor a file called 'papier'.*did you mean 'paper'"):
        load_config("papier")
    with pytest.raises(OptionsError, match=r"no preset 'tinny'.*did you mean 'tiny'"):
        load_config(written(tmp_path, 'preset = "tinny"\n'))
    with pytest.raises(OptionsError, match="cannot be read"):
        load_config(written(tmp_path, "seed = \n"))


def test_assignments_are_read_as_json_where_they_are_json() -> None:
    assert parse_setting("data.batch-size=8") == ("data.batch_size", 8)
    assert parse_setting("perceptual.features=face_mesh") == ("perceptual.features", "face_mesh")
    with pytest.raises(OptionsError, match=r"'seed' is no assignment.*data.batch_size=8"):
        parse_setting("seed")


def test_the_digest_says_what_decides_the_result() -> None:
    digest = config_digest(TrainingConfig())
    assert digest == config_digest(
        load_config("paper", {"data.workers": 9, "data.path": "x", "logging.every_steps": 3})
    )
    assert digest != config_digest(load_config("paper", {"seed": 1}))
    assert digest != config_digest(load_config("paper", {"stages.0.steps": 1}))


def test_a_step_knows_its_stage() -> None:
    config = load_config("paper", {"stages.0.steps": 2, "stages.1.steps": 3})
    assert config.num_steps == 5
    assert [config.stage_at(step)[0] for step in range(6)] == [0, 0, 1, 1, 1, 1]


def test_the_file_in_the_documentation_is_accepted(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    config = load_config(written(tmp_path, block))
    assert (config.seed, config.data.batch_size, config.network.start, config.pose.weight) == (7, 16, "vox.pt", 1)
