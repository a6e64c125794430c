"""One shot walked from motion to matte by recording components."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.pipeline import Guarded, ShotComponents, ShotPipeline, prepares_shots, retarget
from dpe_toolkit.editing.protocols import Composited, Generated, GenerateRequest, ShotMaterial
from dpe_toolkit.face.codes import Appearance, MixRequest, MotionTrack
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.testing import ACCELERATOR, PretendAccelerator
from tests.analysis.fakes import SPACE, SquareMotion
from tests.editing.test_handover import codes_of, faces_of

NUM_ROWS = 6


def motion() -> MotionTrack:
    present, activities = np.ones(NUM_ROWS, np.bool_), np.zeros((NUM_ROWS, 1), np.float32)
    return MotionTrack(codes_of(NUM_ROWS), codes_of(1), present, activities, 0)


def material() -> ShotMaterial:
    amounts = torch.arange(NUM_ROWS) / NUM_ROWS
    asked = MixRequest(amounts, torch.zeros(NUM_ROWS), region_rows={"jaw": amounts})
    fetch = lambda rows: faces_of(len(rows))  # noqa: E731 - a callable of one line
    return ShotMaterial(motion(), motion(), np.arange(NUM_ROWS) / 1, codes_of(NUM_ROWS), asked, fetch, fetch)


@dataclass
class Recorder:
    """Every component at once: it halves what it is given and notes who was asked."""

    calls: list[str] = field(default_factory=list)
    requests: list[GenerateRequest] = field(default_factory=list)
    shots: list[ShotMaterial] = field(default_factory=list)
    wants_driver_pixels = False

    def begin_shot(self, given: ShotMaterial) -> Recorder:
        self.shots.append(given)
        return self

    def encode(self, faces: FaceBatch) -> Appearance:
        self.calls.append("encode")
        return Appearance(SPACE, faces)

    def generate(self, request: GenerateRequest) -> Generated:
        self.calls.append("generate")
        self.requests.append(request)
        return Generated(request.source.faces.pixels + 1, request.source.faces.landmarks_px)

    def refine(self, source: FaceBatch, edited: Generated) -> Generated:
        self.calls.append("refine")
        return Generated(edited.pixels / 2, edited.landmarks_px)

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        self.calls.append("composite")
        return Composited(edited.pixels, torch.full_like(edited.pixels[:, :1], 0.5))

    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        self.calls.append("matte")
        return torch.full_like(edited.pixels[:, :1], 0.5)


def chain(one: Recorder, **more: object) -> ShotComponents:
    plain = {"encoder": Guarded(one), "generator": Guarded(one), "compositor": Guarded(one)}
    return ShotComponents(**{**plain, **more})  # type: ignore[arg-type] # fields by name


def test_refiners_follow_the_generator_in_order_and_mattes_are_multiplied_into_the_compositors() -> None:
    one = Recorder()
    parts = chain(one, refiners=(Guarded(one),) * 2, mattes=(Guarded(one),) * 2)
    edited = ShotPipeline(parts, material(), torch.device("cpu")).edit(np.array([1, 2]), faces_of())
    assert one.calls == ["encode", "generate", "refine", "refine", "composite", "matte", "matte"]
    assert edited.generated.pixels.unique().tolist() == [0.25]
    assert edited.composited.matte.unique().tolist() == [0.125]


@pytest.mark.parametrize("rows", [[2, 3], [4, 1], [5, 5]])
def test_a_request_holds_the_codes_and_amounts_of_its_rows(rows: list[int]) -> None:
    one, shot = Recorder(), material()
    ShotPipeline(chain(one), shot, torch.device("cpu")).edit(np.array(rows), faces_of())
    (request,) = one.requests
    assert torch.equal(request.target_codes.expression, shot.target.expression[rows])
    assert request.amounts is not None
    assert torch.equal(request.amounts.expression, shot.request.expression[rows])
    assert torch.equal(request.amounts.region_rows["jaw"], shot.request.expression[rows])


def test_codes_and_amounts_go_up_when_the_shot_begins_and_the_shot_begins_once(
    dpe_accelerator: PretendAccelerator,
) -> None:
    one, shot = Recorder(), material()
    pipeline = ShotPipeline(chain(one), shot, ACCELERATOR)
    assert not one.shots
    for row in (0, 2):
        pipeline.edit(np.array([row, row + 1]), faces_of(device=ACCELERATOR))
    (given,) = one.shots
    lying = [given.source.codes.pose, given.driver.neutral.pose, given.target.expression, given.request.expression]
    assert {value.device for value in lying} == {ACCELERATOR}
    assert {request.source_codes.pose.device for request in one.requests} == {ACCELERATOR}
    assert shot.target.expression.device == torch.device("cpu")


class Steady:
    """A compositor that shows an edit by its shot's mean amount, and by nothing where no shot was begun."""

    def __init__(self, share: float = 0.0) -> None:
        self.share = share

    def begin_shot(self, given: ShotMaterial) -> Steady:
        return Steady(float(given.request.expression.mean()))

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        return Composited(edited.pixels, torch.full_like(edited.pixels[:, :1], self.share))


