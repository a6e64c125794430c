"""The nodes of one shot's graph. Rows are those of the whole shot; a node gives those that are edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis import WindowPlan, cut_faces, guard_plugin, place_faces
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout, Plane
from dpe_toolkit.core.shapes import expect_shape
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.protocols import Composited, Compositor, Encoder, Generated, GenerateRequest, ShotGenerator
from dpe_toolkit.face.codes import Appearance
from dpe_toolkit.face.tracks import FaceBatch, FaceTrack
from dpe_toolkit.geometry import code_scale, window_rgb, write_window
from dpe_toolkit.rendering.footage import Footage, Foreseen
from dpe_toolkit.rendering.mattes import Mattes
from dpe_toolkit.rendering.node import Inputs, Need, RenderNode
from dpe_toolkit.rendering.prepare import PreparedShot

__all__ = ["BlackNode", "CompositeNode", "DriverNode", "EncodeNode", "FacesNode", "GenerateNode", "SourceNode"]


@dataclass(frozen=True, slots=True)
class SourceNode:
    """Decoded frames."""

    footage: Footage
    start: int
    """Media frame of row 0."""
    length: int
    held: bool = False
    """Every row is the media frame of row 0."""

    def needs(self, span: Span) -> Sequence[Need]:
        """Nothing."""
        return ()

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """The frames of these rows."""
        if self.held:
            return self.footage.read(Span(self.start, self.start + 1)).take(np.zeros(len(span), np.int64))
        return self.footage.read(span.shift(self.start))


@dataclass(frozen=True, slots=True)
class BlackNode:
    """Frames of a gap: black."""

    layout: PixelLayout
    color: ColorInfo
    size_px: tuple[int, int]
    rate: Fraction
    length: int
    opaque: bool = True

    def needs(self, span: Span) -> Sequence[Need]:
        """Nothing."""
        return ()

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """Black rows."""
        scale = code_scale(self.layout, self.color)
        colours = self.layout.num_planes - int(self.layout.alpha)
        values = [scale.luma_offset, *[scale.chroma_offset] * 2][:colours]
        if self.layout.family == "rgb":
            values = [scale.luma_offset] * 3
        planes = [self._plane(position, int(value), len(span)) for position, value in enumerate(values)]
        if self.layout.alpha:
            planes.append(self._plane(0, scale.maximum if self.opaque else 0, len(span)))
        index = np.arange(span.start, span.stop, dtype=np.int64)
        return FrameBatch(tuple(planes), self.layout, self.color, index, index, 1 / self.rate, self.rate)

    def _plane(self, position: int, value: int, num_frames: int) -> Plane:
        width, height = self.size_px
        if position:
            shift_x, shift_y = self.layout.chroma_shift
            width, height = -(-width >> shift_x), -(-height >> shift_y)
        shape = (num_frames, height, width)
        return np.full(shape, value, np.uint8) if self.layout.depth == 8 else np.full(shape, value, np.uint16)


@dataclass(frozen=True, slots=True)
class FacesNode:
    """Native windows of the source."""

    prepared: PreparedShot
    source: RenderNode[FrameBatch]
    device: torch.device

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """The frames."""
        return ((self.source, span),)

    def render(self, span: Span, inputs: Inputs) -> FaceBatch:
        """The windows of the edited rows of ``span``."""
        rows = self.prepared.active(span)
        frames = _pick(inputs.of(self.source, span), rows - span.start)
        return cut_faces(frames, self.prepared.track, rows, self.prepared.windows, self.device)


@dataclass(frozen=True, slots=True)
class EncodeNode:
    """What the generator has to know of the source's looks."""

    prepared: PreparedShot
    faces: RenderNode[FaceBatch]
    encoder: Encoder

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """The windows."""
        return ((self.faces, span),)

    def render(self, span: Span, inputs: Inputs) -> Appearance:
        """The appearance of the edited rows."""
        faces = inputs.of(self.faces, span)
        with guard_plugin(self.prepared.edit.components["encoder"], self.prepared.shot.name, _covered(faces)):
            appearance = self.encoder.encode(faces)
            if len(appearance.faces) != len(faces):
                raise ValueError(f"encode() gave {len(appearance.faces)} faces for {len(faces)}")
        return appearance


@dataclass(frozen=True, slots=True)
class DriverNode:
    """Native windows of the driver, of the frames nearest in time."""

    prepared: PreparedShot
    windows: Foreseen[FaceBatch]

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """Nothing: it reads its own media."""
        return ()

    def render(self, span: Span, inputs: Inputs) -> FaceBatch:
        """One window for each edited row."""
        return self.windows.get(span)


