"""What plugins were written for before stages, takes and the image tree goes on working: names, calls, hooks, a plugin.

``api_1.json`` is `dpe_toolkit.api`, `dpe_toolkit.testing` and the hooks as they were: a name to the parameters of its
call, those behind a star given by name; null where it is not called.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import dpe_toolkit.api
import dpe_toolkit.testing
from dpe_toolkit.api import API_VERSION, FaceBatch, Generated
from dpe_toolkit.hookspecs import HookSpecs
from dpe_toolkit.plugins import Registry
from dpe_toolkit.plugins.loading import PluginSource, load_plugin
from dpe_toolkit.rendering import render_plan
from tests.analysis.fakes import Registry as Fakes
from tests.rendering.scenes import edit, plan, shot, still_face, write_clip

OLD: Mapping[str, Mapping[str, list[str] | None]] = json.loads(Path(__file__).with_name("api_1.json").read_text())
MODULES: Mapping[str, ModuleType] = {"api": dpe_toolkit.api, "testing": dpe_toolkit.testing}
MADE_BY_PLANNING = {"EditPlan", "RenderPlan", "ShotPlan"}
"""Plugins are given these, and read them; a plan of schema 1 in a file is upgraded, see tests/plans."""


def parameters(called: Any) -> list[inspect.Parameter]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one for one in inspect.signature(called).parameters.values() if one.kind not in variable]


def takes(called: Any, old: list[str]) -> bool:
    """Every call with the old parameters goes on working: the same places and names, and nothing new that must be."""
    now = {one.name: one for one in parameters(called)}
    placed = [one.name for one in now.values() if one.kind is not one.KEYWORD_ONLY]
    before = [name for name in old if not name.startswith("*")]
    named = [name.removeprefix("*") for name in old]
    fresh = [one for name, one in now.items() if name not in named]
    return (
        placed[: len(before)] == before
        and set(named) <= set(now)
        and all(one.default is not one.empty for one in fresh)
    )


def test_the_version_of_the_api_is_that_of_the_list() -> None:
    assert API_VERSION == 1
    assert [len(OLD[of]) for of in ("api", "testing", "hooks")] == [82, 44, 15]


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in MODULES for name in OLD[module]])
def test_each_name_is_still_there_and_called_as_it_was(module: str, name: str) -> None:
    assert name in MODULES[module].__all__
    found, old = getattr(MODULES[module], name), OLD[module][name]
    if old is not None and name not in MADE_BY_PLANNING:
        assert takes(found, old), f"{name} takes {[str(one) for one in parameters(found)]}, and took {old}"


def test_a_call_that_lost_or_moved_or_demands_a_parameter_is_seen() -> None:
    def called(first: int, second: int = 0, *, third: int = 0) -> None: ...

    assert takes(called, ["first", "second"])
    assert takes(called, ["first", "*second", "*third"])
    assert not takes(called, ["second", "first"])
    assert not takes(called, ["first", "gone"])
    assert not takes(called, ["*second"])


@pytest.mark.parametrize("hook", OLD["hooks"])
def test_each_hook_has_its_name_and_arguments(hook: str) -> None:
    assert list(inspect.signature(getattr(HookSpecs, hook)).parameters)[1:] == OLD["hooks"][hook]


PLUGIN = """
from pydantic import Field

from dpe_toolkit.api import Component, Composited, PluginOptions, hookimpl

DPE_API_VERSION = 1
told = []


class Options(PluginOptions):
    softness: float = Field(default=0.4, gt=0, le=1, description="Share of the oval over which the edit runs out.")


class SoftOval:
    def __init__(self, options):
        self.softness = options.softness

    def composite(self, source, edited):
        import torch

        height, width = source.pixels.shape[2:]
        y = torch.linspace(-1, 1, height, device=source.pixels.device)[:, None]
        x = torch.linspace(-1, 1, width, device=source.pixels.device)
        matte = ((1 - (x**2 + y**2).sqrt()) / self.softness).clamp(0, 1).expand(len(source), 1, -1, -1)
        if edited.confidence is not None:
            matte = matte * edited.confidence
        return Composited(edited.pixels, matte)


@hookimpl
def dpe_register_compositors():
    return [
        Component(
            kind="compositor",
            name="soft_oval",
            summary="Shows the edit inside a soft oval.",
            create=lambda options, context: SoftOval(options),
            options=Options,
            licence="MIT",
            source="our choice",
            fingerprint="soft_oval/1",
        )
    ]


@hookimpl
def dpe_check_plan(plan):
    for shot in plan.shots:
        told.append((shot.source.path.name, shot.source_start, shot.edit.id, shot.inner, shot.mix, shot.below))
    return []


@hookimpl
def dpe_shot_finished(shot, report):
    told.append((shot.name, len(shot.media_frames), report["id"]))
"""
"""A compositor as the page of the first plugin had it, with hooks that read what a shot of schema 1 had."""


@pytest.fixture
def old_plugin() -> ModuleType:
    module = ModuleType("soft_oval")
    exec(PLUGIN, module.__dict__)
    return module


def test_a_plugin_of_then_loads_as_an_installed_one(old_plugin: ModuleType) -> None:
    loaded = load_plugin(PluginSource("soft_oval", lambda: old_plugin, must_state_api=True))
    assert (loaded.info.fault, loaded.info.api_version) == (None, 1)
    assert [entry.full_name for entry in loaded.info.components] == ["soft_oval:soft_oval"]
    assert loaded.info.hooks == ("dpe_check_plan", "dpe_shot_finished")


def test_a_plugin_of_then_renders_and_is_told_once_what_replaces_the_old_fields(
    old_plugin: ModuleType, tmp_path: Path
) -> None:
    media = write_clip(tmp_path / "a.mkv", still_face, 8)
    registry = Registry.of({"soft_oval": old_plugin})
    chosen = registry.choose("compositor", "soft_oval", {"softness": 0.5})
    made = plan(shot(media, 8, edit=edit(media, components={**edit(media).components, "compositor": chosen})))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        assert registry.check_plan(made) == ()
    assert sorted(str(one.message).split(" goes ")[0] for one in told) == [
        f"ShotPlan.{n}" for n in ("below", "inner", "mix")
    ]
    composited: list[int] = []

    class Oval:
        def __init__(self) -> None:
            self.made: Any = old_plugin.SoftOval(old_plugin.Options(softness=0.5))

        def composite(self, source: FaceBatch, edited: Generated) -> Any:
            composited.append(len(source))
            return self.made.composite(source, edited)

    fakes = Fakes(compositor=Oval())
    fakes.notify = registry.notify  # type: ignore[method-assign] # hooks are the plugin's
    render_plan(made, tmp_path / "out.mkv", registry=fakes, device="cpu", cache_dir=tmp_path / "cache")
    assert sum(composited) == 8
    assert old_plugin.told == [("a.mkv", 0, "e1", None, None, None), ("shot", 8, "e1")]
