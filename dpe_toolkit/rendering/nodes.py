"""The nodes of one shot's graph. Rows are those of the whole shot; a node gives those that are edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.analysis import cut_faces, gather_faces
from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout, Plane
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.pipeline import EditedSpan, ShotPipeline
from dpe_toolkit.face.tracks import FaceBatch
from dpe_toolkit.geometry import code_scale, write_window
from dpe_toolkit.rendering.footage import Footage, Prefetched
from dpe_toolkit.rendering.mattes import Mattes
from dpe_toolkit.rendering.node import Inputs, Need, RenderNode
from dpe_toolkit.rendering.prepare import PreparedShot

__all__ = [
    "BlackNode",
    "DriverNode",
    "EditNode",
    "FacesNode",
    "SourceNode",
    "WriteNode",
    "driver_faces",
    "source_faces",
]


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
class DriverNode:
    """Native windows of the driver, of the frames nearest in time."""

    prepared: PreparedShot
    windows: Prefetched[FaceBatch]

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
class EditNode:
    """Edited native windows, with the matte in which they show."""

    prepared: PreparedShot
    faces: RenderNode[FaceBatch]
    driver: RenderNode[FaceBatch] | None
    pipeline: ShotPipeline

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """The windows and, where they are wanted, the driver's."""
        driver: tuple[Need, ...] = () if self.driver is None else ((self.driver, span),)
        return ((self.faces, span), *driver)

    def render(self, span: Span, inputs: Inputs) -> EditedSpan:
        """The edit of the edited rows."""
        driver = None if self.driver is None else inputs.of(self.driver, span)
        return self.pipeline.edit(self.prepared.active(span), inputs.of(self.faces, span), driver)


@dataclass(frozen=True, slots=True)
class WriteNode:
    """Whole frames with the edit written back; rows that are not edited are the decoded ones."""

    prepared: PreparedShot
    source: RenderNode[FrameBatch]
    faces: RenderNode[FaceBatch]
    edited: RenderNode[EditedSpan]
    mattes: Mattes | None = None
    """Where the user lets the edit show; None lets it show everywhere."""

    @property
    def length(self) -> int:
        """Rows of the whole shot."""
        return len(self.prepared.track)

    def needs(self, span: Span) -> Sequence[Need]:
        """The frames, and the edited windows where there is something to edit."""
        frames: Need = (self.source, span)
        if not len(self.prepared.active(span)):
            return (frames,)
        return (frames, (self.faces, span), (self.edited, span))

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """The frames of ``span``."""
        frames = inputs.of(self.source, span)
        rows = self.prepared.active(span)
        if not len(rows):
            return frames
        faces, shown = inputs.of(self.faces, span), inputs.of(self.edited, span).composited
        places, matte = rows - span.start, shown.matte
        if self.mattes is not None:
            matte = matte * self.mattes.windows(rows, faces.placement, frames.size_px, matte.device)
        edited = write_window(_pick(frames, places), faces.placement.origin_px, faces.pixels, shown.pixels, matte)
        return edited if len(rows) == len(span) else _put(frames, places, edited)


def source_faces(
    prepared: PreparedShot, footage: Footage, rows: npt.NDArray[np.int64], device: torch.device
) -> FaceBatch:
    """Native windows of any rows of the source."""
    track = prepared.track
    return gather_faces(footage.pieces(track.index[rows]), track, rows, prepared.windows, device)


def driver_faces(
    prepared: PreparedShot, footage: Footage, rows: npt.NDArray[np.int64], device: torch.device
) -> FaceBatch:
    """Native windows of any rows of the driver."""
    track = prepared.driver_track
    return gather_faces(footage.pieces(track.index[rows]), track, rows, prepared.driver_windows, device)


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
