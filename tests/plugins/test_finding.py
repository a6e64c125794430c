from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import ConfigDict, Field

from dpe_toolkit.api import (
    API_VERSION,
    CheckpointError,
    CheckpointFormat,
    Component,
    ComponentContext,
    ComponentKind,
    Detections,
    EditPlan,
    FrameBatch,
    PlanError,
    PluginError,
    PluginOptions,
    Problem,
    RenderPlan,
    ShotPlan,
    Show,
    Take,
    hookimpl,
)
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import PluginSource, Registry, load_registry
from dpe_toolkit.plugins import loading as plugins_module
from dpe_toolkit.plugins import usual as usual_module
from dpe_toolkit.plugins.loading import load_plugin

CONTEXT = cast("ComponentContext", SimpleNamespace(device="cpu", weights=None))
PLAN = RenderPlan.model_construct(toolkit_version="0", timeline="cut", shots=())


class FakeOptions(PluginOptions):
    size_px: int = Field(default=8, ge=1, description="Size.")


class FakeDetector:
    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        return []


def make(name: str = "plain", kind: ComponentKind = "detector", product: object = None) -> Component[object]:
    return Component(
        kind=kind, name=name, summary="", create=lambda options, context: product or FakeDetector(), options=FakeOptions
    )


def plugin_of(*components: object) -> object:
    class Plugin:
        @hookimpl
        def dpe_register_detectors(self) -> Iterable[object]:
            return components

    return Plugin()


def choice(name: str = "plain", **options: object) -> ComponentChoice:
    return ComponentChoice(kind="detector", name=name, plugin="a", version="0", options=options)


def broken() -> object:
    raise ImportError("no module named 'left_pad'")


def fault_of(source: PluginSource) -> str:
    fault = load_plugin(source).info.fault
    assert fault is not None
    return fault


def test_components_are_found_by_kind_and_name() -> None:
    registry = Registry.of({"a": plugin_of(make())}, version="1.2")
    entry = registry.find("detector", "plain")
    assert (entry.plugin, entry.version) == ("a", "1.2")
    assert list(registry.components("detector")) == ["plain"]
    assert list(registry.components("motion")) == []


def test_a_component_is_chosen_with_every_option_spelled_out() -> None:
    registry = Registry.of({"a": plugin_of(make())}, version="1.2")
    usual = registry.choose("detector", "plain")
    assert (usual.plugin, usual.version, usual.options) == ("a", "1.2", {"size_px": 8})
    assert registry.choose("detector", "plain", {"size-px": "3"}).options == {"size_px": 3}
    assert isinstance(registry.create(usual, CONTEXT), FakeDetector)
    with pytest.raises(OptionsError, match=r"plain\.size_px"):
        registry.choose("detector", "plain", {"size_px": 0})
    with pytest.raises(PlanError, match="there is no detector 'other'"):
        registry.choose("detector", "other")


def test_an_unknown_name_offers_the_nearest() -> None:
    registry = Registry.of({"a": plugin_of(make("face_mesh"))})
    with pytest.raises(PlanError, match=r"there is no detector 'face_mash'.*did you mean 'face_mesh'"):
        registry.find("detector", "face_mash")


def test_an_unknown_kind_is_told_the_kinds() -> None:
    with pytest.raises(PlanError, match=r"there is no painter 'x'.*kinds are detector, landmark, encoder"):
        Registry.of({}).find("painter", "x")


def test_a_plugin_that_cannot_be_imported_is_a_fault_and_stops_nobody_else() -> None:
    sources = [PluginSource("bad", broken, "bad-dist", "2.0"), PluginSource("good", lambda: plugin_of(make()))]
    registry = Registry(load_plugin(source) for source in sources)
    assert [(info.name, info.fault) for info in registry.plugins] == [
        ("bad", "ImportError: no module named 'left_pad'"),
        ("good", None),
    ]
    registry.find("detector", "plain")
    with pytest.raises(PlanError, match=r"plugin 'bad 2\.0' is out of use \(ImportError: no module named 'left_pad'\)"):
        registry.find("detector", "other")


def test_a_plugin_that_exits_at_import_is_a_fault() -> None:
    assert fault_of(PluginSource("bad", lambda: sys.exit(3))) == "SystemExit: 3"


def test_a_misspelt_hook_is_a_fault() -> None:
    class Plugin:
        @hookimpl
        def dpe_register_detector(self) -> list[object]:
            return []

    assert "dpe_register_detector" in fault_of(PluginSource("bad", Plugin))


