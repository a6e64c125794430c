from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.geometry import full_rgb, sample_rgb
from tests.geometry.batches import batch_of, colors, layouts, noise, plane_sizes, seeds, sizes

IDENTITY = np.eye(2, 3, dtype=np.float32)
REC709 = ColorInfo(matrix=1, range=1)


def smooth(layout: PixelLayout, size_px: tuple[int, int]) -> FrameBatch:
    """A frame of slow waves, the same in every plane whatever its resolution."""
    planes = []
    for number, (width, height) in enumerate(plane_sizes(layout, size_px)):
        x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        wave = 0.5 + 0.2 * np.sin(3 * x[None] + 2 * y[:, None] + number)
        planes.append(np.rint(wave * ((1 << layout.depth) - 1))[None].astype(np.uint16))
    return batch_of(tuple(p if layout.depth > 8 else p.astype(np.uint8) for p in planes), layout, REC709)


@given(layouts.filter(lambda layout: layout.chroma_shift == (0, 0)), colors, sizes, seeds)
@settings(deadline=None, max_examples=60)
def test_the_sample_of_the_whole_frame_is_the_whole_frame(
    layout: PixelLayout, color: ColorInfo, size: tuple[int, int], seed: int
) -> None:
    frames = noise(layout, size, seed, color)
    assert np.abs(sample_rgb(frames, 0, IDENTITY, size) * 255 - full_rgb(frames, 0)).max() <= 0.51


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv420p10le", "yuv422p12le"])
@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_subsampled_frames_are_sampled_as_they_are_shown(name: str, size: tuple[int, int]) -> None:
    shift = (1, 1) if "420" in name else (1, 0)
    depth = int(name.partition("p")[2][:2] or 8)
    frames = smooth(PixelLayout(name, "yuv", depth, shift), size)
    assert np.abs(sample_rgb(frames, 0, IDENTITY, size) * 255 - full_rgb(frames, 0)).max() < 4


@given(layouts, sizes, seeds)
@settings(deadline=None, max_examples=60)
def test_a_whole_frame_is_8_bit_rgb_of_the_frames_own_size(
    layout: PixelLayout, size: tuple[int, int], seed: int
) -> None:
    shown = full_rgb(noise(layout, size, seed, count=2), 1)
    assert shown.shape == (size[1], size[0], 3)
    assert shown.dtype == np.uint8


@given(
    scale=st.floats(0.3, 7),
    angle=st.floats(-3.1, 3.1),
    centre=st.tuples(st.floats(90, 170), st.floats(90, 170)),
    across=st.booleans(),
)
@settings(deadline=None, max_examples=80)
def test_a_sample_shows_the_places_that_its_map_names(
    scale: float, angle: float, centre: tuple[float, float], across: bool
) -> None:
    ramp = np.broadcast_to(np.rint((np.arange(256) + 0.5) * 15), (256, 256))
    frames = batch_of(((ramp if across else ramp.T)[None].astype(np.uint16),), PixelLayout("gray12le", "gray", 12))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_frame = np.concatenate([turn, (np.array(centre) - turn @ [8, 8])[:, None]], axis=1).astype(np.float32)
    seen = sample_rgb(frames, 0, to_frame, (16, 16))[..., 0] * 4095 / 15
    pixel = np.stack(np.meshgrid(np.arange(16) + 0.5, np.arange(16) + 0.5), axis=-1)
    place = (pixel @ to_frame[:, :2].T + to_frame[:, 2])[..., 0 if across else 1]
    inside = (place > 16) & (place < 240)
    np.testing.assert_allclose(seen[inside], place[inside], atol=0.1 + 0.1 * scale)


@given(layouts, st.floats(0.2, 9), seeds)
@settings(deadline=None, max_examples=40)
def test_samples_stay_in_range_and_repeat_the_border_outside(layout: PixelLayout, scale: float, seed: int) -> None:
    frames = noise(layout, (20, 14), seed, REC709)
    around = np.array([[scale, 0, -9 * scale], [0, scale, -9 * scale]], np.float32)
    seen = sample_rgb(frames, 0, around, (24, 24))
    assert seen.dtype == np.float32
    assert 0 <= seen.min() <= seen.max() <= 1
    far = np.array([[1, 0, 500], [0, 1, 500]], np.float32)
    outside = sample_rgb(frames, 0, far, (4, 4))
    corner = full_rgb(frames, 0)[-1, -1] if layout.chroma_shift == (0, 0) else None
    assert np.ptp(outside, axis=(0, 1)).max() < 1e-6
    if corner is not None:
        assert np.abs(outside[0, 0] * 255 - corner).max() <= 0.51


@pytest.mark.parametrize(
    "scale",
    [6, 8],
)
def test_shrinking_averages_what_it_leaves_out(scale: int) -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), 120)
    frames = batch_of((np.tile(stripes, (240, 1))[None],), PixelLayout("gray", "gray", 8))
    seen = sample_rgb(frames, 0, np.array([[scale, 0, 0], [0, scale, 0]], np.float32), (240 // scale, 240 // scale))
    np.testing.assert_allclose(seen, 0.5, atol=0.01)
