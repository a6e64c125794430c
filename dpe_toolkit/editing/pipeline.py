"""One edit, from motion to matte: the only place that walks the components of a shot.

A render, an evaluation, the conformance kit and the benchmarks all edit through here::

    retarget -> begin the shot -> per span: encode -> generate [-> refine ...] -> composite [x matte ...]

Every component comes with the guard around calls into it, so that who calls decides how a fault is told.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.handover import (
    taken_appearance,
    taken_codes,
    taken_composited,
    taken_generated,
    taken_matte,
    taken_over,
)
from dpe_toolkit.editing.protocols import (
    BeginsShot,
    Composited,
    Compositor,
    Encoder,
    Generated,
    GenerateRequest,
    Generator,
    MatteMaker,
    MotionExtractor,
    Refiner,
    ShotGenerator,
    ShotMaterial,
)
from dpe_toolkit.face.codes import MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import FaceBatch

__all__ = ["EditedSpan", "Guarded", "ShotComponents", "ShotPipeline", "prepares_shots", "retarget"]

C = TypeVar("C")
Rows = npt.NDArray[np.int64]
Guard = Callable[[Span | None], AbstractContextManager[None]]


def _unguarded(span: Span | None) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Guarded(Generic[C]):
    """A component, and what stands around each call into it."""

    component: C
    guard: Guard = _unguarded
    """Given the media frames that a call is about, None where it is about a whole shot, turns what is raised into an
    error that names the plugin. By itself nothing is turned into anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotComponents:
    """What edits the windows of one shot."""

    encoder: Guarded[Encoder]
    generator: Guarded[Generator]
    compositor: Guarded[Compositor]
    refiners: tuple[Guarded[Refiner], ...] = ()
    """In the order in which they work on the generated windows."""
    mattes: tuple[Guarded[MatteMaker], ...] = ()
    """Each takes its share of the compositor's matte away."""

    @classmethod
    def of(cls, encoder: Encoder, generator: Generator, compositor: Compositor) -> ShotComponents:
        """These three, unguarded."""
        return cls(encoder=Guarded(encoder), generator=Guarded(generator), compositor=Guarded(compositor))


@dataclass(frozen=True, slots=True)
class EditedSpan:
    """N edited windows of a shot, on the device of the render."""

    generated: Generated
    """As the last refiner left them."""
    composited: Composited
    """What is written back; its matte is the product of all."""


def retarget(
    extractor: Guarded[MotionExtractor],
    source: MotionTrack,
    driver: MotionTrack,
    driver_codes: MotionCode,
    request: MixRequest,
) -> MotionCode:
    """The codes of the edited face, T rows; all that goes in and comes out lies on the CPU.

    Args:
        extractor: whose space the codes are of.
        source: T rows.
        driver: the driver's whole track.
        driver_codes: the driver's codes at each of the T source rows.
        request: T rows of amounts.

    Raises:
        ValueError: the extractor broke its contract, unless its guard makes something else of that.
    """
    with extractor.guard(None), torch.no_grad():
        return taken_codes("mix()", extractor.component.mix(source, driver, driver_codes, request), len(source))


def prepares_shots(component: object) -> bool:
    """True for an encoder, compositor, refiner or matte maker that prepares each shot.

    One that is a generator as well has the generator's ``begin_shot`` and prepares nothing else.
    """
    return isinstance(component, BeginsShot) and not isinstance(component, Generator)