def test_a_hook_with_a_foreign_argument_is_a_fault() -> None:
    class Plugin:
        @hookimpl
        def dpe_check_plan(self, plan: object, mood: object) -> list[object]:
            return []

    assert "mood" in fault_of(PluginSource("bad", Plugin))


def test_a_plugin_for_another_api_is_a_fault() -> None:
    module = SimpleNamespace(DPE_API_VERSION=API_VERSION + 1)
    assert f"written for plugin API {API_VERSION + 1}" in fault_of(PluginSource("bad", lambda: module))


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("no component", "list of detectors holds 'no component'"),
        (make(kind="motion"), "list of detectors holds 'plain', a motion"),
        (make("Über.mesh"), "name that timelines cannot use"),
        (Component(kind="detector", name="x", summary="", create=broken, options=dict), "options of detector 'x'"),  # type: ignore[arg-type] # wrong on purpose
    ],
)
def test_a_registration_that_breaks_the_contract_is_a_fault(entry: object, fault: str) -> None:
    assert fault in fault_of(PluginSource("bad", lambda: plugin_of(entry)))


def test_a_checkpoint_format_of_another_type_is_a_fault() -> None:
    class Plugin:
        @hookimpl
        def dpe_register_checkpoints(self) -> list[object]:
            return ["pickle"]

    assert "list of checkpoint formats holds 'pickle'" in fault_of(PluginSource("bad", Plugin))


def test_checkpoint_formats_are_listed() -> None:
    held = CheckpointFormat(name="f", summary="", detect=lambda path: False, describe=lambda path: {})

    class Plugin:
        @hookimpl
        def dpe_register_checkpoints(self) -> list[CheckpointFormat]:
            return [held]

    assert Registry.of({"a": Plugin()}).checkpoint_formats == (held,)


class Formats:
    def __init__(self, name: str, *, takes: bool = True, error: Exception | None = None) -> None:
        self.format = CheckpointFormat(
            name=name, summary="", detect=self.detect, describe=lambda path: {"name": path.name}
        )
        self.takes, self.error = takes, error

    def detect(self, path: Path) -> bool:
        if self.error:
            raise self.error
        return self.takes

    @hookimpl
    def dpe_register_checkpoints(self) -> list[CheckpointFormat]:
        return [self.format]


def test_a_weights_file_is_described_by_the_plugin_that_knows_it(caplog: pytest.LogCaptureFixture) -> None:
    plugins = {"a": Formats("f", takes=False), "b": Formats("g"), "c": Formats("h", error=OSError("no"))}
    assert Registry.of(plugins).describe_weights(Path("net.bin")) == ("g", {"name": "net.bin"})
    assert "plugin c 0 failed in weights format 'h': OSError: no" in caplog.text
    assert Registry.of({"a": Formats("f", takes=False)}).describe_weights(Path("net.bin")) is None
    with pytest.raises(CheckpointError, match=r"plugins take it for weights of 2 formats: f, g"):
        Registry.of({"a": Formats("f"), "b": Formats("g")}).describe_weights(Path("net.bin"))


def test_a_folder_is_shown_only_to_formats_of_folders_and_a_file_to_the_others(tmp_path: Path) -> None:
    one, several = Formats("one"), Formats("several")
    several.format = replace(several.format, folders=True)
    registry = Registry.of({"a": one, "b": several})
    assert registry.describe_weights(tmp_path) == ("several", {"name": tmp_path.name})
    assert registry.describe_weights(tmp_path / "net.bin") == ("one", {"name": "net.bin"})


def test_one_plugin_registering_a_name_twice_is_a_fault() -> None:
    assert "registers detector 'plain' twice" in fault_of(PluginSource("bad", lambda: plugin_of(make(), make())))


def test_a_name_that_two_plugins_claim_must_be_asked_for_with_its_plugin() -> None:
    registry = Registry.of({"a": plugin_of(make(), make("own")), "b": plugin_of(make())})
    with pytest.raises(PlanError, match=r"detector 'plain' is registered by 'a' and 'b'\. 'a:plain' or 'b:plain'\."):
        registry.find("detector", "plain")
    assert registry.find("detector", "b:plain").plugin == "b"
    assert registry.find("detector", "own").plugin == registry.find("detector", "a:own").plugin == "a"
    assert list(registry.components("detector")) == ["a:plain", "b:plain", "own"]


