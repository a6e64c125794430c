from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.frames import ColorInfo, FrameBatch, PixelLayout
from dpe_toolkit.geometry import code_scale, window_rgb, write_window, yuv_from_rgb_matrix
from tests.geometry.batches import (
    FAMILIES,
    batch_of,
    colors,
    layouts,
    noise,
    origins,
    plane_sizes,
    seeds,
    sizes,
    windows,
)

Pair = tuple[int, int]


def cells(frames: FrameBatch, origin: Pair, shown: np.ndarray) -> list[np.ndarray]:
    """Which samples of each plane have, in their cell, a sample of the window (h, w) that is shown."""
    width, height = (2 * (-(-length // 2)) for length in frames.size_px)
    x, y = (np.arange(length) - start for length, start in zip((width, height), origin, strict=True))
    inside = ((y >= 0) & (y < shown.shape[0]))[:, None] & ((x >= 0) & (x < shown.shape[1]))[None]
    inside &= shown[np.clip(y, 0, shown.shape[0] - 1)[:, None], np.clip(x, 0, shown.shape[1] - 1)[None]]
    found = []
    for number, (across, down) in enumerate(plane_sizes(frames.layout, frames.size_px)):
        chroma = number in (1, 2) and frames.layout.family == "yuv"
        step_x, step_y = (1 << shift if chroma else 1 for shift in frames.layout.chroma_shift)
        grid = inside.reshape(height // step_y, step_y, width // step_x, step_x).any(axis=(1, 3))
        found.append(grid[None, :down, :across])
    return found


def at(origin: Pair, count: int = 1) -> np.ndarray:
    return np.tile(np.array([origin], np.int64), (count, 1))


@given(layouts, colors, sizes, origins, windows, seeds)
@settings(deadline=None, max_examples=150)
def test_a_window_of_one_frame_written_into_another_carries_its_codes_over_bit_for_bit(
    layout: PixelLayout, color: ColorInfo, size: Pair, origin: Pair, window: Pair, seed: int
) -> None:
    frames, other = noise(layout, size, seed, color), noise(layout, size, seed + 1, color)
    source, edited = (window_rgb(each, at(origin), window) for each in (frames, other))
    written = write_window(frames, at(origin), source, edited, torch.ones(1, 1, *window[::-1]))
    areas = cells(frames, origin, np.ones(window[::-1], bool))
    for number, (before, wanted, after) in enumerate(zip(frames.planes, other.planes, written.planes, strict=True)):
        if layout.alpha and number == layout.num_planes - 1:
            wanted = before
        np.testing.assert_array_equal(after, np.where(areas[number], wanted, before))


@given(layouts, colors, sizes, origins, windows, seeds)
@settings(deadline=None, max_examples=100)
def test_an_unchanged_window_keeps_every_code_under_any_matte(
    layout: PixelLayout, color: ColorInfo, size: Pair, origin: Pair, window: Pair, seed: int
) -> None:
    frames = noise(layout, size, seed, color)
    pixels = window_rgb(frames, at(origin), window)
    matte = torch.rand(1, 1, *window[::-1], generator=torch.Generator().manual_seed(seed))
    for before, after in zip(
        frames.planes, write_window(frames, at(origin), pixels, pixels.clone(), matte).planes, strict=True
    ):
        np.testing.assert_array_equal(after, before)


@given(layouts, colors, sizes, origins, windows, seeds)
@settings(deadline=None, max_examples=100)
def test_codes_change_only_where_the_matte_of_their_cell_is_above_0(
    layout: PixelLayout, color: ColorInfo, size: Pair, origin: Pair, window: Pair, seed: int
) -> None:
    frames = noise(layout, size, seed, color)
    before = [plane.copy() for plane in frames.planes]
    pixels = window_rgb(frames, at(origin), window)
    shown = np.random.default_rng(seed).random(window[::-1]) < 0.1
    matte = torch.from_numpy(shown.astype(np.float32))[None, None]
    written = write_window(frames, at(origin), pixels, 1 - pixels, matte)
    areas = cells(frames, origin, shown)
    for area, own, old, new in zip(areas, frames.planes, before, written.planes, strict=True):
        np.testing.assert_array_equal(own, old, err_msg="the planes handed in were written to")
        assert new.dtype == old.dtype
        np.testing.assert_array_equal(new[~area], old[~area])


@given(layouts, sizes, origins, windows, seeds)
@settings(deadline=None, max_examples=80)
def test_a_window_shows_the_nearest_pixels_of_the_frame_where_it_leaves_it(
    layout: PixelLayout, size: Pair, origin: Pair, window: Pair, seed: int
) -> None:
    frames = noise(layout, size, seed, ColorInfo(matrix=1, range=1))
    seen = window_rgb(frames, at(origin), window)[0]
    scale = code_scale(layout, frames.color)
    x, y = (np.clip(np.arange(n) + o, 0, s - 1) for n, o, s in zip(window, origin, size, strict=True))
    first = (frames.planes[0][0][y[:, None], x[None]] - scale.luma_offset) / scale.luma_scale
    shown = seen[1] if layout.family != "yuv" else torch.tensor([0.2126, 0.7152, 0.0722]) @ seen.flatten(1)
    np.testing.assert_allclose(shown.reshape(window[::-1]).numpy(), first, atol=2e-5)


@given(layouts.filter(lambda layout: layout.family == "yuv"), colors, origins, windows, seeds)
@settings(deadline=None, max_examples=80)
def test_raised_chroma_averages_back_to_the_decoded_chroma(
    layout: PixelLayout, color: ColorInfo, origin: Pair, window: Pair, seed: int
) -> None:
    frames = noise(layout, (48, 40), seed, color)
    scale, (shift_x, shift_y) = code_scale(layout, color), layout.chroma_shift
    rgb = window_rgb(frames, at(origin), window)[0]
    yuv = torch.einsum("ij,jhw->ihw", torch.from_numpy(yuv_from_rgb_matrix(color, 40)), rgb)
    averaged = torch.nn.functional.avg_pool2d(yuv[1:], (1 << shift_y, 1 << shift_x)).numpy()
    x = np.clip((np.arange(window[0] >> shift_x)) + (origin[0] >> shift_x), 0, (48 >> shift_x) - 1)
    y = np.clip((np.arange(window[1] >> shift_y)) + (origin[1] >> shift_y), 0, (40 >> shift_y) - 1)
    for number in (0, 1):
        decoded = frames.planes[number + 1][0][y[:, None], x[None]]
        codes = averaged[number] * scale.chroma_scale + scale.chroma_offset
        np.testing.assert_allclose(codes, decoded, atol=0.01)


@pytest.mark.parametrize("layout", FAMILIES, ids=lambda layout: layout.name)
def test_a_half_matte_takes_codes_half_way_and_keeps_alpha(layout: PixelLayout) -> None:
    color = ColorInfo(matrix=1, range=1)
    frames, other = noise(layout, (16, 12), 3, color), noise(layout, (16, 12), 4, color)
    source, edited = (window_rgb(each, at((0, 0)), (16, 12)) for each in (frames, other))
    written = write_window(frames, at((0, 0)), source, edited, torch.full((1, 1, 12, 16), 0.5))
    colour_planes = layout.num_planes - int(layout.alpha)
    for before, wanted, after in list(zip(frames.planes, other.planes, written.planes, strict=True))[:colour_planes]:
        middle = (before.astype(np.float64) + wanted) / 2
        assert np.abs(after - middle).max() <= 0.51
    if layout.alpha:
        assert written.planes[-1] is frames.planes[-1]


def test_every_frame_has_a_window_of_its_own() -> None:
    frames = noise(FAMILIES[0], (32, 24), 5, count=3)
    places = np.array([[0, 0], [8, 4], [-6, 30]], np.int64)
    together = window_rgb(frames, places, (10, 8))
    edited = write_window(frames, places, together, together + 0.2, torch.ones(3, 1, 8, 10))
    for row in range(3):
        one = frames.take(slice(row, row + 1))
        alone = window_rgb(one, places[row : row + 1], (10, 8))
        torch.testing.assert_close(together[row : row + 1], alone, rtol=0, atol=0)
        written = write_window(one, places[row : row + 1], alone, alone + 0.2, torch.ones(1, 1, 8, 10))
        for plane, wanted in zip(edited.planes, written.planes, strict=True):
            np.testing.assert_array_equal(plane[row], wanted[0])
    np.testing.assert_array_equal(edited.planes[0][2], frames.planes[0][2], err_msg="a window wholly outside")
    np.testing.assert_array_equal(edited.pts, frames.pts)


def test_edits_beyond_black_and_white_stop_at_the_ends_of_the_codes() -> None:
    layout = FAMILIES[0]
    frames = noise(layout, (8, 8), 6)
    source = window_rgb(frames, at((0, 0)), (8, 8))
    matte = torch.ones(1, 1, 8, 8)
    bright = write_window(frames, at((0, 0)), source, source + 9, matte)
    dark = write_window(frames, at((0, 0)), source, source - 9, matte)
    assert bright.planes[0].min() == 255
    assert dark.planes[0].max() == 0


def test_planar_rgb_is_read_in_the_order_green_blue_red() -> None:
    planes = tuple(np.full((1, 4, 4), value, np.uint8) for value in (51, 102, 255))
    rgb = window_rgb(batch_of(planes, PixelLayout("gbrp", "rgb", 8)), at((0, 0)), (4, 4))
    torch.testing.assert_close(rgb[0, :, 0, 0], torch.tensor([1.0, 0.2, 0.4]))


@given(st.sampled_from([0.0, 0.25, 1.0]), layouts)
@settings(deadline=None, max_examples=30)
def test_grey_stays_grey_in_every_layout(level: float, layout: PixelLayout) -> None:
    color = ColorInfo(matrix=1, range=1)
    scale = code_scale(layout, color)
    luma = round(level * scale.luma_scale + scale.luma_offset)
    codes = [
        round(scale.chroma_offset) if layout.family == "yuv" and number in (1, 2) else luma
        for number in range(layout.num_planes)
    ]
    kind = np.uint8 if layout.depth == 8 else np.uint16
    planes = tuple(
        np.full((1, height, width), code, kind)
        for code, (width, height) in zip(codes, plane_sizes(layout, (8, 6)), strict=True)
    )
    seen = window_rgb(batch_of(planes, layout, color), at((0, 0)), (8, 6))
    torch.testing.assert_close(seen, torch.full_like(seen, level), atol=0.003, rtol=0)