class ShotPipeline:
    """Edits the windows of one shot, span by span, in any order.

    The shot begins at its first span: codes and amounts are brought to the device, and every component that prepares
    shots prepares this one. A shot without a face costs nothing.

    Args:
        components: what edits.
        material: the shot; its codes and amounts lie on the CPU.
        device: the device of the render.
    """

    def __init__(self, components: ShotComponents, material: ShotMaterial, device: torch.device) -> None:
        self._components = components
        self._material = material
        self._device = device
        self._begun: _BegunShot | None = None

    @property
    def wants_driver_pixels(self) -> bool:
        """True where `edit` must be given the driver's windows."""
        return self._components.generator.component.wants_driver_pixels

    def edit(self, rows: Rows, faces: FaceBatch, driver_faces: FaceBatch | None = None) -> EditedSpan:
        """The edited windows of these rows.

        Args:
            rows: (N,) rows of the shot.
            faces: N windows of the source, on the device of the render.
            driver_faces: N windows of the driver, nearest in time, where the generator wants them.

        Raises:
            ValueError: a component broke its contract, unless its guard makes something else of that.
        """
        if self._begun is None:
            self._begun = _BegunShot.of(self._components, taken_over(self._material, self._device))
        return self._begun.edit(rows, faces, driver_faces)


@dataclass(frozen=True, slots=True)
class _BegunShot:
    """A shot whose components are ready, its codes and amounts on their device."""

    parts: ShotComponents
    shot: ShotGenerator
    material: ShotMaterial

    @classmethod
    def of(cls, given: ShotComponents, material: ShotMaterial) -> _BegunShot:
        parts = ShotComponents(
            encoder=_begun(given.encoder, Encoder, material),  # type: ignore[type-abstract] # only asked isinstance
            generator=given.generator,
            compositor=_begun(given.compositor, Compositor, material),  # type: ignore[type-abstract] # as above
            refiners=tuple(_begun(one, Refiner, material) for one in given.refiners),  # type: ignore[type-abstract] # as above
            mattes=tuple(_begun(one, MatteMaker, material) for one in given.mattes),  # type: ignore[type-abstract] # as above
        )
        with given.generator.guard(None):
            shot = given.generator.component.begin_shot(material)
            if not isinstance(shot, ShotGenerator):
                raise TypeError(f"begin_shot() gave a {type(shot).__name__}, which is no ShotGenerator")
        return cls(parts, shot, material)

    def edit(self, rows: Rows, faces: FaceBatch, driver_faces: FaceBatch | None) -> EditedSpan:
        parts, span = self.parts, Span(int(faces.index.min()), int(faces.index.max()) + 1)
        generated = self._generated(rows, faces, driver_faces, span)
        for refiner in parts.refiners:
            with refiner.guard(span):
                generated = taken_generated("refine()", refiner.component.refine(faces, generated), faces)
        with parts.compositor.guard(span):
            shown = taken_composited(parts.compositor.component.composite(faces, generated), faces)
        for maker in parts.mattes:
            with maker.guard(span):
                share = taken_matte(maker.component.matte(faces, generated), faces)
            shown = replace(shown, matte=shown.matte * share)
        return EditedSpan(generated, shown)

    def _generated(self, rows: Rows, faces: FaceBatch, driver_faces: FaceBatch | None, span: Span) -> Generated:
        encoder, held = self.parts.encoder, self.material
        with encoder.guard(span):
            looks = taken_appearance(encoder.component.encode(faces), faces)
        picked = _plain(rows)
        request = GenerateRequest(
            rows,
            looks,
            held.source.codes.take(picked),
            held.target.take(picked),
            driver_faces,
            held.request.take(picked),
        )
        with self.parts.generator.guard(span):
            return taken_generated("generate()", self.shot.generate(request), faces)


def _begun(stage: Guarded[C], protocol: type[C], material: ShotMaterial) -> Guarded[C]:
    """The component made ready for a shot, where it prepares shots."""
    component = stage.component
    if not prepares_shots(component):
        return stage
    with stage.guard(None):
        ready = cast("BeginsShot", component).begin_shot(material)
        if not isinstance(ready, protocol):
            raise TypeError(f"begin_shot() gave a {type(ready).__name__}, which is no {protocol.__name__}")
    return Guarded(ready, stage.guard)


def _plain(rows: Rows) -> Rows | slice:
    """Rows that follow each other as a slice: to take it, nothing has to go to a device."""
    first = int(rows[0]) if len(rows) else 0
    return slice(first, first + len(rows)) if np.array_equal(rows, np.arange(first, first + len(rows))) else rows