def test_a_clash_of_names_is_noted_with_both_plugins_and_is_no_fault() -> None:
    registry = Registry.of({"a": plugin_of(make(), make("own")), "b": plugin_of(make())})
    assert [info.fault for info in registry.plugins] == [None, None]
    assert [info.notes for info in registry.plugins] == [
        ("detector 'plain' is registered by 'b' too; ask for it as 'a:plain'",),
        ("detector 'plain' is registered by 'a' too; ask for it as 'b:plain'",),
    ]


def test_a_choice_is_made_by_its_own_plugin_though_another_claims_the_name() -> None:
    mine = FakeDetector()
    registry = Registry.of({"a": plugin_of(make(product=mine)), "b": plugin_of(make())})
    assert registry.choose("detector", "a:plain").name == "plain"
    assert registry.create(registry.choose("detector", "a:plain"), CONTEXT) is mine
    assert registry.create(registry.choose("detector", "b:plain"), CONTEXT) is not mine
    gone = registry.choose("detector", "a:plain").model_copy(update={"plugin": "gone"})
    with pytest.raises(PlanError, match="registered by 'a' and 'b'"):
        registry.create(gone, CONTEXT)


def default(kind: ComponentKind = "detector", name: str = "plain") -> Component[object]:
    return replace(make(name, kind), default=True)


def test_the_default_is_what_the_plugins_mark_that_the_toolkit_itself_installs() -> None:
    usual = PluginSource("usual", lambda: plugin_of(default(), make("other")), "dpe-face-mesh", usual=True)
    stranger = PluginSource("stranger", lambda: plugin_of(default(name="mine"), default()), "stranger")
    registry = Registry(load_plugin(source) for source in (stranger, usual))
    assert registry.defaults == {"detector": "usual:plain"}
    assert Registry([load_plugin(stranger)]).defaults == {}


def test_a_default_for_another_use_is_none_for_shots() -> None:
    registry = Registry.of({"a": plugin_of(replace(make(), default_for=("still",)), default(name="usual"))})
    assert (registry.defaults, registry.defaults_for("still")) == ({"detector": "usual"}, {"detector": "plain"})
    assert registry.defaults_for("other") == {}


def test_of_two_usual_plugins_that_mark_a_default_neither_is_taken() -> None:
    assert Registry.of({"a": plugin_of(default()), "b": plugin_of(default(name="other"))}).defaults == {}


def test_the_usual_distributions_are_those_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = ["numpy>=1", "dpe-Face_Mesh<0.2; extra == 'default'", 'dpe-x>=1 ; extra == "defaults"']
    monkeypatch.setattr(usual_module.metadata, "requires", lambda name: stated)
    assert usual_module.default_distributions.__wrapped__() == {"dpe-face-mesh"}


def test_a_checkout_that_is_not_installed_knows_its_usual_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise usual_module.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(usual_module.metadata, "requires", requires)
    assert {"dpe-face-mesh", "dpe-feather-blend"} <= usual_module.default_distributions.__wrapped__()


def test_any_mixture_of_components_is_registered_by_one_hook() -> None:
    class Plugin:
        @hookimpl
        def dpe_register_components(self) -> Iterable[object]:
            return [make(), make("soft", "compositor")]

    registry = Registry.of({"a": Plugin()})
    assert [(kind, list(registry.components(kind))) for kind in ("detector", "compositor")] == [
        ("detector", ["plain"]),
        ("compositor", ["soft"]),
    ]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [(make(kind="painter"), "component 'plain' is of kind 'painter', which there is not"), ("text", "holds 'text'")],
)
def test_a_mixture_with_something_else_in_it_is_a_fault(entry: object, fault: str) -> None:
    class Plugin:
        @hookimpl
        def dpe_register_components(self) -> Iterable[object]:
            return [entry]

    assert fault in fault_of(PluginSource("bad", Plugin))


def test_a_component_that_two_hooks_list_is_a_fault() -> None:
    class Plugin:
        @hookimpl
        def dpe_register_components(self) -> Iterable[object]:
            return [make()]

        @hookimpl
        def dpe_register_detectors(self) -> Iterable[object]:
            return [make()]

    assert "registers detector 'plain' twice" in fault_of(PluginSource("bad", Plugin))


def test_the_hooks_that_a_plugin_implements_besides_are_listed() -> None:
    assert load_plugin(PluginSource("p", Talkative)).info.hooks == (
        "dpe_check_plan",
        "dpe_resolve_media",
        "dpe_shot_started",
    )
    assert load_plugin(PluginSource("p", lambda: plugin_of(make()))).info.hooks == ()


