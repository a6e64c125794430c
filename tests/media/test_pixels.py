from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation, VideoReformatter
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.pixels import _EQUIVALENT, copy_into, copy_out, empty_planes, layout_of, plane_sizes

PLANAR = ["yuv420p", "yuv422p10le", "yuv440p", "yuv444p16le", "yuva420p", "gbrp", "gbrap12le", "gray", "gray10le"]
ONE_WAY = {"pal8", "monow", "monob"}


@given(name=st.sampled_from(PLANAR), width=st.integers(1, 70), height=st.integers(1, 50), seed=st.integers(0, 99))
def test_planes_survive_the_way_into_a_frame_and_back(name: str, width: int, height: int, seed: int) -> None:
    layout = layout_of(name)
    planes = empty_planes(layout, 2, width, height)
    for plane in planes:
        plane[:] = np.random.default_rng(seed).integers(0, 1 << layout.depth, plane.shape)
    frame = av.VideoFrame(width, height, name)
    copy_into(planes, 1, frame)
    back = empty_planes(layout, 2, width, height)
    copy_out(frame, back, 0)
    for before, after in zip(planes, back, strict=True):
        np.testing.assert_array_equal(before[1], after[0])


@pytest.mark.parametrize("packed", sorted(set(_EQUIVALENT) - ONE_WAY))
def test_a_packed_format_holds_the_same_values_as_its_planar_one(packed: str) -> None:
    layout = layout_of(packed)
    planes = empty_planes(layout, 1, 64, 48)
    for number, plane in enumerate(planes):
        plane[:] = np.random.default_rng(number).integers(0, 1 << layout.depth, plane.shape)
    if packed == "ya8":
        planes[1][:] = planes[2][:] = planes[0]
    frame = av.VideoFrame(64, 48, layout.name)
    copy_into(planes, 0, frame)
    there = VideoReformatter().reformat(frame, format=packed, interpolation=Interpolation.POINT)
    back = VideoReformatter().reformat(there, format=layout.name, interpolation=Interpolation.POINT)
    found = empty_planes(layout, 1, 64, 48)
    copy_out(back, found, 0)
    for before, after in zip(planes, found, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yuvj420p", ("yuv420p", "yuv", 8, (1, 1), False)),
        ("yuv422p10be", ("yuv422p10le", "yuv", 10, (1, 0), False)),
        ("yuva444p12le", ("yuva444p12le", "yuv", 12, (0, 0), True)),
        ("rgb24", ("gbrp", "rgb", 8, (0, 0), False)),
        ("gbrap16le", ("gbrap16le", "rgb", 16, (0, 0), True)),
        ("gray10be", ("gray10le", "gray", 10, (0, 0), False)),
        ("p010le", ("yuv420p10le", "yuv", 10, (1, 1), False)),
    ],
)
def test_a_pixel_format_is_named_by_its_planar_layout(name: str, expected: tuple[object, ...]) -> None:
    layout = layout_of(name)
    assert (layout.name, layout.family, layout.depth, layout.chroma_shift, layout.alpha) == expected


@pytest.mark.parametrize("name", ["gbrpf32le", "yuv411p", "yuv410p", "xyz12le", "bayer_rggb8", "ya16le", "grayf32le"])
def test_other_pixel_formats_are_refused_by_name(name: str) -> None:
    with pytest.raises(MediaError, match=f"The pixel format is {name}.*convert the file"):
        layout_of(name)


def test_chroma_of_an_odd_size_is_rounded_up() -> None:
    assert plane_sizes(layout_of("yuv420p"), 63, 47) == [(63, 47), (32, 24), (32, 24)]
