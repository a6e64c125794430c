"""Names of components, lists of them, names that clash, and what components give and need."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

import pytest

from dpe_toolkit.api import Component, ComponentChoice, PluginOptions, RenderPlan, Weights, hookimpl
from dpe_toolkit.planning import explain
from dpe_toolkit.plugins import Registry
from dpe_toolkit.plugins.loading import PluginSource, load_plugin
from tests.planning.conftest import SPACE, FakePlugin, FeatherOptions, Scene, component

MESH, POINTS = "landmarks=mediapipe/478", "landmarks=points/5"


class Giving:
    """A plugin with these components."""

    DPE_API_VERSION = 1

    def __init__(self, *components: Component[Any]) -> None:
        self.components = components

    @hookimpl
    def dpe_register_components(self) -> Iterable[Component[Any]]:
        return self.components


def texts(plan: RenderPlan) -> list[str]:
    return [str(problem) for problem in plan.errors]


def planned(scene: Scene, *components: Component[Any], usual: bool = True, **effect: Any) -> RenderPlan:
    """The plan of one shot with the fake components and these."""
    plugins = {"fake": FakePlugin(), "new": Giving(*components)}
    sources = [
        PluginSource(name, lambda held=held: held, version="1", usual=usual or name == "fake")
        for name, held in plugins.items()
    ]
    scene.registry = Registry(load_plugin(source) for source in sources)
    return scene.plan(scene.track(scene.edited("a.mov", components=effect)))


def chosen(plan: RenderPlan) -> dict[str, str]:
    assert texts(plan) == []
    return {kind: choice.name for kind, choice in plan.shots[0].edit.components.items()}


def wanting(**more: Any) -> Component[Any]:
    return component("motion", "wanting", space=SPACE, default=False, **more)


def test_a_list_of_refiners_and_mattes_is_planned_in_its_order(scene: Scene) -> None:
    parts = [component("refine", name) for name in ("sharpen", "grain")] + [component("matte", "hands")]
    plan = planned(scene, *parts, refine=["grain", "sharpen", "grain"], matte="hands")
    edit = plan.shots[0].edit
    assert {kind: [one.name for one in chain] for kind, chain in edit.chains.items()} == {
        "refine": ["grain", "sharpen", "grain"],
        "matte": ["hands"],
    }
    assert (edit.chains["refine"][0].plugin, edit.chains["refine"][0].fingerprint) == ("new", "print of grain")
    assert edit.origins["components.refine"] == "effect"
    assert [one.name for one in edit.choices][-4:] == ["grain", "sharpen", "grain", "hands"]


def test_names_of_a_list_may_be_one_text_with_commas(scene: Scene) -> None:
    plan = planned(scene, component("refine", "sharpen"), component("refine", "grain"), refine="grain, sharpen")
    assert [one.name for one in plan.shots[0].edit.chains["refine"]] == ["grain", "sharpen"]


def test_an_empty_list_takes_out_what_a_weaker_place_names(scene: Scene) -> None:
    (scene.folder / "dpe.toml").write_text('schema = 1\n[components]\nrefine = ["sharpen"]\n')
    assert planned(scene, component("refine", "sharpen")).shots[0].edit.chains.keys() == {"refine"}
    assert planned(scene, component("refine", "sharpen"), refine=[]).shots[0].edit.chains == {}


def test_a_plan_without_lists_has_none_and_no_landmarker(scene: Scene) -> None:
    plan = planned(scene)
    assert plan.shots[0].edit.chains == {}
    assert "landmark" not in chosen(plan)


def test_an_option_of_a_listed_component_is_taken_and_one_that_it_has_not_is_refused(scene: Scene) -> None:
    scene.registry = Registry.of({"fake": FakePlugin(), "new": Giving(component("refine", "grain", FeatherOptions))})
    clip = scene.edited("a.mov", components={"refine": ["grain"]}, options={"grain": {"feather_px": 3}})
    assert scene.plan(scene.track(clip)).shots[0].edit.chains["refine"][0].options["feather_px"] == 3
    wrong = scene.edited("a.mov", components={"refine": ["grain"]}, options={"grain": {"feathers": 3}})
    assert "grain has no option 'feathers'" in texts(scene.plan(scene.track(wrong)))[0]


def test_two_names_for_a_kind_of_which_there_is_one_are_refused(scene: Scene) -> None:
    (problem,) = texts(planned(scene, compositor=["feather", "poisson"]))
    assert "2 components are named as compositor: feather, poisson. one. name one; of refine and matte there" in problem


def test_an_unknown_refiner_offers_the_nearest(scene: Scene) -> None:
    (problem,) = texts(planned(scene, component("refine", "grain"), refine=["grein"]))
    assert "there is no refine 'grein'. did you mean 'grain'?" in problem


def test_a_stranger_that_claims_the_name_of_a_default_changes_no_plan(scene: Scene) -> None:
    plan = planned(scene, component("compositor", "feather", default=True), usual=False)
    choice = plan.shots[0].edit.components["compositor"]
    assert texts(plan) == []
    assert (choice.name, choice.plugin) == ("feather", "fake")


def test_a_name_that_clashes_is_asked_for_with_its_plugin(scene: Scene) -> None:
    clash = component("compositor", "feather", FeatherOptions, default=True)
    (problem,) = texts(planned(scene, clash, usual=False, compositor="feather"))
    assert "'feather' is registered by 'fake' and 'new'. 'fake:feather' or 'new:feather'. say which" in problem
    plan = planned(scene, clash, usual=False, compositor="new:feather")
    assert plan.shots[0].edit.components["compositor"].plugin == "new"
    options = {("new:feather", "feather_px"): 5}
    set_by_name = scene.plan(path=scene.folder / "cut.otio", overrides=options)
    assert texts(set_by_name) == []
    assert set_by_name.shots[0].edit.components["compositor"].options["feather_px"] == 5


def test_without_a_default_the_error_says_what_to_install(scene: Scene) -> None:
    scene.registry = Registry.of({"new": Giving(component("compositor", "poisson", default=False))})
    problems = texts(scene.plan(scene.track(scene.edited("a.mov"))))
    assert len(problems) == 5
    assert (
        "no detector is named, and none is installed that is taken by default. a plugin with a detector" in problems[0]
    )
    assert all("install dpe-toolkit[default], or name one" in problem for problem in problems)
    assert "one of 'poisson'" in problems[-1]


def test_a_detector_that_does_not_give_what_the_motion_needs_is_refused_with_both_plugins(scene: Scene) -> None:
    parts = [component("detector", "boxes", gives=("boxes", POINTS), default=False), wanting(needs=(MESH,))]
    (problem,) = texts(planned(scene, *parts, detector="boxes", motion="wanting"))
    assert (
        "motion 'wanting' of plugin 'new 1' needs landmarks=mediapipe/478, and "
        "detector 'boxes' of plugin 'new 1' gives boxes, landmarks=points/5"
    ) in problem
    assert "a component that supplies it; none is installed. name one, or another motion" in problem


def landmarker(name: str = "mesher", **more: Any) -> Component[Any]:
    return component("landmark", name, **{"gives": (MESH,), "needs": ("boxes",), "default": False, **more})


BOXES = component("detector", "boxes", gives=("boxes", POINTS), default=False)


def test_a_landmarker_that_alone_supplies_the_need_is_taken_and_said_so(scene: Scene) -> None:
    plan = planned(scene, BOXES, wanting(needs=(MESH,)), landmarker(), detector="boxes", motion="wanting")
    assert chosen(plan)["landmark"] == "mesher"
    assert plan.shots[0].edit.origins["components.landmark"] == "needed by motion wanting"
    rows = {row.what: row.origin for row in explain(plan)}
    assert rows["components.landmark"] == "needed by motion wanting"


def test_of_two_landmarkers_that_supply_the_need_none_is_taken_and_both_are_offered(scene: Scene) -> None:
    parts = [BOXES, wanting(needs=(MESH,)), landmarker(), landmarker("other")]
    (problem,) = texts(planned(scene, *parts, usual=False, detector="boxes", motion="wanting"))
    assert "what supplies it: landmark 'mesher', landmark 'other'. name one" in problem
    named = planned(scene, *parts, usual=False, detector="boxes", motion="wanting", landmark="other")
    assert chosen(named)["landmark"] == "other"


def test_of_two_landmarkers_the_toolkits_own_default_is_taken(scene: Scene) -> None:
    parts = [BOXES, wanting(needs=(MESH,)), landmarker(), landmarker("other", default=True)]
    assert chosen(planned(scene, *parts, detector="boxes", motion="wanting"))["landmark"] == "other"


def test_a_landmarker_is_not_taken_for_a_detector_that_does_not_give_what_it_needs(scene: Scene) -> None:
    points = component("detector", "points", gives=(POINTS,), default=False)
    parts = [points, wanting(needs=(MESH,)), landmarker()]
    (problem,) = texts(planned(scene, *parts, detector="points", motion="wanting"))
    assert "what supplies it: landmark 'mesher'" in problem
    both = texts(planned(scene, *parts, detector="points", motion="wanting", landmark="mesher"))
    assert "landmark 'mesher' of plugin 'new 1' needs boxes, and detector 'points'" in both[0]


def test_a_detector_that_gives_the_mesh_itself_gets_no_landmarker(scene: Scene) -> None:
    full = component("detector", "full", gives=("boxes", MESH), default=False)
    parts = [full, wanting(needs=(MESH,)), landmarker()]
    assert "landmark" not in chosen(planned(scene, *parts, detector="full", motion="wanting"))


@pytest.mark.parametrize("needs", [(MESH,), ("landmarks",), ()])
def test_a_detector_that_states_nothing_is_not_checked(scene: Scene, needs: tuple[str, ...]) -> None:
    silent = component("detector", "silent", default=False)
    plan = planned(scene, silent, wanting(needs=needs), landmarker(), detector="silent", motion="wanting")
    assert "landmark" not in chosen(plan)
    assert plan.shots[0].edit.components["motion"].needs == needs


def test_a_need_without_a_form_is_met_by_any(scene: Scene) -> None:
    assert chosen(planned(scene, BOXES, wanting(needs=("landmarks",)), detector="boxes", motion="wanting"))
    (problem,) = texts(planned(scene, BOXES, wanting(needs=("blendshapes",)), detector="boxes", motion="wanting"))
    assert "needs blendshapes" in problem


def test_a_matte_maker_states_its_needs_like_any_other(scene: Scene) -> None:
    fussy = component("matte", "fussy", needs=(MESH,), default=False)
    (problem,) = texts(planned(scene, BOXES, fussy, detector="boxes", matte=["fussy"]))
    assert "matte 'fussy' of plugin 'new 1' needs landmarks=mediapipe/478" in problem


def test_a_generator_of_its_own_family_needs_no_default_encoder_and_motion(scene: Scene) -> None:
    own = [component(kind, "net", family="net", default=False) for kind in ("encoder", "motion", "generator")]
    others = [component("detector", "d"), component("compositor", "c")]
    scene.registry = Registry.of({"new": Giving(*own, *(_default(one) for one in others))})
    plan = scene.plan(scene.track(scene.edited("a.mov", components={"generator": "net"})))
    assert chosen(plan) == {"detector": "d", "encoder": "net", "motion": "net", "generator": "net", "compositor": "c"}


def _default(held: Component[Any]) -> Component[Any]:
    return component(held.kind, held.name, default=True)


def test_lists_survive_the_way_through_json(scene: Scene) -> None:
    plan = planned(scene, component("refine", "grain"), refine=["grain"])
    assert (
        RenderPlan.model_validate(json.loads(plan.model_dump_json())).shots[0].edit.chains == plan.shots[0].edit.chains
    )


class PlainOptions(PluginOptions):
    weights: str = ""


class FolderOptions(PluginOptions):
    weights: Annotated[str, Weights(folder=True)] = ""


@pytest.mark.parametrize(("options", "named"), [(PlainOptions, "a.bin"), (FolderOptions, "parts")])
def test_the_content_of_plain_weights_is_in_the_fingerprint_too(
    scene: Scene, options: type[PluginOptions], named: str
) -> None:
    (scene.folder / "parts").mkdir()
    files = [scene.folder / "a.bin", scene.folder / "parts" / "b.bin"]
    scene.registry = Registry.of({"fake": FakePlugin(), "new": Giving(component("refine", "net", options))})
    clip = scene.edited("a.mov", components={"refine": ["net"]}, options={"net": {"weights": named}})
    scene.write(scene.track(clip))
    prints = set()
    for content in (b"1", b"22"):
        for file in files:
            file.write_bytes(content)
        plan = scene.plan(path=scene.folder / "cut.otio")
        assert texts(plan) == []
        choice = plan.shots[0].edit.chains["refine"][0]
        assert choice.weights == scene.folder / named
        prints.add(choice.fingerprint)
    assert len(prints) == 2


class NetOptions(PluginOptions):
    encoder: Annotated[str, Weights()] = ""
    parts: Annotated[str, Weights(folder=True)] = ""


def test_every_option_that_is_marked_names_weights_whose_content_is_in_the_fingerprint(scene: Scene) -> None:
    (scene.folder / "e.bin").write_bytes(b"1")
    (scene.folder / "five").mkdir()
    for name in "abcde":
        (scene.folder / "five" / name).write_text(name)
    scene.registry = Registry.of({"fake": FakePlugin(), "new": Giving(component("refine", "net", NetOptions))})
    options = {"net": {"encoder": "e.bin", "parts": "five"}}
    scene.write(scene.track(scene.edited("a.mov", components={"refine": ["net"]}, options=options)))

    def choice() -> ComponentChoice:
        plan = scene.plan(path=scene.folder / "cut.otio")
        assert texts(plan) == []
        return plan.shots[0].edit.chains["refine"][0]

    before = choice()
    assert before.weights_named == {"encoder": scene.folder / "e.bin", "parts": scene.folder / "five"}
    (scene.folder / "five" / "c").write_text("other")
    assert choice().fingerprint != before.fingerprint
    (scene.folder / "e.bin").unlink()
    assert "there is no such weights file" in texts(scene.plan(path=scene.folder / "cut.otio"))[0]


class OneFile(PluginOptions):
    weights: str = ""


def test_the_content_of_weights_is_in_the_fingerprint_where_no_code_space_says_it(scene: Scene) -> None:
    scene.registry = Registry.of({"fake": FakePlugin(), "new": Giving(component("refine", "net", OneFile))})
    options = {"net": {"weights": "w.bin"}}
    scene.write(scene.track(scene.edited("a.mov", components={"refine": ["net"]}, options=options)))
    seen = []
    for content in (b"1", b"2", b"1"):
        (scene.folder / "w.bin").write_bytes(content)
        plan = scene.plan(path=scene.folder / "cut.otio")
        assert texts(plan) == []
        seen.append(plan.shots[0].edit.chains["refine"][0].fingerprint)
    assert seen[0] == seen[2] != seen[1]
