"""Components that go on on the CPU where their device lacks something."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis.devices import empty_cache, is_lacking, is_out_of_memory, moved
from dpe_toolkit.core.errors import PluginError, first_line
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.measures import IdentityEmbedder
from dpe_toolkit.editing.protocols import (
    Composited,
    Compositor,
    Detector,
    Encoder,
    Generated,
    GenerateRequest,
    Generator,
    MotionExtractor,
    ShotGenerator,
    ShotMaterial,
)
from dpe_toolkit.face.codes import Appearance, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack
from dpe_toolkit.plans.edit import ComponentChoice

__all__ = ["Fallen", "MovableFetch", "falling_back"]

Fetch = Callable[[npt.NDArray[np.int64]], FaceBatch]

_log = logging.getLogger(__name__)
_CPU = torch.device("cpu")
C = TypeVar("C")
R = TypeVar("R")


@runtime_checkable
class MovableFetch(Protocol):
    """A fetch of native windows that can be told where they are wanted."""

    def __call__(self, rows: npt.NDArray[np.int64]) -> FaceBatch:
        """The windows of these rows."""
        ...

    def on(self, device: torch.device) -> Fetch:
        """The same fetch, whose windows lie on a device."""
        ...


@dataclass(slots=True)
class Fallen:
    """The components of one render that go on on the CPU."""

    names: set[tuple[str, str]] = field(default_factory=set)
    """Kind and name."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, choice: ComponentChoice, device: torch.device, error: BaseException) -> None:
        """Says it, once."""
        with self._lock:
            if (choice.kind, choice.name) in self.names:
                return
            self.names.add((choice.kind, choice.name))
        words = first_line(error)
        _log.warning("%s %r goes on on the CPU, since %s cannot run it: %s", choice.kind, choice.name, device, words)


def falling_back(
    protocol: type[C],
    choice: ComponentChoice,
    device: torch.device,
    make: Callable[[torch.device], C],
    fallen: Fallen,
) -> C:
    """A component that goes on on the CPU from where the device lacks what it needs; a plain one where that is the CPU.

    Its results lie on the device all the same. Of what one frame is too much for, the CPU takes over as well.

    Args:
        protocol: what it must be.
        choice: what the plan calls it.
        device: where it runs.
        make: makes it for a device.
        fallen: where it is said.
    """
    if device.type == "cpu":
        return make(device)
    shape = _SHAPES[protocol]
    try:
        return cast("C", shape(make(device), choice, device, make, fallen))
    except PluginError as error:
        cause = error.__cause__
        if cause is None or not (is_lacking(cause) or is_out_of_memory(cause)):
            raise
    made = make(_CPU)
    fallen.note(choice, device, cause)
    return cast("C", shape(made, choice, device, make, fallen, fell=True))


class _Falling(Generic[C]):
    """A component that may have fallen back."""

    def __init__(
        self,
        wrapped: C,
        choice: ComponentChoice,
        device: torch.device,
        make: Callable[[torch.device], C],
        fallen: Fallen,
        *,
        fell: bool = False,
    ) -> None:
        self.wrapped = wrapped
        """The component in use, which says what it wants to see: `dpe_toolkit.analysis.window_shape` asks it."""
        self.device = device
        self._choice = choice
        self._make = make
        self._fallen = fallen
        self.fell = fell
        """It is the CPU's."""

    def run(self, call: Callable[[C], R], retry: Callable[[C], R], *, rows: int = 1) -> R:
        """What ``call`` gives for the component on the device, else ``retry`` for the one on the CPU.

        Args:
            call: the call.
            retry: the same with everything moved to the CPU; where it gives its result does not matter.
            rows: frames that the call is about.
        """
        return cast("R", moved(self.choose(call, retry, rows=rows), self.device))

    def choose(self, call: Callable[[C], R], retry: Callable[[C], R], *, rows: int = 1) -> R:
        """As `run`, with the result left where it is."""
        if self.fell:
            return retry(self.wrapped)
        try:
            return call(self.wrapped)
        except Exception as error:
            if not is_lacking(error) and (rows > 1 or not is_out_of_memory(error)):
                raise
            cause = error.with_traceback(None)
        made = self._make(_CPU)
        result = retry(made)
        # Not before it worked there: what fails on a CPU too is the component's own fault.
        # What it had on the device goes; what it wants to see it says as well on the CPU.
        self.wrapped, self.fell = made, True
        empty_cache(self.device)
        self._fallen.note(self._choice, self.device, cause)
        return result


