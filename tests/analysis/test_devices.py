from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.analysis import ComponentPool, Halving
from dpe_toolkit.analysis.detect import guarded_detection
from dpe_toolkit.analysis.devices import is_lacking, is_out_of_memory
from dpe_toolkit.analysis.fallback import Fallen, falling_back
from dpe_toolkit.core.errors import DeviceMemoryError, PluginError
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.editing.handover import moved, taken_over
from dpe_toolkit.editing.pipeline import Guarded, retarget
from dpe_toolkit.editing.protocols import (
    BeginsShot,
    Composited,
    Compositor,
    Encoder,
    Generated,
    MotionExtractor,
    ShotMaterial,
)
from dpe_toolkit.editing.stages import ENCODER
from dpe_toolkit.face.codes import MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.testing import ACCELERATOR, PretendAccelerator, batch_from_rgb
from dpe_toolkit.testing.fakes import FakeCompositor, FakeEncoder
from tests.analysis.fakes import SPACE, SquareMotion
from tests.editing.test_handover import drawn, faces_of
from tests.editing.test_pipeline import material

CPU = torch.device("cpu")
CHOICE = ComponentChoice(kind="encoder", name="fake", plugin="fakes", version="1")


@given(
    length=st.integers(1, 40),
    start=st.integers(0, 5),
    room=st.integers(1, 40),
    spans=st.integers(1, 3),
)
def test_halves_cover_every_frame_once_and_in_order(length: int, start: int, room: int, spans: int) -> None:
    tried: list[Span] = []

    def work(span: Span) -> list[int]:
        tried.append(span)
        if len(span) > room:
            raise torch.OutOfMemoryError("full")
        return list(span)

    halving = Halving(CPU)
    for number in range(spans):
        whole = Span(start + number * length, start + (number + 1) * length)
        assert list(chain.from_iterable(halving.pull(whole, work))) == list(whole)
    # What was too long once is not tried again.
    refused = [len(span) for span in tried if len(span) > room]
    assert len(refused) == len(set(refused))


def test_one_frame_that_does_not_fit_ends_the_work_and_any_other_fault_does_at_once() -> None:
    def full(span: Span) -> int:
        raise RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)")

    def wrong(span: Span) -> int:
        raise ValueError("no")

    with pytest.raises(DeviceMemoryError, match=r"a frame needs more memory .*MPS backend.* --device cpu"):
        list(Halving(CPU).pull(Span(0, 4), full))
    with pytest.raises(ValueError, match="no"):
        list(Halving(CPU).pull(Span(0, 4), wrong))


@pytest.mark.parametrize(
    ("error", "lacks", "full"),
    [
        (NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device."), True, False),
        (
            TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."),
            True,
            False,
        ),
        (TypeError("an int is wanted"), False, False),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), False, True),
        (
            TypeError("Trying to convert Double to the MPS backend but it does not have support for that dtype."),
            True,
            False,
        ),
        (
            RuntimeError("Adaptive pool MPS: input sizes must be divisible; not implemented on MPS device yet"),
            True,
            False,
        ),
        (RuntimeError("MPS backend out of memory"), False, True),
        (RuntimeError("Invalid buffer size: 9.75 GB"), False, True),
        (RuntimeError("CUDA error: out of memory"), False, True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), False, True),
        (RuntimeError("a shape does not fit"), False, False),
    ],
)
def test_what_pytorch_says_of_a_device_is_understood(error: Exception, lacks: bool, full: bool) -> None:
    assert (is_lacking(error), is_out_of_memory(error)) == (lacks, full)


class Pair(NamedTuple):
    first: torch.Tensor
    second: int


@dataclass(frozen=True, slots=True)
class Held:
    pair: Pair
    named: dict[str, list[torch.Tensor]]
    text: str


def test_everything_that_is_held_moves_and_the_rest_is_the_same_object(dpe_accelerator: PretendAccelerator) -> None:
    held = Held(Pair(torch.ones(2), 3), {"rows": [torch.zeros(1)]}, "kept")
    there = moved(held, ACCELERATOR)
    assert isinstance(there, Held)
    assert isinstance(there.pair, Pair)
    assert (there.pair.first.device, there.named["rows"][0].device) == (ACCELERATOR, ACCELERATOR)
    assert (there.pair.second, there.text) == (3, "kept")
    assert held.pair.first.device == CPU
    assert moved("text", ACCELERATOR) == "text"
    bare = Pair(torch.ones(2), 3)
    assert moved(bare, CPU) is bare


