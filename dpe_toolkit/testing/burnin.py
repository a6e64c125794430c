"""Clips whose every frame carries its number in its pixels, so that a test can tell which frame it is shown.

A picture has four lanes, one below the other. A clip writes into one of them and leaves the others black: where
two clips are dissolved or laid over each other, each can be read in its own lane, with its share.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from dpe_toolkit.core.frames import FrameBatch, PixelLayout, Plane
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import OutputSettings, VideoWriter
from dpe_toolkit.testing.pictures import LAYOUTS, REC709, RgbPicture

__all__ = [
    "NUM_LANES",
    "BurnIn",
    "NumberedClip",
    "make_numbered_clip",
    "numbered_frames",
    "numbered_picture",
    "read_burn_ins",
]

NUM_LANES = 4
_BITS = 12
_CELLS = _BITS + 2
_BLACK, _WHITE = 16, 235
_FAINTEST = 0.03
_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedClip:
    """What a numbered clip is like."""

    num_frames: int = 50
    rate: Fraction = Fraction(25)
    size_px: tuple[int, int] = (168, 96)
    """(width, height), at least 112 by 32, both even."""
    lane: int = 0
    """0 is the uppermost."""
    layout: PixelLayout = LAYOUTS["yuv420p"]
    """A layout of YUV, with alpha perhaps: then the clip is opaque in its lane alone."""
    start_frame: int = 0
    """Frame number of the start timecode; it is not in the pictures, which count from 0."""
    settings: OutputSettings | None = None
    """None takes what the file's suffix asks for."""


@dataclass(frozen=True, slots=True)
class BurnIn:
    """What one lane of a picture says."""

    number: int
    """Frame of the clip, counted from its first."""
    share: float
    """How strongly it shows: 1 alone, less in a dissolve."""


def make_numbered_clip(path: Path, spec: NumberedClip | None = None) -> Path:
    """``path``, with the clip written into it."""
    spec = spec or NumberedClip()
    with VideoWriter(
        path,
        spec.settings or OutputSettings(),
        width=spec.size_px[0],
        height=spec.size_px[1],
        rate=spec.rate,
        layout=spec.layout,
        color=REC709,
        start_frame=spec.start_frame,
    ) as writer:
        for span in Span(0, spec.num_frames).split(_BATCH):
            writer.write(numbered_frames(spec, span))
    return path


def numbered_frames(spec: NumberedClip, span: Span) -> FrameBatch:
    """Frames of the clip, before they are encoded."""
    width, height = spec.size_px
    layout = spec.layout
    step = 1 << (layout.depth - 8)
    dtype = np.uint8 if layout.depth == 8 else np.uint16
    luma = np.full((len(span), height, width), _BLACK * step, dtype)
    rows = _lane_rows(height, spec.lane)
    for row, number in enumerate(span):
        for bit, (left, right) in zip(_code(number), pairwise(_edges(width)), strict=True):
            luma[row, rows, left:right] = (_WHITE if bit else _BLACK) * step
    across, down = layout.chroma_shift
    chroma = np.full((len(span), -(-height >> down), -(-width >> across)), 128 * step, dtype)
    planes: list[Plane] = [luma, chroma, chroma.copy()]
    if layout.alpha:
        alpha = np.zeros_like(luma)
        alpha[:, rows] = (1 << layout.depth) - 1
        planes.append(alpha)
    index = np.arange(span.start, span.stop, dtype=np.int64)
    return FrameBatch(tuple(planes), layout, REC709, index, index.copy(), 1 / spec.rate, spec.rate)


def numbered_picture(spec: NumberedClip, number: int) -> RgbPicture:
    """(H, W, 3) RGB of one frame, for pictures in files of their own."""
    luma = numbered_frames(spec, Span(number, number + 1)).planes[0][0]
    white = luma > luma.min()
    return np.repeat(np.where(white, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


def read_burn_ins(luma: Plane, *, depth: int = 8) -> dict[int, BurnIn]:
    """What each lane of a picture says, lanes that say nothing left out.

    Args:
        luma: (H, W) code values of limited range; of a scaled picture, the part that holds it.
        depth: bits of a code value.

    Raises:
        ValueError: a lane says something that is no number.
    """
    height, width = luma.shape
    found: dict[int, BurnIn] = {}
    for lane in range(NUM_LANES):
        rows = _lane_rows(height, lane)
        margin = (rows.stop - rows.start) // 4
        strip = luma[rows.start + margin : rows.stop - margin].astype(np.float64).mean(axis=0) / (1 << (depth - 8))
        levels = [
            (strip[left + (right - left) // 4 : right - (right - left) // 4].mean() - _BLACK) / (_WHITE - _BLACK)
            for left, right in pairwise(_edges(width))
        ]
        share = levels[0]
        if share < _FAINTEST:
            continue
        bits = np.array(levels[1:-1]) / share
        if np.any(np.abs(bits - 0.5) < 0.2) or abs(levels[-1]) > 0.3 * share:
            raise ValueError(f"lane {lane} is no number: its cells read {np.round(levels, 2).tolist()}")
        found[lane] = BurnIn(int("".join("1" if bit > 0.5 else "0" for bit in bits), 2), float(share))
    return found


def _code(number: int) -> list[int]:
    """White, the bits of the number with the highest first, black."""
    if not 0 <= number < 1 << _BITS:
        raise ValueError(f"frame number {number} does not fit {_BITS} bits")
    return [1, *((number >> bit) & 1 for bit in reversed(range(_BITS))), 0]


def _lane_rows(height: int, lane: int) -> slice:
    return slice(height * lane // NUM_LANES, height * (lane + 1) // NUM_LANES)


def _edges(width: int) -> list[int]:
    return [width * cell // _CELLS for cell in range(_CELLS + 1)]
