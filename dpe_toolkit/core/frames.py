"""Decoded frames: native planes as the decoder gave them, and how their numbers mean colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.shapes import expect_shape

__all__ = ["ColorInfo", "FrameBatch", "PixelLayout", "Plane", "RgbView"]

Plane = npt.NDArray[np.uint8 | np.uint16]
"""Code values of one plane of N frames, (N, h, w)."""


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How an image lies in planes."""

    name: str
    """FFmpeg pixel format, e.g. ``yuv420p`` or ``gbrp10le``."""
    family: Literal["yuv", "rgb", "gray"]
    """``yuv``: planes Y, Cb, Cr; ``rgb``: planes in the order of FFmpeg's planar RGB: G, B, R; ``gray``: Y."""
    depth: int
    """Bits that carry a code value, 8 to 16."""
    chroma_shift: tuple[int, int] = (0, 0)
    """log2 of the chroma subsampling, (x, y): (1, 1) is 4:2:0, (1, 0) is 4:2:2."""
    alpha: bool = False
    """A last plane carries alpha; it is written back untouched."""

    @property
    def num_planes(self) -> int:
        """Planes, alpha included."""
        return (1 if self.family == "gray" else 3) + int(self.alpha)


@dataclass(frozen=True, slots=True)
class ColorInfo:
    """What code values mean, as FFmpeg's (H.273) numbers, so that any tag passes through unchanged."""

    matrix: int = 2
    """Matrix coefficients; 2 = unspecified, 1 = BT.709, 5 or 6 = BT.601, 9 = BT.2020, 0 = RGB."""
    transfer: int = 2
    """Transfer characteristics; 2 = unspecified."""
    primaries: int = 2
    """Colour primaries; 2 = unspecified."""
    range: int = 0
    """0 = unspecified (taken as limited for YUV, full for RGB), 1 = limited, 2 = full."""
    chroma_location: int = 0
    """Chroma siting; 0 = unspecified (taken as left), 1 = left, 2 = centre, 3 = top left."""


class RgbView(Protocol):
    """A reversible change of colours between what a file encodes and what analysis and networks are shown."""

    def shown(self, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What (..., 3) encoded RGB looks like to analysis and networks; the input is not changed."""
        ...

    def encoded(self, rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The inverse of `shown`, up to rounding."""
        ...


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """N decoded frames of one clip. Nobody mutates the planes of a batch that was handed to him."""

    planes: tuple[Plane, ...]
    """Native code values, one array a plane, (N, h, w), uint8 or uint16; chroma planes are subsampled."""
    layout: PixelLayout
    color: ColorInfo
    index: npt.NDArray[np.int64]
    """(N,) 0-based frame index in the media."""
    pts: npt.NDArray[np.int64]
    """(N,) presentation time in ``time_base``."""
    time_base: Fraction
    rate: Fraction
    """Frames a second."""
    pixel_aspect: Fraction = Fraction(1)
    """Width of a stored pixel over its height."""
    view: RgbView | None = None
    """How analysis and networks see the colours; None shows them the encoded RGB as it is."""

    def __post_init__(self) -> None:
        if len(self.planes) != self.layout.num_planes:
            raise ValueError(f"{self.layout.name} has {self.layout.num_planes} planes, got {len(self.planes)}")
        known = {"N": len(self.index)}
        expect_shape("pts", self.pts, ("N",), known)
        expect_shape("plane 0", self.planes[0], ("N", "H", "W"), known)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) in square pixels, in which windows, boxes and landmarks count."""
        width, height = self.stored_size_px
        return max(1, round(width * self.pixel_aspect)), height

    @property
    def stored_size_px(self) -> tuple[int, int]:
        """(width, height) of the luma plane; other than `size_px` only where pixels are not square."""
        _, height, width = self.planes[0].shape
        return int(width), int(height)

    def with_planes(self, planes: tuple[Plane, ...]) -> FrameBatch:
        """The same frames with other code values."""
        return replace(self, planes=planes)

    def take(self, rows: npt.NDArray[np.int64] | slice) -> FrameBatch:
        """The batch of these rows (positions in the batch, not frame indices)."""
        planes = tuple(plane[rows] for plane in self.planes)
        return replace(self, planes=planes, index=self.index[rows], pts=self.pts[rows])

    @classmethod
    def join(cls, batches: Sequence[FrameBatch]) -> FrameBatch:
        """The frames of several batches of one clip, one after the other; a single batch is itself."""
        first = batches[0]
        if len(batches) == 1:
            return first
        planes = tuple(np.concatenate(parts) for parts in zip(*(one.planes for one in batches), strict=True))
        index, pts = (np.concatenate(parts) for parts in zip(*((one.index, one.pts) for one in batches), strict=True))
        return replace(first, planes=planes, index=index, pts=pts)
