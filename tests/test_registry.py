from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import Field

from dpe_toolkit.api import (
    API_VERSION,
    CheckpointError,
    CheckpointFormat,
    Component,
    ComponentContext,
    ComponentKind,
    Detections,
    FrameBatch,
    PlanError,
    PluginError,
    PluginOptions,
    Problem,
    RenderPlan,
    hookimpl,
)
from dpe_toolkit.errors import OptionsError
from dpe_toolkit.plan import ComponentChoice
from dpe_toolkit.registry import PluginSource, Registry, load_registry
from dpe_toolkit.registry import plugins as plugins_module
from dpe_toolkit.registry.plugins import load_plugin

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


def test_an_unknown_name_offers_the_nearest() -> None:
    registry = Registry.of({"a": plugin_of(make("face_mesh"))})
    with pytest.raises(PlanError, match=r"there is no detector 'face_mash'.*did you mean 'face_mesh'"):
        registry.find("detector", "face_mash")


def test_an_unknown_kind_is_told_the_kinds() -> None:
    with pytest.raises(PlanError, match=r"there is no painter 'x'.*kinds are detector, encoder"):
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


def test_one_plugin_registering_a_name_twice_is_a_fault() -> None:
    assert "registers detector 'plain' twice" in fault_of(PluginSource("bad", lambda: plugin_of(make(), make())))


def test_a_name_that_two_plugins_claim_is_refused_and_the_rest_stays() -> None:
    registry = Registry.of({"a": plugin_of(make(), make("own")), "b": plugin_of(make())})
    with pytest.raises(PluginError, match="detector 'plain' is registered by 'a' and 'b'"):
        registry.find("detector", "plain")
    assert registry.find("detector", "own").plugin == "a"
    assert [info.fault for info in registry.plugins] == ["detector 'plain' is registered by 'a', 'b'"] * 2
    assert list(registry.components("detector")) == ["own"]


def test_distributions_that_share_a_plugin_name_are_both_out_of_use() -> None:
    registry = Registry(
        load_plugin(PluginSource("same", lambda: plugin_of(make()), name, "1")) for name in ("one", "two")
    )
    (info,) = registry.plugins
    assert info.fault == "several distributions call a plugin 'same': one 1, two 1"
    assert list(registry.components("detector")) == []


def test_one_object_under_two_names_is_two_claims() -> None:
    shared = plugin_of(make())
    with pytest.raises(PluginError, match="registered by 'a' and 'b'"):
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
    with caplog.at_level(logging.ERROR):
        Registry.of({"loud": loud, "calm": calm}).notify("dpe_shot_started", shot=None)
    assert (loud.heard, calm.heard) == (1, 1)
    assert "plugin loud failed in dpe_shot_started" in caplog.text


def test_plan_checks_are_collected_and_a_failing_check_is_a_problem() -> None:
    found = Problem(wrong="too dark")
    plugins = {"a": Talkative([found]), "b": Talkative(error=ValueError("no")), "c": Talkative(["text"])}
    problems = Registry.of(plugins).check_plan(PLAN)
    assert found in problems
    texts = "\n".join(map(str, problems))
    assert "plugin 'b': its check of the plan raised ValueError: no" in texts
    assert "plugin 'c': its check of the plan returned 'text', which is no Problem" in texts


def test_media_is_resolved_by_whichever_plugin_knows_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugins = {"a": Talkative(error=ValueError("no")), "b": Talkative(tmp_path)}
    assert Registry.of(plugins).resolve_media("asset:7", tmp_path) == tmp_path
    assert "plugin a failed in dpe_resolve_media" in caplog.text
    assert Registry.of({"c": Talkative("text")}).resolve_media("asset:7", tmp_path) is None


def test_only_allowed_plugins_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = SimpleNamespace(name="mine", load=lambda: plugin_of(make()), dist=SimpleNamespace(name="d", version="1"))
    monkeypatch.setattr(plugins_module.metadata, "entry_points", lambda group: [entry])
    assert [info.label for info in load_registry().plugins] == ["mine 1"]
    assert load_registry(allow=["other"]).plugins == ()


def test_loading_the_registry_needs_no_torch() -> None:
    code = (
        "import sys, dpe_toolkit.registry as r; r.load_registry(); print('torch' in sys.modules, 'av' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
