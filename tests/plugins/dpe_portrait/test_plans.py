"""What planning makes of the network's components: weights, spaces, companions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from dpe_portrait import plugin
from dpe_portrait.options import ModelOptions
from dpe_portrait.space import space_of
from dpe_toolkit.api import ComponentContext, RenderPlan
from dpe_toolkit.checkpoint import WeightsStore
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from tests.planning.conftest import FakePlugin, Scene
from tests.plugins.dpe_portrait.conftest import write_tiny


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path, registry=Registry.of({"fake": FakePlugin(), "dpe_portrait": plugin}))
    made.media("a.mov")
    made.media("driver.mov", num_frames=200)
    return made


def choices(plan: RenderPlan) -> dict[str, ComponentChoice]:
    assert plan.errors == (), plan.errors
    edit = plan.shots[0].edit
    assert edit is not None
    return edit.components


def errors(plan: RenderPlan) -> str:
    return "\n".join(map(str, plan.errors))


def learned(scene: Scene, **fields: Any) -> Any:
    components = {"generator": "dpe/expression", **fields.pop("components", {})}
    return scene.track(scene.edited("a.mov", components=components, **fields))


def test_a_generator_alone_brings_encoder_motion_and_weights_along(scene: Scene, tiny: Path) -> None:
    plan = scene.plan(learned(scene, options={"dpe/expression": {"weights": str(tiny), "dtype": "bf16"}}))
    found = choices(plan)
    assert (found["encoder"].name, found["motion"].name, found["compositor"].name) == ("dpe", "dpe", "feather")
    assert {found[kind].weights for kind in ("encoder", "motion", "generator")} == {tiny.absolute()}
    assert found["motion"].options["dtype"] == "bf16"
    assert found["motion"].origins["weights"] == "effect"
    edit = plan.shots[0].edit
    assert edit is not None
    assert edit.origins["components.encoder"] == "generator"


def test_the_choice_carries_a_mark_of_the_weights_content(scene: Scene, tiny: Path, tmp_path: Path) -> None:
    other = write_tiny(tmp_path / "other.safetensors", seed=3)
    marks = [choices(scene.plan(learned(scene), weights=str(path)))["motion"].fingerprint for path in (tiny, other)]
    assert marks[0] != marks[1]
    assert marks[0].startswith("m/1 ")


def test_a_generator_named_on_the_command_line_brings_them_along_too(scene: Scene, tiny: Path) -> None:
    track = scene.track(scene.edited("a.mov"))
    found = choices(
        scene.plan(track, components={"generator": "dpe/pose"}, weights=str(tiny), edit_overrides={"pose": 1})
    )
    assert found["encoder"].name == "dpe"
    assert found["generator"].name == "dpe/pose"


def test_the_mesh_keeps_its_own_companions(scene: Scene) -> None:
    found = choices(scene.plan(scene.track(scene.edited("a.mov"))))
    assert {found[kind].name for kind in ("encoder", "motion", "generator")} == {"mesh"}


def test_without_weights_the_plan_says_once_how_to_get_them(scene: Scene) -> None:
    plan = scene.plan(learned(scene))
    assert len(plan.errors) == 1
    assert "the DPE network has no weights" in errors(plan)
    assert "dpe weights import" in errors(plan)


def test_making_a_component_without_weights_is_refused_in_the_same_words() -> None:
    with pytest.raises(OptionsError, match="the DPE network has no weights"):
        space_of(ModelOptions(), None)
    choice = ComponentChoice(kind="encoder", name="dpe", plugin="dpe_portrait", version="0")
    registry = Registry.of({"dpe_portrait": plugin})
    with pytest.raises(OptionsError, match="dpe weights import FILE"):
        registry.create(choice, ComponentContext(torch.device("cpu")))


def test_random_weights_must_be_asked_for_and_carry_their_seed(scene: Scene) -> None:
    found = choices(scene.plan(learned(scene, options={"dpe": {"weights": "random", "seed": 3}})))
    assert found["generator"].weights is None
    assert found["generator"].options["seed"] == 3
    assert space_of(ModelOptions(weights="random", seed=3), None) != space_of(ModelOptions(weights="random"), None)


def test_two_checkpoints_do_not_mix(scene: Scene, tiny: Path, tmp_path: Path) -> None:
    other = write_tiny(tmp_path / "other.safetensors", seed=3)
    options = {"dpe/expression": {"weights": str(tiny)}, "encoder": {"weights": str(other)}}
    assert "different code spaces: encoder 'dpe' in 'dpe/1 " in errors(scene.plan(learned(scene, options=options)))


def test_two_readings_of_the_branches_do_not_mix(scene: Scene, tiny: Path) -> None:
    options = {"dpe": {"weights": str(tiny)}, "motion": {"expression_branch": "exp"}}
    assert "different code spaces" in errors(scene.plan(learned(scene, options=options)))


def test_mesh_motion_does_not_drive_the_network(scene: Scene, tiny: Path) -> None:
    plan = scene.plan(learned(scene, components={"motion": "mesh"}), weights=str(tiny))
    assert "motion 'mesh' in 'space/1', generator 'dpe/expression' in 'dpe/1 " in errors(plan)


def test_the_same_weights_under_two_names_are_one_space(scene: Scene, tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(tiny.read_bytes())
    options = {"dpe/expression": {"weights": str(tiny)}, "encoder": {"weights": "copy.safetensors"}}
    assert choices(scene.plan(learned(scene, options=options)))["encoder"].weights == copy


def test_weights_are_found_by_name_in_the_weights_folder(scene: Scene, tiny: Path, tmp_path: Path) -> None:
    stored = WeightsStore(tmp_path / "kept").add(tiny, "mine")
    plan = scene.plan(learned(scene), weights="mine", weights_dir=tmp_path / "kept")
    assert choices(plan)["generator"].weights == stored.path
    missing = errors(scene.plan(learned(scene), weights="mien", weights_dir=tmp_path / "kept"))
    assert "no weights are called 'mien'" in missing
    assert "did you mean 'mine'" in missing


def test_weights_that_no_shot_takes_are_a_mistake(scene: Scene, tiny: Path) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov")), weights=str(tiny))
    assert "no shot's components take any" in errors(plan)


class CreatesFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, (f"touch {self.path}",)


def test_weights_that_would_run_code_are_refused_at_planning_and_run_nothing(scene: Scene, tmp_path: Path) -> None:
    hostile, mark = tmp_path / "hostile.pt", tmp_path / "mark"
    torch.save({"gen": CreatesFile(mark)}, hostile)
    assert "it was refused" in errors(scene.plan(learned(scene), weights=str(hostile)))
    assert not mark.exists()


def test_regions_are_refused_by_name(scene: Scene, tiny: Path) -> None:
    found = errors(scene.plan(learned(scene, regions={"mouth": 0.5}), weights=str(tiny)))
    assert "regions are not honoured by generator 'dpe/expression'" in found


def test_a_pose_generator_needs_an_amount(scene: Scene, tiny: Path) -> None:
    track = learned(scene, components={"generator": "dpe/pose"})
    assert "'dpe/pose' is to edit a pose of amount 0" in errors(scene.plan(track, weights=str(tiny)))


def test_the_checkpoint_format_knows_its_files_by_content(tiny: Path, tmp_path: Path) -> None:
    (known,) = Registry.of({"dpe_portrait": plugin}).checkpoint_formats
    assert known.detect(tiny)
    other = tmp_path / "tiny.safetensors"
    other.write_bytes(b"no weights")
    assert not known.detect(other)
    facts = known.describe(tiny)
    assert (facts["size"], facts["expression_branch"], facts["licence"]) == ("32", "pose", "CC0-1.0")
    assert len(facts["sha256"]) == 64
