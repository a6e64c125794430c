"""People who are bright squares: brightness says who, the dark patch in the middle says what the face does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.components import ComponentContext
from dpe_toolkit.editing.protocols import Composited, Generated, GenerateRequest, ShotMaterial
from dpe_toolkit.face.codes import Appearance, CodeSpace, MixRequest, MotionCode, MotionTrack
from dpe_toolkit.face.tracks import Detections, FaceBatch, FaceTrack
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry as Plugins

SPACE = CodeSpace("square/1", 1, 2)
LAYOUT = PixelLayout("yuv420p", "yuv", 8, (1, 1))
COLOR = ColorInfo(matrix=1, transfer=1, primaries=1, range=2, chroma_location=1)
WALL, ANNA, BERT = 40, 235, 200
PATCH = 4


@dataclass(frozen=True)
class Square:
    """A person in one frame."""

    x: int
    y: int
    side: int = 16
    mood: int = 100
    """Code value of the patch in the middle."""
    who: int = ANNA


def draw(scene: Callable[[int], Sequence[Square]], num_frames: int, size_px: tuple[int, int] = (96, 64)) -> FrameBatch:
    width, height = size_px
    luma = np.full((num_frames, height, width), WALL, np.uint8)
    luma[:, ::7] = WALL + 9
    for frame in range(num_frames):
        for one in scene(frame):
            luma[frame, one.y : one.y + one.side, one.x : one.x + one.side] = one.who
            x, y = one.x + one.side // 2 - PATCH // 2, one.y + one.side // 2 - PATCH // 2
            luma[frame, y : y + PATCH, x : x + PATCH] = one.mood
    chroma = np.full((num_frames, height // 2, width // 2), 128, np.uint8)
    index = np.arange(num_frames, dtype=np.int64)
    return FrameBatch((luma, chroma, chroma.copy()), LAYOUT, COLOR, index, index, Fraction(1, 25), Fraction(25))


@dataclass
class MemoryReader:
    """A reader of frames that are in memory; it counts what is asked of it."""

    frames: FrameBatch
    asked: list[Span] = field(default_factory=list)
    closed: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed = True

    def read(self, span: Span) -> FrameBatch:
        assert not self.closed
        self.asked.append(span)
        return self.frames.take(slice(span.start, span.stop))

    def iterate(self, span: Span, size: int) -> Iterator[FrameBatch]:
        for part in span.split(size):
            yield self.read(part)


@dataclass
class Shelf:
    """Opens clips of memory by path and remembers every reader."""

    clips: Mapping[Path, FrameBatch]
    readers: list[MemoryReader] = field(default_factory=list)

    def __call__(self, path: Path) -> MemoryReader:
        self.readers.append(MemoryReader(self.clips[path]))
        return self.readers[-1]


@dataclass
class SquareDetector:
    calls: int = 0
    previous: list[Detections | None] = field(default_factory=list)

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        self.calls += 1
        self.previous.append(previous)
        return [self._frame(picture) for picture in frames.planes[0]]

    def _frame(self, picture: np.ndarray) -> Detections:
        found = [one for who in (BERT, ANNA) if (one := _find(picture, who)) is not None]
        if not found:
            return Detections.none(5, 1)
        boxes, meshes, moods = zip(*found, strict=True)
        return Detections(
            np.stack(boxes),
            np.stack(meshes),
            np.full(len(found), 0.9, np.float32),
            np.array(moods, np.float32)[:, None],
        )


def _find(picture: np.ndarray, who: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    rows, columns = np.nonzero(picture == who)
    if not len(rows):
        return None
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    middle = ((left + right) / 2, (top + bottom) / 2)
    points = [(left, top), (right, top), (left, bottom), (right, bottom), middle]
    mesh = np.array([(x, y, 0) for x, y in points], np.float32)
    mood = float(picture[int(middle[1]), int(middle[0])]) / 255
    return np.array([left, top, right, bottom], np.float32), mesh, mood


@dataclass
class SquareMotion:
    needs_pixels: bool = False
    extracted: int = 0
    neutral_rows: list[int | None] = field(default_factory=list)

    def extract(self, faces: FaceBatch) -> MotionCode:
        self.extracted += 1
        if self.needs_pixels:
            column, row = faces.landmarks_px[:, 4, :2].int().unbind(dim=1)
            mood = faces.pixels[torch.arange(len(faces)), :1, row, column]
        else:
            assert faces.pixels.shape[2:] == (0, 0)
            mood = faces.blendshapes
        middle = faces.landmarks_px[:, 4, :2]
        return MotionCode(SPACE, mood.clone(), middle)

    def settle(self, codes: MotionCode, track: FaceTrack, rate: Fraction, neutral_row: int | None) -> MotionTrack:
        self.neutral_rows.append(neutral_row)
        neutral = codes.take(slice(neutral_row or 0, (neutral_row or 0) + 1))
        return MotionTrack(codes, neutral, track.present, track.blendshapes, int(track.index[0]))

    def mix(
        self, source: MotionTrack, driver: MotionTrack, driver_codes: MotionCode, request: MixRequest
    ) -> MotionCode:
        share = request.expression[:, None]
        return MotionCode(SPACE, source.codes.expression.lerp(driver_codes.expression, share), source.codes.pose)


class SquareEncoder:
    def encode(self, faces: FaceBatch) -> Appearance:
        return Appearance(SPACE, faces)


@dataclass
class SquareGenerator:
    wants_driver_pixels: bool = False
    shots: list[ShotMaterial] = field(default_factory=list)
    requests: list[GenerateRequest] = field(default_factory=list)

    def begin_shot(self, material: ShotMaterial) -> SquareGenerator:
        self.shots.append(material)
        return self

    def generate(self, request: GenerateRequest) -> Generated:
        self.requests.append(replace(request, source=Appearance(SPACE, request.source.faces)))
        faces = request.source.faces
        pixels = faces.pixels.clone()
        for row, (middle, mood) in enumerate(
            zip(faces.landmarks_px[:, 4, :2].round().int().tolist(), request.target_codes.expression[:, 0], strict=True)
        ):
            pixels[row, :, _around(middle[1]), _around(middle[0])] = mood
        return Generated(pixels, faces.landmarks_px + 1)


def _around(middle: int) -> slice:
    return slice(middle - PATCH // 2, middle + PATCH // 2)


class PatchCompositor:
    """Shows the whole window."""

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        return Composited(edited.pixels, torch.ones_like(edited.pixels[:, :1]))


def choice(kind: str, **options: object) -> ComponentChoice:
    return ComponentChoice(
        kind=kind, name="square", plugin="dpe-squares", version="1.2", fingerprint="abc", options=dict(options)
    )


CHOICES = {kind: choice(kind) for kind in ("detector", "encoder", "motion", "generator", "compositor")}


class Registry:
    """Hands out the squares' components, the same object for a kind each time."""

    def __init__(self, **parts: object) -> None:
        self.parts: dict[str, object] = {
            "detector": SquareDetector(),
            "encoder": SquareEncoder(),
            "motion": SquareMotion(),
            "generator": SquareGenerator(),
            "compositor": PatchCompositor(),
            **parts,
        }
        self.made: list[str] = []
        self.listeners: dict[str, object] = {}

    def notify(self, hook: str, **arguments: object) -> None:
        Plugins.of(self.listeners).notify(hook, **arguments)

    def create(self, choice: ComponentChoice, context: ComponentContext) -> object:
        self.made.append(choice.kind)
        return self.parts[choice.kind]
