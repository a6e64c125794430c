"""What components are made with, whom they may ask for, and errors that they raise on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import torch

from dpe_toolkit.analysis.detect import refuse_unfit
from dpe_toolkit.analysis.pool import ComponentPool, guard_plugin
from dpe_toolkit.api import (
    Component,
    ComponentContext,
    Detections,
    MediaError,
    PlanError,
    PluginError,
    PluginOptions,
    RenderError,
    Weights,
    hookimpl,
)
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.stages import DETECTOR, MATTE
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from tests.analysis.fakes import Registry as Squares

CPU = torch.device("cpu")


class NetOptions(PluginOptions):
    weights: str = ""
    decoder: Annotated[str, Weights()] = ""
    size: int = 8


class Finder:
    def __init__(self, options: PluginOptions, context: ComponentContext) -> None:
        self.options, self.context = options, context

    def detect(self, frames: object, previous: object) -> list[Detections]:
        return []


class Masker(Finder):
    """Asks for a detector."""

    def __init__(self, options: PluginOptions, context: ComponentContext) -> None:
        super().__init__(options, context)
        self.found = context.component("detector", "net", {"size": 3})

    def matte(self, source: object, edited: object) -> torch.Tensor:
        return torch.ones(0)


class Nets:
    def __init__(self, masker: Callable[..., object] = Masker) -> None:
        self.masker = masker

    @hookimpl
    def dpe_register_components(self) -> Iterable[Component[object]]:
        return [
            Component(kind="detector", name="net", summary="", create=Finder, options=NetOptions, fingerprint="net/1"),
            Component(kind="matte", name="mask", summary="", create=self.masker),
        ]


def test_a_component_is_told_precision_seed_and_every_named_weights_file(tmp_path: Path) -> None:
    (tmp_path / "d.bin").write_bytes(b"1")
    (tmp_path / "w.bin").write_bytes(b"2")
    registry = Registry.of({"nets": Nets()})
    options = {"decoder": str(tmp_path / "d.bin"), "weights": str(tmp_path / "w.bin")}
    choice = registry.choose("detector", "net", options)
    made = ComponentPool(registry, CPU, precision="half", seed=7).get(DETECTOR, choice, "clip")
    assert isinstance(made, Finder)
    context = made.context
    assert (context.precision, context.seed, context.weights) == ("half", 7, tmp_path / "w.bin")
    assert context.weights_named == {"decoder": tmp_path / "d.bin", "weights": tmp_path / "w.bin"}


def test_a_component_that_another_asks_for_is_validated_and_noted(tmp_path: Path) -> None:
    registry = Registry.of({"nets": Nets()}, version="2")
    pool, mask = ComponentPool(registry, CPU, seed=5), registry.choose("matte", "mask")
    made = pool.apart().get(MATTE, mask, "clip")
    assert isinstance(made, Masker)
    assert isinstance(made.found, Finder)
    assert made.found.context.seed == 5
    (noted,) = pool.borrowed_by([mask])
    assert (noted.kind, noted.name, noted.plugin, noted.version, noted.fingerprint, noted.options["size"]) == (
        "detector",
        "net",
        "nets",
        "2",
        "net/1",
        3,
    )
    assert pool.borrowed_by([registry.choose("detector", "net")]) == ()


def test_a_component_that_is_asked_for_and_not_there_is_told_with_who_asked() -> None:
    registry = Registry.of({"nets": Nets(lambda options, context: context.component("detector", "nat"))})
    with pytest.raises(PlanError, match=r"clip 'a', plugin 'nets 0': there is no detector 'nat'\. did you mean 'net'"):
        ComponentPool(registry, CPU).get(MATTE, registry.choose("matte", "mask"), "a")


def test_a_registry_alone_lends_too_and_a_bare_context_says_that_it_cannot() -> None:
    registry = Registry.of({"nets": Nets()})
    made = registry.create(registry.choose("matte", "mask"), ComponentContext(CPU))
    assert isinstance(made, Masker)
    with pytest.raises(PluginError, match="detector 'net' is asked for where no components are made"):
        ComponentContext(CPU).component("detector", "net")


def test_a_maker_that_cannot_find_by_name_lends_nothing() -> None:
    squares = Squares()
    mask = ComponentChoice(kind="matte", name="mask", plugin="nets", version="1")
    with pytest.raises(PluginError, match="detector 'net' cannot be asked for"):
        ComponentPool(squares, CPU).lend(mask, "detector", "net", {}, ComponentContext(CPU))


CHOICE = ComponentChoice(kind="generator", name="failnet", plugin="failnet", version="0.1.0")


def test_an_error_of_the_toolkits_own_kind_is_told_with_clip_and_plugin() -> None:
    message = (
        r"clip 'face', plugin 'failnet 0\.1\.0', frame 6: the network lost the face\. a face\. use another driver\."
    )
    with pytest.raises(RenderError, match=message), guard_plugin(CHOICE, "face", Span(4, 12)):
        raise RenderError("the network lost the face", "a face", "use another driver", frame=6)
    with pytest.raises(RenderError, match="frame 4: lost"), guard_plugin(CHOICE, "face", Span(4, 5)):
        raise RenderError("lost")


def test_an_error_that_says_where_it_happened_keeps_its_word() -> None:
    with pytest.raises(RenderError, match="clip 'own', plugin 'mine 1': lost"), guard_plugin(CHOICE, "face"):
        raise RenderError("lost", clip="own", plugin="mine 1")


def test_media_that_a_plugin_fetches_are_no_fault_of_the_plugin() -> None:
    with pytest.raises(MediaError, match=r"^cannot be read\.$"), guard_plugin(CHOICE, "face"):
        raise MediaError("cannot be read")


SIX = ComponentChoice(kind="detector", name="sixpoints", plugin="sixpoints", version="0.1.0")
MESH = ComponentChoice(
    kind="motion",
    name="mesh",
    plugin="m",
    version="1",
    needs=("boxes", "landmarks=mediapipe/478", "blendshapes=arkit/52"),
)


@pytest.mark.parametrize("num_points", [6, 0])
def test_a_detector_whose_landmarks_do_not_fit_is_named_before_the_motion_fails(num_points: int) -> None:
    message = (
        rf"clip 'face', plugin 'sixpoints 0\.1\.0': detector 'sixpoints' gives {num_points} landmarks, "
        r"and motion 'mesh' needs landmarks=mediapipe/478\. 478 landmarks of each face\. choose another detector"
    )
    with pytest.raises(PluginError, match=message):
        refuse_unfit([Detections.none(num_points, 52)], SIX, MESH, "face")


def test_blendshapes_are_counted_too_and_what_fits_passes() -> None:
    with pytest.raises(PluginError, match="gives 0 blendshapes, and motion 'mesh' needs blendshapes=arkit/52"):
        refuse_unfit([Detections.none(478, 0)], SIX, MESH, "face")
    refuse_unfit([Detections.none(478, 52)], SIX, MESH, "face")
    refuse_unfit([], SIX, MESH, "face")
    refuse_unfit([Detections.none(6)], SIX, MESH.model_copy(update={"needs": ("landmarks",)}), "face")


def test_a_few_points_do_not_say_how_large_a_face_is() -> None:
    from dpe_toolkit.analysis.windows import plan_windows
    from dpe_toolkit.face.tracks import FaceTrack

    boxes = np.tile(np.array([40, 30, 120, 130], np.float32), (3, 1))

    def windows(num_points: int) -> tuple[int, ...]:
        points = np.tile(np.array([80, 60, 0], np.float32), (3, num_points, 1))
        here = np.ones(3, np.bool_)
        scores = np.ones(3, np.float32)
        track = FaceTrack(np.arange(3), boxes, points, scores, here, np.zeros((3, 0), np.float32))
        return tuple(plan_windows(track).size_px[0].tolist())

    assert windows(6) == windows(0)
    assert min(windows(6)) > 100
