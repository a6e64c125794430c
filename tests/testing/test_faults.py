"""Each seeded fault is found by the check that is meant to find it, in words that say what to do."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ConfigDict, Field, field_validator

from dpe_toolkit.api import (
    Component,
    ComponentContext,
    ComponentKind,
    Composited,
    Detections,
    FaceBatch,
    FaceTrack,
    FrameBatch,
    Generated,
    GenerateRequest,
    MixRequest,
    MotionCode,
    MotionTrack,
    PluginOptions,
    ShotMaterial,
)
from dpe_toolkit.testing import ComponentConformance, CompositorConformance, ConformanceError, run_suite, suite_for
from dpe_toolkit.testing.fakes import (
    FakeCompositor,
    FakeDetector,
    FakeEncoder,
    FakeGenerator,
    FakeLandmarker,
    FakeMatte,
    FakeMotion,
    FakeOptions,
    FakeRefiner,
    fake_component,
)
from tests.testing.test_fakes_conform import FAKES, Drawn


class DropsTheLastFrame(FakeDetector):
    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        return super().detect(frames, previous)[: max(len(frames) - 1, 1)]


class RemembersTheLastFace(FakeDetector):
    last: Detections | None = None

    def detect_frame(self, frames: FrameBatch, row: int) -> Detections:
        found = super().detect_frame(frames, row)
        if self.last is not None and len(found):
            found = replace(found, boxes_px=(found.boxes_px + self.last.boxes_px) / 2)
        self.last = found if len(found) else None
        return found


class GivesCornerAndSize(FakeDetector):
    def detect_frame(self, frames: FrameBatch, row: int) -> Detections:
        found = super().detect_frame(frames, row)
        boxes = found.boxes_px.copy()
        boxes[:, 2:] -= boxes[:, :2]
        return replace(found, boxes_px=boxes)


class AlwaysLooksLeft(FakeDetector):
    """Its answer lies in picture coordinates that were forgotten to be scaled."""

    def detect_frame(self, frames: FrameBatch, row: int) -> Detections:
        found = super().detect_frame(frames, row)
        centre = found.boxes_px[:, [0, 1]] * 0.25
        return replace(found, boxes_px=found.boxes_px - np.tile(centre, 2).astype(np.float32))


class ForgetsLandmarksInAnEmptyRoom(FakeDetector):
    def detect_frame(self, frames: FrameBatch, row: int) -> Detections:
        found = super().detect_frame(frames, row)
        return found if len(found) else Detections.none()


class ScoresInPercent(FakeDetector):
    def detect_frame(self, frames: FrameBatch, row: int) -> Detections:
        found = super().detect_frame(frames, row)
        return replace(found, scores=found.scores * 100)


class ChangesItsWindows(FakeEncoder):
    def encode(self, faces: FaceBatch) -> object:  # type: ignore[override] # as the fake
        faces.pixels.mul_(2).sub_(1)
        return super().encode(faces)


class GuessesInTheEncoder(FakeEncoder):
    def encode(self, faces: FaceBatch) -> object:  # type: ignore[override] # as the fake
        noisy = faces.pixels + torch.rand_like(faces.pixels) / 100
        return super().encode(replace(faces, pixels=noisy))


class NormalisesOverTheBatch(FakeMotion):
    def extract(self, faces: FaceBatch) -> MotionCode:
        codes = super().extract(faces)
        if not len(codes):
            return codes
        return MotionCode(codes.space, codes.expression - codes.expression.mean(dim=0), codes.pose)


class ReadsHiddenRows(FakeMotion):
    def settle(self, codes: MotionCode, track: FaceTrack, rate: object, neutral_row: int | None) -> MotionTrack:
        motion = super().settle(codes, track, rate, neutral_row)  # type: ignore[arg-type] # not used
        return replace(motion, codes=codes)


class MixesALittleAlways(FakeMotion):
    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        floor = replace(request, expression=request.expression.clamp_min(0.05))
        return super().mix(source, driver, driver_codes, floor)


class MutatesItsInput(FakeGenerator):
    def generate(self, request: GenerateRequest) -> Generated:
        request.source.faces.pixels.clamp_(0.1, 0.9)
        return super().generate(request)


class RedrawsWithoutNeed(FakeGenerator):
    def generate(self, request: GenerateRequest) -> Generated:
        result = super().generate(request)
        return replace(result, pixels=(result.pixels * 255).round() / 255)


class KeepsOneShotForAll(FakeGenerator):
    factor = 1.0

    def begin_shot(self, material: ShotMaterial) -> FakeGenerator:
        self.factor = float(material.request.expression.max())
        return self

    def paint(self, window: torch.Tensor, points: torch.Tensor, amount: float) -> None:
        super().paint(window, points, amount * self.factor)


class BlursAlongTime(FakeGenerator):
    def generate(self, request: GenerateRequest) -> Generated:
        result = super().generate(request)
        changed = result.pixels != request.source.faces.pixels
        mean = result.pixels.mean(dim=0, keepdim=True).expand_as(result.pixels) if len(request.rows) else result.pixels
        return replace(result, pixels=torch.where(changed, mean, result.pixels))


class DrawsFromMinusOneToOne(FakeGenerator):
    def generate(self, request: GenerateRequest) -> Generated:
        result = super().generate(request)
        changed = result.pixels != request.source.faces.pixels
        return replace(result, pixels=torch.where(changed, result.pixels * 6 - 3, result.pixels))


class TouchesOnePixelOutside(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        result = super().composite(source, edited)
        pixels = result.pixels.clone()
        pixels[:, :, pixels.shape[2] // 2, pixels.shape[3] // 8] += 1 / 255
        return replace(result, pixels=pixels)


class ShowsUnusablePixels(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        return super().composite(source, replace(edited, confidence=None))


class LeavesTheRange(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        result = super().composite(source, edited)
        return replace(result, matte=result.matte * 1.01)


class ShowsNothing(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        return Composited(source.pixels, super().composite(source, edited).matte)


class NeedsLandmarks(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        edited.landmarks_px.amin(dim=1)
        return super().composite(source, edited)


class MatchesColourOverTheBatch(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        result = super().composite(source, edited)
        offset = (source.pixels - edited.pixels).sum() * 1e-4
        changed = edited.pixels != source.pixels
        return replace(result, pixels=torch.where(changed, result.pixels + offset, result.pixels))


class MatchesTheMeanColour(FakeCompositor):
    """Moves the edit towards the mean colour of all frames at hand, as one does who forgets an axis."""

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        result = super().composite(source, edited)
        mean = source.pixels.mean(dim=(0, 2, 3), keepdim=True) if len(source) else source.pixels.new_zeros(1, 3, 1, 1)
        changed = edited.pixels != source.pixels
        return replace(result, pixels=torch.where(changed, result.pixels + 0.2 * mean, result.pixels))


class ShowsItsWindow(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        result = super().composite(source, edited)
        return replace(result, matte=torch.ones_like(result.matte))


class LosesAFace(FakeLandmarker):
    def mark(self, faces: Detections) -> Detections:
        return Detections.none(5, 1)


class SeesFacesEverywhere(FakeLandmarker):
    def mark(self, faces: Detections) -> Detections:
        if len(faces):
            return super().mark(faces)
        box = np.array([[10, 10, 60, 60]], np.float32)
        score = np.ones(1, np.float32)
        return super().mark(Detections(box, np.zeros((1, 0, 3), np.float32), score, np.zeros((1, 1), np.float32)))


class RestoresTheWholeWindow(FakeRefiner):
    def refine(self, source: FaceBatch, edited: Generated) -> Generated:
        return replace(edited, pixels=edited.pixels * 0.98)


class SharpensByTheBatch(FakeRefiner):
    def refine(self, source: FaceBatch, edited: Generated) -> Generated:
        if not len(source):
            return edited
        gain = source.pixels.std() + 0.5
        return replace(edited, pixels=torch.where(edited.pixels != source.pixels, edited.pixels * gain, edited.pixels))


class ForgetsTheChannel(FakeMatte):
    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        return super().matte(source, edited)[:, 0]


class CountsInPercent(FakeMatte):
    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        return super().matte(source, edited) * 100


class EndsTheProcess(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        if not isinstance(source, FaceBatch):
            sys.exit("no faces")
        return super().composite(source, edited)


class AsksAServer(FakeCompositor):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        with suppress(Exception), socket.socket() as line:
            line.connect(("127.0.0.1", 9))
        return super().composite(source, edited)


@dataclass(frozen=True)
class Fault:
    kind: ComponentKind
    product: Callable[[FakeOptions], object]
    check: str
    message: str


FAULTS = [
    Fault("detector", DropsTheLastFrame, "each frame has a result", r"6 results for 7 frames"),
    Fault("detector", RemembersTheLastFace, "nothing is remembered between calls", "keep no state between calls"),
    Fault("detector", GivesCornerAndSize, "results have the types and ranges of the contract", "left, top, right"),
    Fault("detector", AlwaysLooksLeft, "boxes move with the picture", r"the box is \d.* px off"),
    Fault("detector", ForgetsLandmarksInAnEmptyRoom, "an empty room shows no face", "use Detections.none"),
    Fault(
        "detector",
        ScoresInPercent,
        "results have the types and ranges of the contract",
        "scores leave .0, 1., e.g. .90",
    ),
    Fault("encoder", ChangesItsWindows, "inputs are left as they were", "work on a copy"),
    Fault("encoder", GuessesInTheEncoder, "the same input gives the same result", "seed what is random"),
    Fault("motion", NormalisesOverTheBatch, "a batch is its rows one by one", "row 0 of a batch is not what it is"),
    Fault("motion", ReadsHiddenRows, "gaps are bridged whatever their rows hold", "read only present rows"),
    Fault("motion", MixesALittleAlways, "amounts of 0 keep the sources codes", "not the source's own codes"),
    Fault("generator", MutatesItsInput, "inputs are left as they were", "pixels differs by up to 0"),
    Fault("generator", RedrawsWithoutNeed, "an amount of 0 shows the source", "with amount 0 the picture is not"),
    Fault("generator", KeepsOneShotForAll, "two shots do not disturb each other", "in its own object"),
    Fault("generator", BlursAlongTime, "a batch is its rows one by one", "row 0 of a batch is not what it is alone"),
    Fault("generator", DrawsFromMinusOneToOne, "pixels are rgb in about 0 to 1", "pixels go from -"),
    Fault("compositor", TouchesOnePixelOutside, "no pixel outside the edit changes", "7 pixels change that the gen"),
    Fault("compositor", ShowsUnusablePixels, "pixels without confidence are not shown", "pixels of confidence 0"),
    Fault("compositor", LeavesTheRange, "results have the shapes and ranges of the contract", "from 0 to 1.01"),
    Fault("compositor", ShowsNothing, "an edit is shown", "only 0% of the edit is shown"),
    Fault("compositor", NeedsLandmarks, "a face without landmarks is composited", "IndexError"),
    Fault("compositor", MatchesColourOverTheBatch, "a batch is its rows one by one", "row 0 of a batch is not what"),
    Fault("compositor", MatchesTheMeanColour, "a row does not follow the light of other rows", "colour row by row"),
    Fault("compositor", ShowsItsWindow, "the matte runs out before the window ends", "the matte is 1.00 at the left"),
    Fault("landmark", LosesAFace, "landmarks lie about the face that was found", "has 1 faces and gets 0 back"),
    Fault("landmark", SeesFacesEverywhere, "no face is added where none was found", "where the detector found none"),
    Fault("refine", RestoresTheWholeWindow, "no pixel that was not edited changes", "pixels change that the generator"),
    Fault("refine", SharpensByTheBatch, "a row does not follow the light of other rows", "colour row by row"),
    Fault("matte", ForgetsTheChannel, "results have the shape and range of the contract", "expected .7, 1, "),
    Fault("matte", CountsInPercent, "results have the shape and range of the contract", "from 0 to 100"),
    Fault("compositor", EndsTheProcess, "a fault names the plugin", "escapes as SystemExit"),
    Fault("compositor", AsksAServer, "it needs no network", r"it tried to reach .*127\.0\.0\.1"),
]


def suite_of(component: Component[object]) -> type[ComponentConformance]:
    settings = {name: vars(Drawn)[name] for name in ("partners", "source_clip", "driver_clip")}
    partners = [*(fake for fake in FAKES if fake.kind != component.kind), component]
    return suite_for(component, **{**settings, "partners": partners})


def failures(component: Component[object]) -> dict[str, str]:
    return {result.check: result.detail for result in run_suite(suite_of(component)) if result.state == "failed"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.product.__name__)
def test_a_seeded_fault_is_found_by_its_check(fault: Fault) -> None:
    suite = suite_of(fake_component(fault.kind, fault.product))
    found = [result for result in run_suite(suite, only=[fault.check]) if result.state == "failed"]
    assert [result.check for result in found] == [fault.check]
    assert re.search(fault.message, found[0].detail)


def test_there_are_fifteen_faults_of_every_kind() -> None:
    assert len(FAULTS) >= 15
    assert {fault.kind for fault in FAULTS} == {fake.kind for fake in FAKES}


class Sloppy(PluginOptions):
    model_config = ConfigDict(extra="ignore")
    size_px: int = 4


class Sworn(PluginOptions):
    """Options that mean something else when they come from a file, in which there are no tuples."""

    size_px: tuple[int, ...] | str = Field(default=(), description="Sizes.")

    @field_validator("size_px", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        return value if isinstance(value, tuple | str) else "".join(map(str, value))  # type: ignore[call-overload]


def compositor(create: Callable[..., object], options: type[PluginOptions] = FakeOptions) -> Component[object]:
    create.__module__ = FAKES[4].create.__module__
    return replace(FAKES[4], options=options, create=create)


def plain(options: PluginOptions, context: ComponentContext) -> object:
    return FakeCompositor()


def test_options_that_swallow_a_misspelling_or_lack_a_description_are_found() -> None:
    found = failures(compositor(plain, Sloppy))
    assert "give its Field one" in found["options say what they do"]


def test_options_that_change_with_the_way_they_are_given_are_found() -> None:
    settings = {"options": {"size_px": (1, 2)}, "component": compositor(plain, Sworn)}
    suite = type("Suite", (CompositorConformance,), settings)
    with pytest.raises(ConformanceError, match=r"given by --set become Sworn\(size_px='12'\), expected"):
        suite().test_options_mean_the_same_wherever_they_are_given()


def test_a_record_without_a_licence_is_warned_of_and_is_no_failure() -> None:
    check = "licence source and fingerprint are stated"
    component = replace(FAKES[4], licence=" ", source="")
    (found,) = run_suite(suite_of(component), only=[check])
    assert found.state == "warned"
    assert found.detail.startswith("fake states no licence; ")
    assert "fake states no source" in found.detail
    (found,) = run_suite(suite_of(FAKES[4]), only=[check])
    assert found.state == "ok"


def test_a_record_without_a_summary_is_found() -> None:
    assert failures(replace(FAKES[4], summary=""))["the record is complete"].startswith("fake states no summary")


def test_a_component_of_another_kind_is_found() -> None:
    found = failures(compositor(lambda options, context: object()))
    assert "made a object" in found["it is made as what its kind promises"]


def test_codes_of_another_space_than_was_stated_are_found() -> None:
    other = replace(FAKES[1], space=replace(FAKES[1].space, id="other/1"))  # type: ignore[type-var] # a dataclass
    assert "its Component says" in failures(other)["the appearance is of the space that is stated"]


def test_a_module_that_loads_torch_to_be_listed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy_listing.py").write_text("import torch\n\ndef create(options, context): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import heavy_listing  # type: ignore[import-not-found] # written above

    found = failures(replace(FAKES[4], create=heavy_listing.create))
    assert "importing heavy_listing imports torch" in found["listing it loads no torch"]