class _Detector(_Falling[Detector]):
    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        def call(made: Detector) -> list[Detections]:
            return made.detect(frames, previous)

        return self.run(call, call, rows=len(frames))


class _Encoder(_Falling[Encoder]):
    def encode(self, faces: FaceBatch) -> Appearance:
        return self.run(lambda made: made.encode(faces), lambda made: made.encode(moved(faces, _CPU)), rows=len(faces))


class _Motion(_Falling[MotionExtractor]):
    @property
    def needs_pixels(self) -> bool:
        return self.wrapped.needs_pixels

    def extract(self, faces: FaceBatch) -> MotionCode:
        return self.run(
            lambda made: made.extract(faces), lambda made: made.extract(moved(faces, _CPU)), rows=len(faces)
        )

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        return self.run(
            lambda made: made.settle(codes, track, rate, neutral_row),
            lambda made: made.settle(codes.to(_CPU), track, rate, neutral_row),
        )

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        return self.run(
            lambda made: made.mix(source, driver, driver_codes, request),
            lambda made: made.mix(source.to(_CPU), driver.to(_CPU), driver_codes.to(_CPU), request.to(_CPU)),
        )


class _Generator(_Falling[Generator]):
    @property
    def wants_driver_pixels(self) -> bool:
        return self.wrapped.wants_driver_pixels

    def begin_shot(self, material: ShotMaterial) -> ShotGenerator:
        shot = self.choose(lambda made: made.begin_shot(material), lambda made: made.begin_shot(_material(material)))
        return _Shot(self, shot, material) if isinstance(shot, ShotGenerator) else shot


class _Shot:
    """A generator made ready for one shot; it begins again on the CPU where it must."""

    def __init__(self, generator: _Generator, shot: ShotGenerator, material: ShotMaterial) -> None:
        self._generator = generator
        self._material = material
        self._shot = shot
        self._on_cpu = generator.fell

    def generate(self, request: GenerateRequest) -> Generated:
        def retry(made: Generator) -> Generated:
            if not self._on_cpu:
                self._shot, self._on_cpu = made.begin_shot(_material(self._material)), True
            return self._shot.generate(moved(request, _CPU))

        return self._generator.run(lambda _: self._shot.generate(request), retry, rows=len(request.rows))


def _material(material: ShotMaterial) -> ShotMaterial:
    """The material on the CPU, and what it fetches too."""
    return dataclasses.replace(
        cast("ShotMaterial", moved(material, _CPU)),
        fetch_source=_fetching_to_cpu(material.fetch_source),
        fetch_driver=_fetching_to_cpu(material.fetch_driver),
    )


def _fetching_to_cpu(fetch: Fetch) -> Fetch:
    # A render's own windows are cut on the CPU in the first place, so that the device needs no room for them.
    if isinstance(fetch, MovableFetch):
        return fetch.on(_CPU)
    return lambda rows: cast("FaceBatch", moved(fetch(rows), _CPU))


class _Compositor(_Falling[Compositor]):
    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        return self.run(
            lambda made: made.composite(source, edited),
            lambda made: made.composite(moved(source, _CPU), moved(edited, _CPU)),
            rows=len(source),
        )


class _Embedder(_Falling[IdentityEmbedder]):
    def embed(self, pictures: torch.Tensor, near_px: torch.Tensor | None = None) -> torch.Tensor:
        return self.run(
            lambda made: made.embed(pictures, near_px),
            lambda made: made.embed(pictures.cpu(), None if near_px is None else near_px.cpu()),
            rows=len(pictures),
        )


_SHAPES: dict[type[Any], type[_Falling[Any]]] = {
    Detector: _Detector,
    Encoder: _Encoder,
    MotionExtractor: _Motion,
    Generator: _Generator,
    Compositor: _Compositor,
    IdentityEmbedder: _Embedder,
}
