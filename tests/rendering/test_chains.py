"""Refiners, matte makers and prepared shots in rendered pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from dpe_toolkit.core.errors import PluginError
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.editing.protocols import Generated, ShotMaterial
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plans.model import RenderPlan
from tests.analysis.fakes import Registry, choice
from tests.rendering.scenes import SOURCE_MOOD, acting_face, edit, frames_of, plan, shot, still_face, write_clip
from tests.rendering.test_session import moods, render


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chains")
    for name, scene in (("source", still_face), ("driver", acting_face)):
        write_clip(folder / f"{name}.mkv", scene)
    return folder


def chained(work: Path, **chains: object) -> RenderPlan:
    from dpe_toolkit.media import media_plan

    driver = media_plan(work / "driver.mkv")
    return plan(shot(media_plan(work / "source.mkv"), edit=edit(driver, chains=chains)))


class Inverter:
    """Turns the edit round: what got brighter gets as much darker."""

    def refine(self, source: FaceBatch, edited: Generated) -> Generated:
        return Generated(source.pixels - (edited.pixels - source.pixels), edited.landmarks_px)


class Half:
    """Lets half of an edit show, and nothing of it before a shot has begun."""

    share = 0.0
    begun = 0

    def begin_shot(self, material: ShotMaterial) -> Half:
        ready = type(self)()
        ready.share = 0.5 * float(material.request.expression.max())
        self.begun += 1
        return ready

    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        return torch.full_like(edited.pixels[:, :1], self.share)


def test_a_refiner_works_on_the_drawn_face(work: Path) -> None:
    render(chained(work, refine=[choice("refine")]), work, Registry(refine=Inverter()))
    assert moods(frames_of(work / "out.mkv")) == [2 * SOURCE_MOOD - (20 + 3 * frame) for frame in range(40)]


def test_mattes_of_plugins_take_their_shares_of_the_edit(work: Path) -> None:
    half = Half()
    twice = [choice("matte"), choice("matte")]
    render(chained(work, matte=twice), work, Registry(matte=half))
    expected = [SOURCE_MOOD + ((20 + 3 * frame) - SOURCE_MOOD) / 4 for frame in range(40)]
    np.testing.assert_allclose(moods(frames_of(work / "out.mkv")), expected, atol=1)
    assert half.begun == 2


class Asking:
    """A matte maker that asks another component, which comes along when it is made."""

    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        return torch.ones_like(edited.pixels[:, :1])


class Chooser(Registry):
    """Fakes that find components by name, as the registry of a program does."""

    def choose(self, kind: str, name: str, options: Mapping[str, object] | None = None) -> ComponentChoice:
        return choice(kind).model_copy(update={"name": name, "plugin": "dpe-others"})

    def create(self, choice: ComponentChoice, context: ComponentContext) -> object:
        if choice.kind == "matte":
            context.component("detector", "hands")
        return super().create(choice, context)


def test_a_component_that_another_one_asks_for_is_in_the_record(work: Path) -> None:
    report = render(chained(work, matte=[choice("matte")]), work, Chooser(matte=Asking()))
    (shot,) = json.loads(report.edits.read_text())["shots"]
    used = [(one["kind"], one["name"], one["plugin"]) for one in shot["components"]]
    assert used[-2:] == [("matte", "square", "dpe-squares"), ("detector", "hands", "dpe-others")]


def test_a_fault_in_a_chain_names_its_plugin_and_frames(work: Path) -> None:
    class Wide(Half):
        def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
            return edited.pixels

    message = r"matte 'square' failed on frames 0 to 7: .*matte\(\) has shape"
    with pytest.raises(PluginError, match=message) as told:
        render(chained(work, matte=[choice("matte")]), work, Registry(matte=Wide()))
    assert told.value.plugin == "dpe-squares 1.2"
