"""Frames of random code values in every kind of layout."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout, Plane

UNTAGGED = ColorInfo()
FAMILIES = [
    *(
        PixelLayout(f"yuv{shape}p{ending}", "yuv", depth, shift)
        for shape, shift in (("420", (1, 1)), ("422", (1, 0)), ("444", (0, 0)))
        for depth, ending in ((8, ""), (10, "10le"), (12, "12le"))
    ),
    PixelLayout("yuva420p", "yuv", 8, (1, 1), alpha=True),
    PixelLayout("gbrp", "rgb", 8),
    PixelLayout("gbrp10le", "rgb", 10),
    PixelLayout("gbrap", "rgb", 8, alpha=True),
    PixelLayout("gray", "gray", 8),
    PixelLayout("gray12le", "gray", 12),
]

layouts = st.sampled_from(FAMILIES)
colors = st.builds(ColorInfo, matrix=st.sampled_from([0, 1, 2, 4, 5, 6, 7, 9, 10]), range=st.integers(0, 2))
sizes = st.tuples(st.integers(1, 33), st.integers(1, 33))
even = st.integers(-20, 20).map(lambda half: 2 * half)
origins = st.tuples(even, even)
windows = st.tuples(st.integers(1, 16), st.integers(1, 16)).map(lambda half: (2 * half[0], 2 * half[1]))
seeds = st.integers(0, 2**16)


def plane_sizes(layout: PixelLayout, size_px: tuple[int, int]) -> list[tuple[int, int]]:
    """(width, height) of each plane."""
    x, y = layout.chroma_shift
    width, height = size_px
    chroma = (-(-width // (1 << x)), -(-height // (1 << y)))
    return [chroma if number in (1, 2) and layout.family == "yuv" else size_px for number in range(layout.num_planes)]


def batch_of(planes: tuple[Plane, ...], layout: PixelLayout, color: ColorInfo = UNTAGGED) -> FrameBatch:
    index = np.arange(len(planes[0]), dtype=np.int64)
    return FrameBatch(planes, layout, color, index, index, Fraction(1, 25), Fraction(25))


def noise(
    layout: PixelLayout, size_px: tuple[int, int], seed: int, color: ColorInfo = UNTAGGED, count: int = 1
) -> FrameBatch:
    """Frames of any code values that the depth allows."""
    rng = np.random.default_rng(seed)
    kind = np.uint8 if layout.depth == 8 else np.uint16
    planes = tuple(
        rng.integers(0, 1 << layout.depth, (count, height, width), dtype=kind)
        for width, height in plane_sizes(layout, size_px)
    )
    return batch_of(planes, layout, color)