def test_distributions_that_share_a_plugin_name_are_both_out_of_use() -> None:
    registry = Registry(
        load_plugin(PluginSource("same", lambda: plugin_of(make()), name, "1")) for name in ("one", "two")
    )
    (info,) = registry.plugins
    assert info.fault == "several distributions call a plugin 'same': one 1, two 1"
    assert list(registry.components("detector")) == []


def test_one_object_under_two_names_is_two_claims() -> None:
    shared = plugin_of(make())
    with pytest.raises(PlanError, match="registered by 'a' and 'b'"):
        Registry.of({"a": shared, "b": shared}).find("detector", "plain")


def test_create_validates_options_and_passes_them_on() -> None:
    seen: list[PluginOptions] = []

    def build(options: PluginOptions, context: ComponentContext) -> object:
        seen.append(options)
        return FakeDetector()

    component = Component(kind="detector", name="plain", summary="", create=build, options=FakeOptions)
    registry = Registry.of({"a": plugin_of(component)})
    assert isinstance(registry.create(choice(size_px=3), CONTEXT), FakeDetector)
    assert seen == [FakeOptions(size_px=3)]
    with pytest.raises(OptionsError, match=r"plain\.size_px"):
        registry.create(choice(size_px=0), CONTEXT)


def failing(error: Exception) -> Registry:
    def build(options: PluginOptions, context: ComponentContext) -> object:
        raise error

    return Registry.of({"a": plugin_of(Component(kind="detector", name="plain", summary="", create=build))})


def test_a_component_that_fails_to_start_is_blamed_on_its_plugin() -> None:
    with pytest.raises(PluginError, match="plugin 'a 0': detector 'plain' could not be made: KeyError: 'w'") as caught:
        failing(KeyError("w")).create(choice(), CONTEXT)
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_error_of_the_tree_passes_through_create_unchanged() -> None:
    with pytest.raises(CheckpointError, match="weights are missing"):
        failing(CheckpointError("weights are missing")).create(choice(), CONTEXT)


def test_a_product_without_the_methods_of_its_kind_is_blamed_on_its_plugin() -> None:
    registry = Registry.of({"a": plugin_of(make(product=object()))})
    with pytest.raises(PluginError, match=r"detector 'plain' made a object.*methods of Detector"):
        registry.create(choice(), CONTEXT)


class Talkative:
    def __init__(self, problems: object = (), error: Exception | None = None) -> None:
        self.problems, self.error, self.heard = problems, error, 0

    @hookimpl
    def dpe_check_plan(self, plan: RenderPlan) -> object:
        if self.error:
            raise self.error
        return self.problems

    @hookimpl
    def dpe_shot_started(self, shot: object) -> None:
        self.heard += 1
        if self.error:
            raise self.error

    @hookimpl
    def dpe_resolve_media(self, reference: str, base_dir: Path) -> object:
        if self.error:
            raise self.error
        return self.problems or None


def test_a_notice_reaches_every_plugin_though_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    loud, calm = Talkative(error=ValueError("no")), Talkative()
    with caplog.at_level(logging.WARNING):
        Registry.of({"loud": loud, "calm": calm}).notify("dpe_shot_started", shot=None)
    assert (loud.heard, calm.heard) == (1, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "plugin loud 0 failed in dpe_shot_started: ValueError: no"
    ]
    assert caplog.records[0].exc_info is None


def test_the_traceback_of_a_notice_that_fails_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Registry.of({"loud": Talkative(error=ValueError("no"))}).notify("dpe_shot_started", shot=None)
    assert caplog.records[-1].exc_info is not None


def test_plan_checks_are_collected_and_a_failing_check_is_a_problem() -> None:
    found = Problem(wrong="too dark")
    plugins = {"a": Talkative([found]), "b": Talkative(error=ValueError("no")), "c": Talkative(["text"])}
    problems = Registry.of(plugins).check_plan(PLAN)
    assert found in problems
    texts = "\n".join(map(str, problems))
    assert "plugin 'b 0': its check of the plan raised ValueError: no" in texts
    assert "plugin 'c 0': its check of the plan returned 'text', which is no Problem" in texts
    assert {problem.severity for problem in problems if problem is not found} == {"warning"}


def test_a_failing_check_forbids_a_plan_that_needs_its_plugin() -> None:
    needed = ComponentChoice(kind="detector", name="plain", plugin="b", version="0")
    edit = EditPlan.model_construct(components={"detector": needed})
    take = Take.model_construct(id="t", name="s", edit=edit)
    shot = ShotPlan.model_construct(name="s", image=Show.model_construct(take=take))
    plan = RenderPlan.model_construct(toolkit_version="0", timeline="cut", shots=(shot,))
    (problem,) = Registry.of({"b": Talkative(error=ValueError("no"))}).check_plan(plan)
    assert problem.severity == "error"