def test_what_cannot_be_made_on_a_device_is_made_for_the_cpu(
    dpe_accelerator: PretendAccelerator, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[torch.device] = []

    class Registry:
        def create(self, choice: ComponentChoice, context: ComponentContext) -> object:
            made.append(context.device)
            if context.device.type != "cpu":
                cause = TypeError("no float64 here")
                raise PluginError("encoder 'fake' could not be made") from cause
            return FakeEncoder()

    pool = ComponentPool(Registry(), ACCELERATOR)
    pool.get(ENCODER, CHOICE, "clip")
    pool.apart().get(ENCODER, CHOICE, "clip")
    assert [device.type for device in made] == [ACCELERATOR.type, "cpu"] * 2
    assert caplog.text.count("encoder 'fake' goes on on the CPU, since ipu:0 cannot run it: no float64 here") == 1


def test_a_fault_that_a_cpu_has_too_is_told_as_the_components_own(
    dpe_accelerator: PretendAccelerator, caplog: pytest.LogCaptureFixture
) -> None:
    class Unfinished(FakeEncoder):
        def encode(self, faces: object) -> object:  # type: ignore[override] # whatever it is given
            raise NotImplementedError("one day")

    encoder = falling_back(Encoder, CHOICE, ACCELERATOR, lambda device: Unfinished(), Fallen())  # type: ignore[type-abstract]
    with pytest.raises(NotImplementedError, match="one day"):
        encoder.encode(())  # type: ignore[arg-type] # it does not come to that
    assert not caplog.text


def test_a_detector_is_given_fewer_frames_where_memory_ends() -> None:
    asked: list[tuple[int, bool]] = []

    class Hungry:
        def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
            asked.append((len(frames), previous is not None))
            if len(frames) > 3:
                raise torch.OutOfMemoryError("full")
            return [Detections.none() for _ in range(len(frames))]

    choice = ComponentChoice(kind="detector", name="hungry", plugin="fakes", version="1")
    detect = guarded_detection(Hungry(), choice, "clip", CPU)
    frames = batch_from_rgb(np.zeros((8, 4, 4, 3), np.uint8))
    assert len(detect(frames, None)) == 8
    assert asked == [(8, False), (4, False), (2, False), (2, True), (2, True), (2, True)]


def test_on_a_cpu_components_are_handed_out_as_they_are() -> None:
    plain = FakeEncoder()
    make: Callable[[torch.device], Encoder] = lambda device: plain  # noqa: E731 - a callable of one line
    assert falling_back(Encoder, CHOICE, CPU, make, Fallen()) is plain  # type: ignore[type-abstract]


def test_a_component_for_one_shot_begins_again_on_the_cpu(
    dpe_accelerator: PretendAccelerator, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[torch.device] = []

    class Shot(FakeCompositor):
        def begin_shot(self, material: ShotMaterial) -> Shot:
            begun.append(material.request.expression.device)
            return Shot()

        def composite(self, source: FaceBatch, edited: Generated) -> Composited:
            if source.pixels.device != CPU:
                raise NotImplementedError("not on this device")
            return super().composite(source, edited)

    choice = CHOICE.model_copy(update={"kind": "compositor"})
    made = falling_back(Compositor, choice, ACCELERATOR, lambda device: Shot(), Fallen())  # type: ignore[type-abstract]
    assert isinstance(made, BeginsShot)
    ready = made.begin_shot(taken_over(material(), ACCELERATOR))
    assert isinstance(ready, Compositor)
    faces = faces_of(device=ACCELERATOR)
    for _ in range(2):
        assert ready.composite(faces, drawn(faces)).matte.device == ACCELERATOR
    assert begun == [ACCELERATOR, CPU]
    assert caplog.text.count("compositor 'fake' goes on on the CPU") == 1


def test_a_component_that_prepares_no_shot_says_so_on_an_accelerator(dpe_accelerator: PretendAccelerator) -> None:
    made = falling_back(Compositor, CHOICE, ACCELERATOR, lambda device: FakeCompositor(), Fallen())  # type: ignore[type-abstract]
    assert not isinstance(made, BeginsShot)


def test_an_extractor_written_for_codes_on_its_device_gets_them_there_and_it_is_said_once(
    dpe_accelerator: PretendAccelerator, caplog: pytest.LogCaptureFixture
) -> None:
    class Old(SquareMotion):
        def mix(
            self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
        ) -> MotionCode:
            factor = torch.ones(1, 1, device=ACCELERATOR)
            return MotionCode(SPACE, source.codes.expression * factor, source.codes.pose)

    choice = CHOICE.model_copy(update={"kind": "motion"})
    made = falling_back(MotionExtractor, choice, ACCELERATOR, lambda device: Old(), Fallen())  # type: ignore[type-abstract]
    shot = material()
    for _ in range(2):
        codes = retarget(Guarded(made), shot.source, shot.driver, shot.target, shot.request)
        assert codes.expression.device == CPU
        assert torch.equal(codes.expression, shot.source.codes.expression)
    assert caplog.text.count("motion 'fake' is given its codes on ipu:0, since it cannot take them on the CPU") == 1