def test_a_compositor_may_prepare_a_shot_and_another_shot_is_prepared_anew() -> None:
    steady, shot = Steady(), material()
    parts = chain(Recorder(), compositor=Guarded(steady))
    edited = ShotPipeline(parts, shot, torch.device("cpu")).edit(np.array([0, 1]), faces_of())
    assert edited.composited.matte.unique().tolist() == [pytest.approx(float(shot.request.expression.mean()))]
    assert steady.share == 0


def test_what_is_a_generator_too_prepares_as_a_generator_alone() -> None:
    one = Recorder()
    ShotPipeline(chain(one), material(), torch.device("cpu")).edit(np.array([0, 1]), faces_of())
    assert len(one.shots) == 1
    assert not prepares_shots(one)
    assert prepares_shots(Steady())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("generator", r"begin_shot\(\) gave a NoneType, which is no ShotGenerator"),
        ("compositor", r"begin_shot\(\) gave a NoneType, which is no Compositor"),
    ],
)
def test_a_shot_that_begins_with_nothing_is_refused_under_the_guard_of_its_component(kind: str, message: str) -> None:
    class Idle(Recorder):
        def begin_shot(self, given: ShotMaterial) -> None:  # type: ignore[override] # the fault
            return None

    class IdleCompositor(Steady):
        def begin_shot(self, given: ShotMaterial) -> None:  # type: ignore[override] # the fault
            return None

    seen: list[Span | None] = []

    @contextmanager
    def guard(span: Span | None) -> Iterator[None]:
        seen.append(span)
        yield

    faulty = Guarded(Idle() if kind == "generator" else IdleCompositor(), guard)
    pipeline = ShotPipeline(chain(Recorder(), **{kind: faulty}), material(), torch.device("cpu"))
    with pytest.raises(TypeError, match=message):
        pipeline.edit(np.array([0, 1]), faces_of())
    assert seen == [None]


def test_every_call_is_guarded_with_the_frames_that_it_is_about() -> None:
    told: list[tuple[str, Span | None]] = []
    one = Recorder()

    def guarded(name: str) -> Guarded[Recorder]:
        @contextmanager
        def guard(span: Span | None) -> Iterator[None]:
            told.append((name, span))
            yield

        return Guarded(one, guard)

    single = {kind: guarded(kind) for kind in ("encoder", "generator", "compositor")}
    parts = chain(one, **single, refiners=(guarded("refine"),), mattes=(guarded("matte"),))
    ShotPipeline(parts, material(), torch.device("cpu")).edit(np.array([0, 1]), faces_of())
    frames = Span(0, 2)
    names = ("encoder", "generator", "refine", "compositor", "matte")
    assert told == [("generator", None), *((name, frames) for name in names)]


def test_retargeted_codes_are_checked() -> None:
    class Short(SquareMotion):
        def mix(self, source, driver, driver_codes, request):  # type: ignore[no-untyped-def] # as its base
            return super().mix(source, driver, driver_codes, request).take(slice(0, 2))

    own, shot = motion(), material()
    whole = retarget(Guarded(SquareMotion()), own, own, own.codes, shot.request)
    assert len(whole) == NUM_ROWS
    with pytest.raises(ValueError, match=r"mix\(\) gave 2 rows for 6 frames"):
        retarget(Guarded(Short()), own, own, own.codes, shot.request)