def test_what_a_plugin_prints_while_it_loads_stays_off_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> object:
        print("Welcome to my plugin!")
        return plugin_of(make())

    assert load_plugin(PluginSource("loud", load)).info.fault is None
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Welcome to my plugin!\n")


class NoSchema(PluginOptions):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    lock: type[object] | Path = Field(default=Path(), description="What JSON has no word for.")
    handle: SimpleNamespace = Field(default=SimpleNamespace(), description="What JSON has no word for.")


class NoDefault(PluginOptions):
    size_px: int = Field(description="Size.")


@pytest.mark.parametrize("options", [NoSchema, NoDefault])
def test_options_that_no_listing_could_show_are_a_fault(options: type[PluginOptions]) -> None:
    component = Component(kind="detector", name="x", summary="", create=broken, options=options)  # type: ignore[arg-type]
    assert "have no usable defaults or schema" in fault_of(PluginSource("bad", lambda: plugin_of(component)))


def test_the_version_of_the_api_and_the_licence_are_told() -> None:
    class Plugin:
        DPE_API_VERSION = API_VERSION

    info = load_plugin(PluginSource("p", Plugin, "dist", "1", "MIT", must_state_api=True)).info
    assert (info.api_version, info.licence) == (API_VERSION, "MIT")
    assert load_plugin(PluginSource("p", SimpleNamespace)).info.api_version is None


def test_an_installed_plugin_that_does_not_state_its_api_is_refused() -> None:
    fault = fault_of(PluginSource("bad", lambda: plugin_of(make()), must_state_api=True))
    assert fault.startswith("it does not say which plugin API it was written for. DPE_API_VERSION = 1 in its module.")


def test_a_plugin_for_a_future_or_senseless_api_is_refused() -> None:
    for stated in (API_VERSION + 1, 0, "1"):
        held = SimpleNamespace(DPE_API_VERSION=stated)
        assert f"written for plugin API {stated}" in fault_of(PluginSource("bad", lambda held=held: held))


def test_a_missing_component_is_told_of_the_broken_plugin_that_sounds_like_it() -> None:
    sources = [PluginSource("soft_edge", broken, "d", "2"), PluginSource("other", broken, "d", "3")]
    registry = Registry((load_plugin(source) for source in sources), left_out=["strange"])
    with pytest.raises(PlanError, match="'soft_edge 2' is out of use") as caught:
        registry.find("compositor", "soft")
    assert "other" not in caught.value.action
    assert "not allowed here: 'strange'" in caught.value.action
    with pytest.raises(PlanError, match=r"'other 3' is out of use.*'soft_edge 2' is out of use"):
        registry.find("compositor", "hard")


def test_a_name_that_goes_is_warned_about_for_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    from dpe_toolkit import api

    monkeypatch.setitem(api._RENAMED, "FaceCrop", "FaceBatch")
    with pytest.warns(DeprecationWarning, match=r"dpe_toolkit.api.FaceCrop goes with API 2; use FaceBatch"):
        assert api.FaceCrop is api.FaceBatch


def test_media_is_resolved_by_whichever_plugin_knows_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins = {"a": Talkative(error=ValueError("no")), "b": Talkative(tmp_path)}
    assert Registry.of(plugins).resolve_media("asset:7", tmp_path) == tmp_path
    assert "plugin a 0 failed in dpe_resolve_media" in caplog.text
    assert Registry.of({"c": Talkative("text")}).resolve_media("asset:7", tmp_path) is None


def test_only_allowed_plugins_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    distribution = SimpleNamespace(name="d", version="1", metadata=SimpleNamespace(json={"license": "MIT"}))
    entry = SimpleNamespace(name="mine", load=lambda: plugin_of(make()), dist=distribution)
    monkeypatch.setattr(plugins_module.metadata, "entry_points", lambda group: [entry])
    assert [info.label for info in load_registry().plugins] == ["mine 1"]
    assert load_registry(allow=["other"]).plugins == ()
    assert load_registry(allow=["other"]).left_out == ("mine",)


def test_loading_the_registry_needs_no_torch() -> None:
    code = "import sys, dpe_toolkit.plugins as r; r.load_registry(); print('torch' in sys.modules, 'av' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