@dataclass(frozen=True, slots=True)
class GenerateNode:
    """Edited native windows."""

    prepared: PreparedShot
    faces: RenderNode[FaceBatch]
    encoded: RenderNode[Appearance]
    driver: RenderNode[FaceBatch] | None
    generator: ShotGenerator

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """Windows, appearance and, where they are wanted, the driver's windows."""
        driver: tuple[Need, ...] = () if self.driver is None else ((self.driver, span),)
        return ((self.faces, span), (self.encoded, span), *driver)

    def render(self, span: Span, inputs: Inputs) -> Generated:
        """The edited faces of the edited rows."""
        rows = self.prepared.active(span)
        faces = inputs.of(self.faces, span)
        request = GenerateRequest(
            rows,
            inputs.of(self.encoded, span),
            self.prepared.motion.codes.take(rows),
            self.prepared.target.take(rows),
            None if self.driver is None else inputs.of(self.driver, span),
        )
        with guard_plugin(self.prepared.edit.components["generator"], self.prepared.shot.name, _covered(faces)):
            generated = self.generator.generate(request)
            _check_picture("generate() pixels", generated.pixels, faces, 3)
            expect_shape("generate() landmarks_px", generated.landmarks_px, (len(faces), "P", 3))
            if generated.confidence is not None:
                _check_picture("generate() confidence", generated.confidence, faces, 1)
        return generated


@dataclass(frozen=True, slots=True)
class CompositeNode:
    """Whole frames with the edit written back; rows that are not edited are the decoded ones."""

    prepared: PreparedShot
    source: RenderNode[FrameBatch]
    faces: RenderNode[FaceBatch]
    generated: RenderNode[Generated]
    compositor: Compositor
    mattes: Mattes | None = None
    """Where the edit may show; None lets it show everywhere."""

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """The frames, and the edited windows where there is something to edit."""
        frames: Need = (self.source, span)
        if not len(self.prepared.active(span)):
            return (frames,)
        return (frames, (self.faces, span), (self.generated, span))

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """The frames of ``span``."""
        frames = inputs.of(self.source, span)
        rows = self.prepared.active(span)
        if not len(rows):
            return frames
        faces, generated = inputs.of(self.faces, span), inputs.of(self.generated, span)
        with guard_plugin(self.prepared.edit.components["compositor"], self.prepared.shot.name, _covered(faces)):
            shown: Composited = self.compositor.composite(faces, generated)
            _check_picture("composite() pixels", shown.pixels, faces, 3)
            _check_picture("composite() matte", shown.matte, faces, 1)
        places, matte = rows - span.start, shown.matte
        if self.mattes is not None:
            matte = matte * self.mattes.windows(rows, faces.placement, frames.size_px, matte.device)
        edited = write_window(_pick(frames, places), faces.placement.origin_px, faces.pixels, shown.pixels, matte)
        return edited if len(rows) == len(span) else _put(frames, places, edited)


def source_faces(
    prepared: PreparedShot, footage: Footage, rows: npt.NDArray[np.int64], device: torch.device
) -> FaceBatch:
    """Native windows of any rows of the source."""
    return _fetch(footage, prepared.track, prepared.windows, rows, device=device)


def driver_faces(
    prepared: PreparedShot, footage: Footage, rows: npt.NDArray[np.int64], device: torch.device
) -> FaceBatch:
    """Native windows of any rows of the driver."""
    return _fetch(footage, prepared.driver_track, prepared.driver_windows, rows, device=device)


def _fetch(
    footage: Footage, track: FaceTrack, windows: WindowPlan, rows: npt.NDArray[np.int64], *, device: torch.device
) -> FaceBatch:
    placement = windows.placement(rows)
    width, height = placement.size_px
    pixels = torch.empty(len(rows), 3, height, width, device=device)
    for places, frames in footage.pieces(track.index[rows]):
        pixels[places] = window_rgb(frames, placement.origin_px[places], placement.size_px, device)
    return place_faces(track, rows, placement, pixels)


def _covered(faces: FaceBatch) -> Span:
    return Span(int(faces.index[0]), int(faces.index[-1]) + 1)


def _pick(frames: FrameBatch, places: npt.NDArray[np.int64]) -> FrameBatch:
    """These rows of a batch, without a copy where they are all."""
    return frames if len(places) == len(frames) else frames.take(places)


def _put(frames: FrameBatch, places: npt.NDArray[np.int64], edited: FrameBatch) -> FrameBatch:
    planes: list[Plane] = []
    for old, new in zip(frames.planes, edited.planes, strict=True):
        plane = old.copy()
        plane[places] = new
        planes.append(plane)
    return frames.with_planes(tuple(planes))


def _check_picture(name: str, picture: torch.Tensor, faces: FaceBatch, channels: int) -> None:
    height, width = faces.pixels.shape[2:]
    expect_shape(name, picture, (len(faces), channels, height, width))
    # One sum tells as much as a look at each value, at a fraction of the memory traffic.
    if not torch.isfinite(picture.sum()):
        raise ValueError(f"{name} are not finite")
