from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.frames import ColorInfo, PixelLayout
from dpe_toolkit.geometry import code_scale, rgb_from_yuv_matrix, yuv_from_rgb_matrix
from tests.geometry.batches import colors, layouts

YUV = PixelLayout("yuv420p", "yuv", 8, (1, 1))
heights = st.integers(1, 4320)


@given(colors, heights)
def test_the_two_matrices_are_each_others_inverse(color: ColorInfo, height: int) -> None:
    product = rgb_from_yuv_matrix(color, height) @ yuv_from_rgb_matrix(color, height)
    np.testing.assert_allclose(product, np.eye(3), atol=1e-5)


@given(colors, heights)
def test_white_has_full_luma_and_no_chroma_and_primaries_span_the_chroma(color: ColorInfo, height: int) -> None:
    matrix = yuv_from_rgb_matrix(color, height)
    np.testing.assert_allclose(matrix @ np.ones(3), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose([matrix[1, 2], matrix[2, 0]], 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "wanted"),
    [
        (1, [[1, 0, 1.5748], [1, -0.187324, -0.468124], [1, 1.8556, 0]]),
        (6, [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]),
        (9, [[1, 0, 1.4746], [1, -0.164553, -0.571353], [1, 1.8814, 0]]),
    ],
    ids=["BT.709", "BT.601", "BT.2020"],
)
def test_matrices_are_those_of_the_recommendations(matrix: int, wanted: list[list[float]]) -> None:
    np.testing.assert_allclose(rgb_from_yuv_matrix(ColorInfo(matrix=matrix), 1080), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("matrix", "codes"),
    [
        (1, [(63, 102, 240), (173, 42, 26), (32, 240, 118)]),
        (5, [(81, 90, 240), (145, 54, 34), (41, 240, 110)]),
        (6, [(81, 90, 240), (145, 54, 34), (41, 240, 110)]),
    ],
    ids=["BT.709", "BT.470 BG", "SMPTE 170M"],
)
def test_primaries_get_the_8_bit_codes_that_test_patterns_have(matrix: int, codes: list[tuple[int, ...]]) -> None:
    color = ColorInfo(matrix=matrix, range=1)
    scale = code_scale(YUV, color)
    signal = yuv_from_rgb_matrix(color, 1080).T
    found = np.rint(
        signal * [scale.luma_scale, scale.chroma_scale, scale.chroma_scale]
        + [scale.luma_offset, scale.chroma_offset, scale.chroma_offset]
    )
    np.testing.assert_array_equal(found, codes)


def test_an_untagged_picture_is_bt709_from_720_lines_on_and_bt601_below() -> None:
    untagged = ColorInfo()
    for height, matrix in ((576, 6), (719, 6), (720, 1), (2160, 1)):
        np.testing.assert_array_equal(
            yuv_from_rgb_matrix(untagged, height), yuv_from_rgb_matrix(ColorInfo(matrix=matrix), height)
        )


@pytest.mark.parametrize(
    ("layout", "color", "black", "white", "middle"),
    [
        (YUV, ColorInfo(range=1), 16, 235, 128),
        (YUV, ColorInfo(range=0), 16, 235, 128),
        (YUV, ColorInfo(range=2), 0, 255, 128),
        (PixelLayout("yuv420p10le", "yuv", 10, (1, 1)), ColorInfo(range=1), 64, 940, 512),
        (PixelLayout("yuv420p12le", "yuv", 12, (1, 1)), ColorInfo(range=1), 256, 3760, 2048),
        (PixelLayout("gbrp", "rgb", 8), ColorInfo(range=0), 0, 255, 128),
        (PixelLayout("gbrp10le", "rgb", 10), ColorInfo(range=1), 64, 940, 512),
    ],
    ids=lambda value: value.name if isinstance(value, PixelLayout) else None,
)
def test_black_and_white_have_the_codes_of_range_and_depth(
    layout: PixelLayout, color: ColorInfo, black: int, white: int, middle: int
) -> None:
    scale = code_scale(layout, color)
    assert (scale.luma_offset, scale.luma_offset + scale.luma_scale, scale.chroma_offset) == (black, white, middle)
    assert scale.maximum == (1 << layout.depth) - 1


@given(layouts, colors)
def test_black_and_white_lie_within_the_codes(layout: PixelLayout, color: ColorInfo) -> None:
    scale = code_scale(layout, color)
    assert scale.luma_offset >= 0
    assert scale.luma_offset + scale.luma_scale <= scale.maximum
