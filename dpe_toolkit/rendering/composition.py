"""The nodes between a take's own frames and the output: in output time, in the output's size, one over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout, Plane
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import convert_frames, fit_frames, place_in_frame, without_alpha
from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over, leaves_of
from dpe_toolkit.plans.model import Fit
from dpe_toolkit.rendering.node import Inputs, Need, RenderNode
from dpe_toolkit.rendering.takes import row_runs

__all__ = ["ComposeNode", "FitNode", "Layer", "ShownNode"]

Values = npt.NDArray[np.float32]
_OPAQUE = np.ones((1, 1), np.float32)
Given = Mapping[int, tuple[FrameBatch, "Values | FrameBatch"]]
"""By id of the node: frames without alpha in the output's layout and size, and their opacity."""


@dataclass(frozen=True, slots=True)
class ShownNode:
    """Frames in output time: each output frame is one row of the take, a row perhaps several times."""

    frames: RenderNode[FrameBatch]
    rows: tuple[int, ...]
    """Of each output frame."""

    @property
    def length(self) -> int:
        """Output frames."""
        return len(self.rows)

    def needs(self, span: Span) -> Sequence[Need]:
        """The rows, each once."""
        return [(self.frames, run) for run in row_runs(self.rows[span.start : span.stop])]

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """The output frames of ``span``."""
        wanted = self.rows[span.start : span.stop]
        runs = row_runs(wanted)
        found = FrameBatch.join([inputs.of(self.frames, run) for run in runs])
        held = list(chain.from_iterable(runs))
        if tuple(held) == wanted:
            return found
        places = {row: place for place, row in enumerate(held)}
        return found.take(np.array([places[row] for row in wanted], np.int64))


@dataclass(frozen=True, slots=True)
class FitNode:
    """Frames in the size of the output, with bars or cut off."""

    frames: RenderNode[FrameBatch]
    size_px: tuple[int, int]
    fit: Fit

    @property
    def length(self) -> int:
        """Output frames."""
        return self.frames.length

    def needs(self, span: Span) -> Sequence[Need]:
        """The same frames."""
        return ((self.frames, span),)

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """The frames of ``span``; untouched where they have the size already."""
        return fit_frames(inputs.of(self.frames, span), self.size_px, self.fit)


@dataclass(frozen=True, slots=True)
class Layer:
    """One image of a composition, as values of code and opacity; nothing mutates them."""

    planes: tuple[Values, ...]
    """Code values of the colour planes, (h, w)."""
    alpha: Values
    """(H, W) opacity in [0, 1], or (1, 1) where it is everywhere the same."""


@dataclass(frozen=True, slots=True)
class ComposeNode:
    """Frames that are made of several images.

    Dissolves and transparency are weighed in code values, as editing programs do unless told otherwise.
    Where an image is opaque, or wholly transparent, the code values that are seen stay as they are.
    """

    image: Image[ShownNode]
    layout: PixelLayout
    """Of the output."""
    color: ColorInfo
    size_px: tuple[int, int]
    fit: Fit
    black: FrameBatch
    """One frame of what is seen where nothing is, in the output's layout."""
    length: int

    def needs(self, span: Span) -> Sequence[Need]:
        """The frames of every image."""
        return [(node, span) for node in leaves_of(self.image)]

    def render(self, span: Span, inputs: Inputs) -> FrameBatch:
        """The frames of ``span``, one after the other so that memory holds one composition."""
        given = {id(node): self._given(inputs.of(node, span)) for node in leaves_of(self.image)}
        planes: tuple[Plane, ...] = tuple(np.repeat(plane, len(span), axis=0) for plane in self.black.planes)
        for row in range(len(span)):
            layer = self._layer(self.image, span.start + row, row, given)
            if layer is not None:
                self._write(layer, planes, row)
        index = np.arange(span.start, span.stop, dtype=np.int64)
        return FrameBatch(planes, self.layout, self.color, index, index, self.black.time_base, self.black.rate)

    def _given(self, batch: FrameBatch) -> tuple[FrameBatch, Values | FrameBatch]:
        """Colours in the output's layout and size, and opacity: the fitted frames that carry it, or values."""
        place = place_in_frame(batch.stored_size_px, self.size_px, self.fit, batch.layout)
        fitted = fit_frames(batch, self.size_px, self.fit)
        colours = convert_frames(_colours(fitted), without_alpha(self.layout), self.color)
        if batch.layout.alpha:
            return colours, fitted
        if batch.stored_size_px == self.size_px or place.fills(self.size_px):
            return colours, _OPAQUE
        seen = np.zeros((self.size_px[1], self.size_px[0]), np.float32)
        seen[place.covered(self.size_px)] = 1
        return colours, seen

    def _layer(self, image: Image[ShownNode], frame: int, row: int, given: Given) -> Layer | None:
        match image:
            case Gap():
                return None
            case Dissolve(first=first, second=second):
                one, other = (self._layer(part, frame, row, given) for part in (first, second))
                return _mixed(one, other, np.float32(image.share(frame)), self.layout)
            case Over(top=top, below=below):
                upper, lower = (self._layer(part, frame, row, given) for part in (top, below))
                return _over(upper, lower, self.layout)
            case node:
                return _read(*given[id(node)], row)

    def _write(self, layer: Layer, planes: tuple[Plane, ...], row: int) -> None:
        if not self.layout.alpha:
            under = Layer(tuple(plane[row].astype(np.float32) for plane in planes), _OPAQUE)
            layer = _over(layer, under, self.layout) or layer
        for plane, values in zip(planes, layer.planes, strict=False):
            plane[row] = np.rint(values)
        if self.layout.alpha:
            planes[-1][row] = np.rint(layer.alpha * np.float32((1 << self.layout.depth) - 1))


