"""What components do, kind by kind, and what passes between them.

The journey of one shot::

    detector.detect [-> landmarker.landmarks] -> (tracking by the core)                 analysis
               -> motion.extract -> motion.settle
    motion.mix -> begin_shot -> per span: encoder.encode -> shot.generate               render
               [-> refiner.refine ...] -> compositor.composite [x matte_maker.matte ...]
               -> (written back into the decoded planes by the core)

`dpe_toolkit.editing.pipeline` walks it. Codes, tracks and amounts lie on the CPU until a shot begins, then, as windows,
appearance, edited pixels and mattes do, on the device of the render, which is the one that a component was made for.

All pixels that components see are RGB, ``NCHW``, float32, [0, 1], encoded transfer, in *native windows*:
cut from the frame without resampling. A network that wants an aligned 256 px crop resamples inside its
plugin (`dpe_toolkit.api` has ``cut_aligned`` and ``paste_aligned`` for that), so that nothing in the
contract limits the resolution of the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.face.codes import Appearance, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack

if TYPE_CHECKING:
    from fractions import Fraction

    import torch

__all__ = [
    "BeginsShot",
    "Composited",
    "Compositor",
    "Detector",
    "Encoder",
    "GenerateRequest",
    "Generated",
    "Generator",
    "Landmarker",
    "MatteMaker",
    "MotionExtractor",
    "Refiner",
    "ShapesWindow",
    "ShotGenerator",
    "ShotMaterial",
    "WindowShape",
]


@dataclass(frozen=True, slots=True)
class WindowShape:
    """How much of the frame around a face a component wants to see."""

    margin: float = 1.6
    """Side of the window over side of the face: room for a jaw that opens and for feathering."""
    square: bool = False
    """Windows are square, by the larger side of the face."""


@runtime_checkable
class ShapesWindow(Protocol):
    """What an encoder or motion extractor may be besides, to get windows of another shape than the usual.

    The encoder's shape holds for the windows of a render, the motion extractor's for those of an analysis.
    """

    @property
    def window_shape(self) -> WindowShape:
        """The shape wanted."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Finds faces."""

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        """The faces of each frame.

        Args:
            frames: N consecutive frames. ``dpe_toolkit.api.sample_rgb`` reads them at any scale.
            previous: result for the frame just before, or None at the start of a clip. A detector may
                use it to follow faces cheaply, and its own results inside the batch likewise; it keeps
                no state between calls.

        Returns:
            N `Detections`. No face is a result, not an error.
        """
        ...


@runtime_checkable
class Encoder(Protocol):
    """Turns native windows into what its generator needs to know of the source's looks."""

    def encode(self, faces: FaceBatch) -> Appearance:
        """The appearance of N faces."""
        ...


@runtime_checkable
class MotionExtractor(Protocol):
    """Splits what a face does into pose and expression, and mixes two performances.

    It is given its codes on the CPU and gives them back there; windows come on the device that it was made for. Codes
    that it leaves on that device are brought back.
    """

    @property
    def needs_pixels(self) -> bool:
        """False where landmarks are enough: then the faces arrive on the CPU, their pixels empty (h = w = 0)."""
        ...

    def extract(self, faces: FaceBatch) -> MotionCode:
        """The raw code of N faces, each on its own."""
        ...

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """Smooths: the clip's motion without tremor, its gaps bridged, with the person's neutral.

        Args:
            codes: T raw codes, one for each row of ``track``; rows not present hold anything.
            rate: frames a second.
            neutral_row: row that a person named as neutral, else None to estimate it.
        """
        ...

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        """Retargets: the codes of the edited face.

        Args:
            source: T rows.
            driver: the driver's whole track, for its neutral and range.
            driver_codes: the driver's codes at each of the T source rows (time already mapped).
            request: T amounts, regions and mode. Where both amounts of a row are 0 the row's result
                equals the source's code.
        """
        ...


