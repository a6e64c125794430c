"""Components whose options decide their code space, and those that come along with a generator."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from dpe_toolkit.api import CodeSpace, Component, OptionsError, PluginOptions, RenderPlan, hookimpl
from dpe_toolkit.planning import explain
from dpe_toolkit.plugins import Registry
from tests.planning.conftest import FakePlugin, Scene


class NetOptions(PluginOptions):
    weights: str = ""
    layers: int = 1


class MotionNetOptions(NetOptions):
    calm: bool = False


def space_of(options: PluginOptions, weights: Path | None) -> CodeSpace:
    assert isinstance(options, NetOptions)
    if weights is None:
        raise OptionsError("the net has no weights", "a file", "name one")
    return CodeSpace(f"net {weights.read_text()} of {options.layers}", 4, 2, weights.read_text() * 16)


def net(kind: str, name: str, options: type[PluginOptions] = NetOptions) -> Component[Any]:
    return Component(
        kind=kind,  # type: ignore[arg-type] # parametrised
        name=name,
        summary="",
        create=lambda options, context: None,
        options=options,
        space_of=space_of,
        family="net",
        fingerprint="n/1",
    )


class NetPlugin:
    @hookimpl
    def dpe_register_encoders(self) -> Iterable[Component[Any]]:
        return [net("encoder", "look")]

    @hookimpl
    def dpe_register_motion_extractors(self) -> Iterable[Component[Any]]:
        return [net("motion", "move", MotionNetOptions)]

    @hookimpl
    def dpe_register_generators(self) -> Iterable[Component[Any]]:
        return [net("generator", "net/face")]


class SecondMotion:
    @hookimpl
    def dpe_register_motion_extractors(self) -> Iterable[Component[Any]]:
        return [net("motion", "move2", MotionNetOptions)]


@pytest.fixture
def nets(scene: Scene, tmp_path: Path) -> Scene:
    scene.registry = Registry.of({"fake": FakePlugin(), "net": NetPlugin()})
    for name in ("one", "two"):
        (tmp_path / f"{name}.pt").write_text(name)
    return scene


def plan_of(scene: Scene, options: dict[str, Any], **more: Any) -> RenderPlan:
    edited = scene.edited("a.mov", components={"generator": "net/face", **more.pop("components", {})}, options=options)
    return scene.plan(scene.track(edited), **more)


def errors(plan: RenderPlan) -> list[str]:
    return [str(problem) for problem in plan.errors]


def test_encoder_and_motion_follow_a_generator_with_the_options_they_share(nets: Scene, tmp_path: Path) -> None:
    plan = plan_of(nets, {"net/face": {"weights": "one.pt", "layers": 3}, "move": {"calm": True}})
    assert errors(plan) == []
    edit = plan.shots[0].edit
    assert edit is not None
    chosen = edit.components
    assert (chosen["encoder"].name, chosen["motion"].name) == ("look", "move")
    assert chosen["motion"].options == {"weights": "one.pt", "layers": 3, "calm": True}
    assert {chosen[kind].weights for kind in ("encoder", "motion", "generator")} == {tmp_path / "one.pt"}
    assert chosen["encoder"].fingerprint == "n/1 oneoneoneoneoneo"
    assert {(row.what, row.value, row.origin) for row in explain(plan)} >= {
        ("components.encoder", "look (net 0)", "generator"),
        ("encoder.layers", "3", "effect"),
    }


def test_options_may_be_given_for_a_family_at_once(nets: Scene) -> None:
    assert errors(plan_of(nets, {"net": {"weights": "one.pt"}})) == []
    plan = plan_of(nets, {}, overrides={("net", "weights"): str(nets.folder / "two.pt")})
    assert errors(plan) == []


def test_an_own_value_goes_before_the_generators(nets: Scene) -> None:
    (found,) = errors(plan_of(nets, {"net/face": {"weights": "one.pt"}, "look": {"weights": "two.pt"}}))
    assert "encoder 'look' in 'net two of 1', motion 'move' in 'net one of 1'" in found


def test_weights_from_the_command_line_go_before_all_others(nets: Scene) -> None:
    plan = plan_of(nets, {"look": {"weights": "two.pt"}}, weights=str(nets.folder / "one.pt"))
    assert errors(plan) == []


def test_a_named_encoder_stays_and_is_refused_where_it_does_not_fit(nets: Scene) -> None:
    (found,) = errors(plan_of(nets, {"net": {"weights": "one.pt"}}, components={"encoder": "mesh"}))
    assert "encoder 'mesh' in 'space/1'" in found


def test_two_that_would_do_are_not_chosen_between(nets: Scene) -> None:
    nets.registry = Registry.of({"fake": FakePlugin(), "net": NetPlugin(), "second": SecondMotion()})
    (found,) = errors(plan_of(nets, {"net": {"weights": "one.pt"}}))
    assert "motion 'mesh' in 'space/1'" in found


def test_a_space_that_cannot_be_known_is_one_problem(nets: Scene) -> None:
    assert errors(plan_of(nets, {})) == ["clip 'a': the net has no weights. a file. name one."]
    (found,) = errors(plan_of(nets, {"net": {"weights": "gone.pt"}}))
    assert "there is no such weights file" in found


def test_relative_weights_of_a_timeline_start_at_the_timeline(nets: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = nets.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert errors(plan_of(nets, {"net": {"weights": "one.pt"}})) == []
    (elsewhere / "here.pt").write_text("here")
    assert errors(plan_of(nets, {}, weights="here.pt")) == []
