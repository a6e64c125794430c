"""Small components that really work on drawn faces: partners for tests, and what the kit itself is tested with.

The detector knows the drawn skin, the motion extractor reads how far the mouth is open, the generator paints
a mouth that is as far open, the compositor shows the face's oval. All are of the family ``fake``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.components import Component, ComponentContext
from dpe_toolkit.editing.options import PluginOptions
from dpe_toolkit.editing.protocols import Composited, Generated, GenerateRequest, ShotMaterial
from dpe_toolkit.editing.stages import ComponentKind
from dpe_toolkit.face.codes import Appearance, CodeSpace, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack, FloatArray
from dpe_toolkit.geometry import sample_rgb
from dpe_toolkit.hookspecs import hookimpl

__all__ = [
    "FAKE_SPACE",
    "FakeCompositor",
    "FakeDetector",
    "FakeEncoder",
    "FakeGenerator",
    "FakeLandmarker",
    "FakeMatte",
    "FakeMotion",
    "FakeOptions",
    "FakeRefiner",
    "fake_component",
    "plugin_of",
]

FAKE_SPACE = CodeSpace("fake/1", 1, 2)
_SKIN = np.array((222, 178, 150), np.float32) / 255
_POINTS = np.array([(0.3, 0.42), (0.7, 0.42), (0.5, 0.62), (0.5, 0.78), (0.5, 0.95)], np.float32)
"""Eyes, nose, mouth and chin of a drawn face, in shares of its box."""
_MOUTH, _NUM_POINTS = 3, 5


class FakeOptions(PluginOptions):
    """Options of every fake component: one of each type that people meet."""

    strength: float = Field(default=1.0, ge=0, le=4, description="Factor on what the component does.")
    margin_px: int = Field(default=2, ge=0, le=64, description="A whole number, which nothing depends on.")
    careful: bool = Field(default=False, description="A switch, which nothing depends on.")
    note: str = Field(default="", max_length=80, description="A text, which nothing depends on.")


class FakeDetector:
    """Finds the skin of the one drawn face."""

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        """One face a frame, or none."""
        return [self.detect_frame(frames, row) for row in range(len(frames))]

    def detect_frame(self, frames: FrameBatch, row: int) -> Detections:
        """The face of one frame."""
        width, height = frames.size_px
        to_frame = np.array([[2, 0, 0], [0, 2, 0]], np.float32)
        picture = sample_rgb(frames, row, to_frame, (width // 2, height // 2))
        rows, columns = np.nonzero((np.abs(picture - _SKIN) < 0.08).all(axis=2))
        if len(rows) < 30:
            return Detections.none(_NUM_POINTS, 1)
        low_x, high_x = np.quantile(columns, (0.002, 0.998)) * 2
        low_y, high_y = np.quantile(rows, (0.002, 0.998)) * 2
        box = np.array([low_x, low_y, high_x + 2, high_y + 2], np.float32)
        points = np.zeros((1, _NUM_POINTS, 3), np.float32)
        points[0, :, :2] = box[:2] + _POINTS * (box[2:] - box[:2])
        activity = np.array([[_darkness(picture, points[0, _MOUTH, :2] / 2, box / 2)]], np.float32)
        return Detections(box[None], points, np.array([0.9], np.float32), activity)


def _darkness(picture: FloatArray, mouth: npt.NDArray[np.floating], box: npt.NDArray[np.floating]) -> float:
    """Share of a patch around the mouth that is nearly black."""
    reach = max(int((box[3] - box[1]) * 0.12), 1)
    x, y = int(mouth[0]), int(mouth[1])
    patch = picture[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach]
    return float((patch.max(axis=2) < 0.3).mean()) if patch.size else 0.0


class FakeEncoder:
    """Hands the windows over as they are."""

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def encode(self, faces: FaceBatch) -> Appearance:
        """The windows."""
        return Appearance(FAKE_SPACE, faces)


class FakeMotion:
    """Expression: how far the mouth is open. Pose: where the chin is."""

    needs_pixels = False

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def extract(self, faces: FaceBatch) -> MotionCode:
        """Codes of each face."""
        count = len(faces)
        known = faces.blendshapes.shape[1] > 0
        mouth = faces.blendshapes[:, :1].clone() if known else torch.zeros(count, 1)
        corner = torch.from_numpy(faces.placement.to_frame[:, :, 2]).to(faces.landmarks_px)
        return MotionCode(FAKE_SPACE, mouth, faces.landmarks_px[:, -1, :2] + corner)

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        """Rows that were not seen take the nearest that was."""
        seen = np.flatnonzero(track.present)
        nearest = seen[np.abs(np.arange(len(track))[:, None] - seen[None]).argmin(axis=1)] if len(seen) else seen
        settled = codes.take(nearest) if len(seen) else MotionCode(FAKE_SPACE, *map(torch.zeros_like, _parts(codes)))
        row = neutral_row if neutral_row is not None else int(settled.expression[:, 0].argmin())
        neutral = settled.take(slice(row, row + 1))
        return MotionTrack(settled, neutral, track.present, track.blendshapes, int(track.index[0]))

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        """The source's mouth moved towards the driver's by the share asked for."""
        own, theirs = _parts(source.codes), _parts(driver_codes)
        if request.mode == "relative":
            theirs = tuple(a + b - c for a, b, c in zip(own, theirs, _parts(driver.neutral), strict=True))
        shares = (request.expression, request.pose)
        mixed = (a + share[:, None] * (b - a) for a, b, share in zip(own, theirs, shares, strict=True))
        return MotionCode(FAKE_SPACE, *mixed)


def _parts(codes: MotionCode) -> tuple[torch.Tensor, ...]:
    return codes.expression, codes.pose


class FakeGenerator:
    """Paints a dark mouth into each window, as high as the codes want it open."""

    wants_driver_pixels = False

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def begin_shot(self, material: ShotMaterial) -> FakeGenerator:
        """Itself: it prepares nothing."""
        return self

    def generate(self, request: GenerateRequest) -> Generated:
        """The windows with their mouths painted; a mouth that need not change is left alone."""
        faces = request.source.faces
        pixels = faces.pixels.clone()
        change = (request.target_codes.expression - request.source_codes.expression)[:, 0] * self.options.strength
        for row, amount in enumerate(change.tolist()):
            if amount:
                self.paint(pixels[row], faces.landmarks_px[row], amount)
        return Generated(pixels, faces.landmarks_px.clone())

    def paint(self, window: torch.Tensor, points: torch.Tensor, amount: float) -> None:
        """Darkens (3, h, w) at the mouth, in place."""
        x, y = points[min(_MOUTH, len(points) - 1), :2].round().int().tolist() if len(points) else (8, 8)
        reach = max(window.shape[2] // 12, 2)
        window[:, max(y - reach, 0) : max(y + reach, 0), max(x - reach, 0) : max(x + reach, 0)] -= 0.5 * abs(amount)


class FakeCompositor:
    """Shows the edit inside an oval that the window holds, hard-edged."""

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """The edited pixels, and the oval as matte."""
        height, width = source.pixels.shape[2:]
        oval = np.zeros((height, width), np.uint8)
        cv2.ellipse(oval, ((width / 2, height / 2), (width * 0.9, height * 0.9), 0), 1, -1)
        matte = torch.from_numpy(oval).to(source.pixels).expand(len(source), 1, -1, -1)
        return Composited(edited.pixels, matte if edited.confidence is None else matte * edited.confidence)


class FakeLandmarker:
    """Puts the five points of a drawn face into each box."""

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def landmarks(self, frames: FrameBatch, found: Sequence[Detections]) -> list[Detections]:
        """The same faces with their points."""
        return [self.mark(faces) for faces in found]

    def mark(self, faces: Detections) -> Detections:
        """The faces of one frame."""
        points = np.zeros((len(faces), _NUM_POINTS, 3), np.float32)
        corners, sides = faces.boxes_px[:, None, :2], faces.boxes_px[:, None, 2:] - faces.boxes_px[:, None, :2]
        points[:, :, :2] = corners + _POINTS * sides
        return replace(faces, landmarks_px=points)


class FakeRefiner:
    """Takes a little of the contrast out of what was edited."""

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def refine(self, source: FaceBatch, edited: Generated) -> Generated:
        """The edit, drawn towards the source by a tenth."""
        return replace(edited, pixels=edited.pixels.lerp(source.pixels, 0.1))


class FakeMatte:
    """Holds the edit back in the left tenth of each window."""

    def __init__(self, options: FakeOptions | None = None) -> None:
        self.options = options or FakeOptions()

    def matte(self, source: FaceBatch, edited: Generated) -> torch.Tensor:
        """1 but for the left tenth."""
        matte = torch.ones_like(source.pixels[:, :1])
        matte[:, :, :, : source.pixels.shape[3] // 10] = 0
        return matte


_MADE: dict[ComponentKind, Callable[[FakeOptions], object]] = {
    "detector": FakeDetector,
    "encoder": FakeEncoder,
    "motion": FakeMotion,
    "generator": FakeGenerator,
    "compositor": FakeCompositor,
    "landmark": FakeLandmarker,
    "refine": FakeRefiner,
    "matte": FakeMatte,
}


def fake_component(
    kind: ComponentKind, product: Callable[[FakeOptions], object] | None = None, *, name: str = "fake"
) -> Component[object]:
    """A component to register.

    Args:
        kind: what it is.
        product: makes it from its options; None takes the fake of that kind.
        name: what it is called.
    """
    make = product or _MADE[kind]

    def create(options: PluginOptions, context: ComponentContext) -> object:
        if not isinstance(options, FakeOptions):
            raise TypeError(f"options are {type(options).__name__}, expected FakeOptions")
        return make(options)

    tied = kind in ("encoder", "motion", "generator")
    return Component(
        kind=kind,
        name=name,
        summary=f"A fake {kind} for tests, which knows drawn faces.",
        create=create,
        options=FakeOptions,
        space=FAKE_SPACE if tied else None,
        family="fake" if tied else "",
        licence="Apache-2.0",
        source="our choice",
        fingerprint="fake/1",
    )


class _Plugin:
    def __init__(self, components: tuple[Component[object], ...]) -> None:
        self._components = components

    @hookimpl
    def dpe_register_components(self) -> Iterable[Component[object]]:
        return self._components


def plugin_of(*components: Component[object]) -> object:
    """A plugin that registers these components and nothing else, for ``Registry.of``."""
    return _Plugin(components)