@dataclass(frozen=True, slots=True)
class ShotMaterial:
    """All a component may look at before the first frame of a shot is rendered.

    As it is given to a component, codes and amounts lie on the device that the component was made for.
    """

    source: MotionTrack
    """T rows."""
    driver: MotionTrack
    """D rows, the driver's own frames."""
    driver_rows: npt.NDArray[np.float64]
    """(T,) position in ``driver`` that each source row shows."""
    target: MotionCode
    """T rows, the retargeted codes."""
    request: MixRequest
    fetch_source: Callable[[npt.NDArray[np.int64]], FaceBatch]
    """Native windows of the source at these rows; decodes, so ask for few."""
    fetch_driver: Callable[[npt.NDArray[np.int64]], FaceBatch]
    """Native windows of the driver at these rows."""


@runtime_checkable
class BeginsShot(Protocol):
    """What an encoder, compositor, refiner or matte maker may be besides, to prepare a shot as generators do.

    For what looks ahead, is smoothed over time, or is found once for a shot and kept. A still is a shot of one frame;
    about frames of no shot, such as those of the conformance kit, the component itself is asked.
    """

    def begin_shot(self, material: ShotMaterial) -> object:
        """A component of the same protocol for one shot, called before the shot's first frame.

        Frames may be asked of it in any order, and some never; the same rows give the same result whatever was asked
        before.
        """
        ...


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One span of a shot. Its codes and amounts lie on the device of the windows."""

    rows: npt.NDArray[np.int64]
    """(N,) rows of the shot."""
    source: Appearance
    """What the encoder said of these frames."""
    source_codes: MotionCode
    """N rows of the source's own codes."""
    target_codes: MotionCode
    """N rows of the codes to show."""
    driver_faces: FaceBatch | None
    """The driver's windows nearest in time, where the generator wants them."""
    amounts: MixRequest | None = None
    """N rows of what the shot asks for: how much of the driver, and the weight of each region. A render always says
    it; None where a request was put together by somebody who does not."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Edited native windows, in the placement of the request's faces."""

    pixels: torch.Tensor
    """(N, 3, h, w) RGB. Where the face need not change it equals the source window exactly."""
    landmarks_px: torch.Tensor
    """(N, P, 3) the edited face's mesh in crop pixels (the source's where unknown)."""
    confidence: torch.Tensor | None = None
    """(N, 1, h, w) in [0, 1], where the generator knows its pixels to be usable; None = everywhere."""


@runtime_checkable
class ShotGenerator(Protocol):
    """A generator made ready for one shot. Frames may be asked for in any order."""

    def generate(self, request: GenerateRequest) -> Generated:
        """The edited faces of one span; the same rows give the same pixels whatever was asked before."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Draws the source's face with another motion."""

    @property
    def wants_driver_pixels(self) -> bool:
        """True to be given the driver's windows with each request."""
        ...

    def begin_shot(self, material: ShotMaterial) -> ShotGenerator:
        """A generator for one shot, with whatever it prepares for it."""
        ...


@dataclass(frozen=True, slots=True)
class Composited:
    """What goes back into the frame."""

    pixels: torch.Tensor
    """(N, 3, h, w) RGB."""
    matte: torch.Tensor
    """(N, 1, h, w) in [0, 1]; where it is 0 the frame keeps its decoded code values."""


@runtime_checkable
class Compositor(Protocol):
    """Decides where and how an edited face shows in its frame."""

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """Pixels and matte for N windows. Where the edited pixels equal the source's, so must the result's."""
        ...


@runtime_checkable
class Landmarker(Protocol):
    """Puts on faces that a detector found the landmarks that a motion extractor needs."""

    def landmarks(self, frames: FrameBatch, found: Sequence[Detections]) -> list[Detections]:
        """The same faces with other landmarks, and with blendshapes where it reads them.

        Args:
            frames: N consecutive frames.
            found: N results of the detector, each the faces of one frame.

        Returns:
            N `Detections`. A face may be left out where nothing could be put on it; none may be added.
        """
        ...


@runtime_checkable
class Refiner(Protocol):
    """Works over drawn faces, such as a restorer. A shot has any number, each given what the one before made."""

    def refine(self, source: FaceBatch, edited: Generated) -> Generated:
        """N drawn faces in the same placement. Where the edited pixels equal the source's, so must the result's."""
        ...


@runtime_checkable
class MatteMaker(Protocol):
    """Says where an edit may show, such as not on a hand before the face. A shot has any number."""

    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        """(N, 1, h, w) in [0, 1], by which the compositor's matte is multiplied; 1 lets the edit show."""
        ...
