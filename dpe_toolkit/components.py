"""What a plugin provides: a `Component` record to list, and the protocol its product fulfils.

The journey of one shot::

    detector.detect -> (tracking by the core) -> motion.extract -> motion.settle        analysis
    motion.mix -> generator.begin_shot -> per span: encoder.encode -> shot.generate     render
               -> compositor.composite -> (written back into the decoded planes by the core)

All pixels that components see are RGB, ``NCHW``, float32, [0, 1], encoded transfer, in *native windows*:
cut from the frame without resampling. A network that wants an aligned 256 px crop resamples inside its
plugin (`dpe_toolkit.api` has ``cut_aligned`` and ``paste_aligned`` for that), so that nothing in the
contract limits the resolution of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from dpe_toolkit.codes import Appearance, CodeSpace, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.faces import Detections, FaceBatch, FaceTrack
from dpe_toolkit.frames import FrameBatch
from dpe_toolkit.measuring import MeasureKind
from dpe_toolkit.options import NoOptions, PluginOptions

if TYPE_CHECKING:
    from fractions import Fraction

    import torch

__all__ = [
    "KINDS",
    "CheckpointFormat",
    "Component",
    "ComponentContext",
    "ComponentKind",
    "Composited",
    "Compositor",
    "Detector",
    "Encoder",
    "GenerateRequest",
    "Generated",
    "Generator",
    "MotionExtractor",
    "ShapesWindow",
    "ShotGenerator",
    "ShotMaterial",
    "WindowShape",
]

ComponentKind = Literal["detector", "encoder", "motion", "generator", "compositor"] | MeasureKind
T = TypeVar("T", covariant=True)

KINDS: tuple[ComponentKind, ...] = ("detector", "encoder", "motion", "generator", "compositor")
"""What a shot needs one of each. `dpe_toolkit.measuring.MEASURE_KINDS` judge pictures and belong to no shot."""


@dataclass(frozen=True, slots=True)
class ComponentContext:
    """Where a component runs."""

    device: torch.device
    weights: Path | None = None
    """Weights that the user named for this component, else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Generic[T]):
    """One entry of a plugin's list. Listing costs nothing: ``create`` is called when a plan needs it.

    The module that builds the list should import torch only inside ``create``.
    """

    kind: ComponentKind
    name: str
    """What timelines and flags call it: lower case, unique in its kind over all plugins."""
    summary: str
    """One line for listings."""
    create: Callable[[PluginOptions, ComponentContext], T]
    """Builds the component from validated options."""
    options: type[PluginOptions] = NoOptions
    space: CodeSpace | None = None
    """Code space of encoders, motion extractors and generators; None fits every space."""
    space_of: Callable[[PluginOptions, Path | None], CodeSpace] | None = None
    """Where options and weights decide the space: the space of these, in place of ``space``. Planning calls
    it with the validated options and the file that their ``weights`` name; it may read that file, and
    raises a `DpeError` where there is none that it can use."""
    family: str = ""
    """What encoders, motion extractors and generators made for each other share; empty takes the space's id.
    A shot that names a generator alone gets encoder and motion of its family, and what options of a family
    have in common (such as ``weights``) need be given for one of them only."""
    licence: str = ""
    """SPDX expression of code and weights."""
    source: str = ""
    """Paper, address or words that say where the method comes from."""
    fingerprint: str = ""
    """Changes whenever results change for the same input; part of cache keys (e.g. a model's sha256)."""


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
    """Splits what a face does into pose and expression, and mixes two performances."""

    @property
    def needs_pixels(self) -> bool:
        """False where landmarks are enough: then ``FaceBatch.pixels`` arrives empty (h = w = 0)."""
        ...

    def extract(self, faces: FaceBatch) -> MotionCode:
        """The raw code of N faces, each on its own."""
        ...

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """The clip's motion: smoothed, gaps bridged, with the person's neutral.

        Args:
            codes: T raw codes, one for each row of ``track``; rows not present hold anything.
            rate: frames a second.
            neutral_row: row that a person named as neutral, else None to estimate it.
        """
        ...

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        """The codes of the edited face.

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
    """All a generator may look at before the first frame of a shot is rendered."""

    source: MotionTrack
    """T rows."""
    driver: MotionTrack
    """D rows, the driver's own frames."""
    driver_rows: npt.NDArray[np.float64]
    """(T,) position in ``driver`` that each source row shows."""
    target: MotionCode
    """T rows, the mixed codes."""
    request: MixRequest
    fetch_source: Callable[[npt.NDArray[np.int64]], FaceBatch]
    """Native windows of the source at these rows; decodes, so ask for few."""
    fetch_driver: Callable[[npt.NDArray[np.int64]], FaceBatch]
    """Native windows of the driver at these rows."""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One span of a shot."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFormat:
    """A kind of weights file that a plugin can read."""

    name: str
    summary: str
    detect: Callable[[Path], bool]
    """True where the file's content (never its name alone) is of this format. Must not execute anything in it."""
    describe: Callable[[Path], dict[str, str]]
    """What people want to know of the file: sizes, branch, licence, training."""