def _colours(batch: FrameBatch) -> FrameBatch:
    """The batch without its plane of alpha."""
    if not batch.layout.alpha:
        return batch
    return replace(batch, planes=batch.planes[:-1], layout=without_alpha(batch.layout))


def _read(colours: FrameBatch, opacity: Values | FrameBatch, row: int) -> Layer:
    planes = tuple(plane[row].astype(np.float32) for plane in colours.planes)
    if isinstance(opacity, FrameBatch):
        alpha = opacity.planes[-1][row].astype(np.float32) / np.float32((1 << opacity.layout.depth) - 1)
        return Layer(planes, alpha)
    return Layer(planes, opacity)


def _mixed(first: Layer | None, second: Layer | None, share: np.float32, layout: PixelLayout) -> Layer | None:
    """Both images, the second one with its share; what is missing fades to nothing."""
    if first is None or second is None:
        only, left = (second, share) if first is None else (first, 1 - share)
        return None if only is None else Layer(only.planes, np.asarray(only.alpha * left, np.float32))
    weights = np.asarray(first.alpha * (1 - share), np.float32), np.asarray(second.alpha * share, np.float32)
    return _weighed(first, second, weights, layout)


def _over(upper: Layer | None, lower: Layer | None, layout: PixelLayout) -> Layer | None:
    if upper is None or lower is None:
        return upper or lower
    return _weighed(upper, lower, (upper.alpha, np.asarray(lower.alpha * (1 - upper.alpha), np.float32)), layout)


def _weighed(first: Layer, second: Layer, weights: tuple[Values, Values], layout: PixelLayout) -> Layer:
    """Colours by their weights, whose sum is the opacity of the result."""
    planes = []
    for position, (one, other) in enumerate(zip(first.planes, second.planes, strict=True)):
        shift = layout.chroma_shift if layout.family == "yuv" and position else (0, 0)
        own, its = (_subsampled(weight, shift, one.shape) for weight in weights)
        total = own + its
        share = np.divide(its, total, out=np.zeros_like(total), where=total > 0)
        # Written so that a share of 0 or 1 gives back the very code values.
        planes.append(np.where(share == 1, other, one + (other - one) * share).astype(np.float32))
    return Layer(tuple(planes), np.asarray(weights[0] + weights[1], np.float32))


def _subsampled(values: Values, shift: tuple[int, int], shape: tuple[int, ...]) -> Values:
    """The mean of what each chroma sample covers; the last ones of an odd size cover what is there."""
    if values.shape == (1, 1) or values.shape == shape:
        return values
    down, across = 1 << shift[1], 1 << shift[0]
    height, width = shape[0] * down, shape[1] * across
    padded = np.pad(values, ((0, height - values.shape[0]), (0, width - values.shape[1])), mode="edge")
    return np.asarray(padded.reshape(shape[0], down, shape[1], across).mean(axis=(1, 3)), np.float32)
