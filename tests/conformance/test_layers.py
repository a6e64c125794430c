"""Dissolves, layers, nesting and sizes: every output pixel comes from the frames computed by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dpe_toolkit.core.frames import FrameBatch, PixelLayout
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader
from dpe_toolkit.rendering import render_frame
from dpe_toolkit.testing import read_burn_ins
from tests.analysis import fakes
from tests.conformance.scenes import (
    Stage,
    black,
    clip,
    dissolve,
    gap,
    lane,
    numbers,
    shares,
    speed,
    stack,
    stretch,
    track,
)

ALPHA = PixelLayout("yuva420p", "yuv", 8, (1, 1), alpha=True)


def source(stage: Stage, name: str, span: Span) -> FrameBatch:
    with VideoReader(stage.folder / name) as reader:
        return reader.read(span)


def both(first: Any, second: Any) -> list[dict[int, int]]:
    return [{0: int(one), 1: int(other)} for one, other in zip(first, second, strict=True)]


@pytest.mark.parametrize(("before", "behind"), [(3, 5), (4, 0), (0, 4)])
def test_a_dissolve_mixes_the_handles_of_both_clips(stage: Stage, before: int, behind: int) -> None:
    length = before + behind
    plan = stage.plan(track(clip("a.mp4", 10, 20), dissolve(before, behind), clip("b.mp4", 15, 20)))
    result = stage.render(plan)
    first = 20 - before
    expected = lane(0, range(10, 10 + first))
    expected += both(range(10 + first, 30 + behind), range(15 - before, 15 + behind))
    expected += lane(1, range(15 + behind, 35))
    assert numbers(result) == expected
    rising = [(frame + 0.5) / length for frame in range(length)]
    np.testing.assert_allclose(shares(result, 1)[first : first + length], rising, atol=0.02)
    np.testing.assert_allclose(shares(result, 0)[first : first + length], [1 - one for one in rising], atol=0.02)


def test_every_code_value_of_a_dissolve_is_the_weighed_mean(stage: Stage) -> None:
    result = stage.render(stage.plan(track(clip("a.mp4", 10, 10), dissolve(2, 2), clip("b.mp4", 15, 10))))
    one, other = source(stage, "a.mp4", Span(18, 22)), source(stage, "b.mp4", Span(13, 17))
    for plane, first, second in zip(result.planes, one.planes, other.planes, strict=True):
        for frame in range(4):
            share = (frame + 0.5) / 4
            np.testing.assert_allclose(plane[8 + frame], first[frame] * (1 - share) + second[frame] * share, atol=0.501)


def test_a_dissolve_of_retimed_clips_follows_their_own_speeds(stage: Stage) -> None:
    track_ = track(clip("a.mp4", 10, 10, speed(2)), dissolve(2, 3), clip("b.mp4", 20, 10, speed(-1)))
    expected = lane(0, range(10, 26, 2)) + both(range(26, 36, 2), range(31, 26, -1)) + lane(1, range(26, 19, -1))
    assert stage.shown(track_) == expected


def test_fades_from_and_to_nothing(stage: Stage) -> None:
    result = stage.render(stage.plan(track(gap(4), dissolve(0, 4), clip("a.mp4", 10, 12), dissolve(4, 0), gap(4))))
    assert numbers(result) == black(4) + lane(0, range(10, 22)) + black(4)
    rising = [0.125, 0.375, 0.625, 0.875]
    np.testing.assert_allclose(shares(result, 0), [0] * 4 + rising + [1] * 4 + rising[::-1] + [0] * 4, atol=0.02)


def test_fades_at_the_ends_of_a_track(stage: Stage) -> None:
    result = stage.render(stage.plan(track(dissolve(0, 2), clip("a.mp4", 10, 6), dissolve(2, 0))))
    assert numbers(result) == lane(0, range(10, 16))
    np.testing.assert_allclose(shares(result, 0), [0.25, 0.75, 1, 1, 0.75, 0.25], atol=0.02)


def test_a_fade_on_an_upper_track_uncovers_the_lower(stage: Stage) -> None:
    upper = track(gap(2), clip("b.mp4", 30, 6), dissolve(4, 0), gap(2), name="V2")
    result = stage.render(stage.plan(track(clip("a.mp4", 10, 10)), upper))
    assert numbers(result) == lane(0, [10, 11]) + lane(1, [30, 31]) + both(range(14, 18), range(32, 36)) + lane(
        0, [18, 19]
    )
    np.testing.assert_allclose(shares(result, 1)[4:8], [0.875, 0.625, 0.375, 0.125], atol=0.02)


def test_a_dissolve_out_of_a_nested_stack_uses_what_the_stack_holds_beyond_its_range(stage: Stage) -> None:
    inner = stack(track(clip("a.mp4", 0, 30)), held=stretch(5, 10))
    shown = stage.shown(track(inner, dissolve(2, 3), clip("b.mp4", 20, 10)))
    assert shown == lane(0, range(5, 13)) + both(range(13, 18), range(18, 23)) + lane(1, range(23, 30))


def test_the_upper_of_two_opaque_pictures_hides_the_lower(stage: Stage) -> None:
    off = clip("c.mkv", 0, 4)
    off.enabled = False
    hidden = track(clip("c.mkv", 0, 20), name="V3")
    hidden.enabled = False
    shown = stage.shown(
        track(clip("a.mp4", 10, 20)), track(gap(5), clip("b.mp4", 0, 5), off, gap(1), name="V2"), hidden
    )
    assert shown == lane(0, range(10, 15)) + lane(1, range(5)) + lane(0, range(20, 30))


def test_a_transparent_picture_lies_over_the_lower_one(stage: Stage) -> None:
    title = stage.media("title.mkv", lane=3, layout=ALPHA)
    result = stage.render(stage.plan(track(clip("c.mkv", 10, 8)), track(gap(2), clip(title, 30, 4), name="V2")))
    under = lane(2, range(10, 18))
    for frame in range(4):
        under[2 + frame][3] = 30 + frame
    assert numbers(result) == under
    below = source(stage, "c.mkv", Span(10, 18))
    rows = 96 * 3 // 4
    np.testing.assert_array_equal(result.planes[0][:, :rows], below.planes[0][:, :rows])
    np.testing.assert_array_equal(result.planes[1][:, : rows // 2], below.planes[1][:, : rows // 2])


def test_a_transparent_picture_over_nothing_lies_over_black(stage: Stage) -> None:
    title = stage.media("title.mkv", lane=3, layout=ALPHA)
    inner = stack(track(clip("a.mp4", 10, 4)), track(clip(title, 30, 8), name="V2"))
    assert stage.shown(track(inner)) == [{0: 10 + n, 3: 30 + n} for n in range(4)] + lane(3, range(34, 38))


def test_two_transparent_pictures_dissolve_over_the_lower_one(stage: Stage) -> None:
    first = stage.media("title.mkv", lane=3, layout=ALPHA)
    second = stage.media("other.mkv", lane=1, layout=ALPHA)
    upper = track(clip(first, 10, 4), dissolve(2, 2), clip(second, 20, 4), name="V2")
    result = stage.render(stage.plan(track(clip("a.mp4", 0, 8)), upper))
    assert [sorted(one.items()) for one in numbers(result)] == [
        sorted(({0: n} | ({3: 10 + n} if n < 6 else {}) | ({1: 16 + n} if n > 1 else {})).items()) for n in range(8)
    ]
    np.testing.assert_allclose(shares(result, 0), [1] * 8, atol=0.02)


def test_gaps_may_be_transparent(stage: Stage) -> None:
    plan = stage.plan(track(clip("a.mp4", 10, 3), gap(2), clip("a.mp4", 20, 3), dissolve(2, 0)), gaps="transparent")
    result = stage.render(plan)
    assert result.layout.alpha
    assert numbers(result)[:5] == lane(0, [10, 11, 12]) + black(2)
    alpha = [float(plane.mean()) / 255 for plane in result.planes[-1]]
    np.testing.assert_allclose(alpha, [1, 1, 1, 0, 0, 1, 0.75, 0.25], atol=0.01)


def place(size: tuple[int, int], area: tuple[int, int, int, int], frames: FrameBatch) -> list[dict[int, int]]:
    left, top, width, height = area
    luma = frames.planes[0][:, top : top + height, left : left + width]
    beside = frames.planes[0].copy()
    beside[:, top : top + height, left : left + width] = 16
    assert (beside == 16).all()
    return [{lane: one.number for lane, one in read_burn_ins(one).items()} for one in luma]


@pytest.mark.parametrize(
    ("size", "area"),
    [
        ((336, 192), (0, 0, 168, 96)),
        ((168, 192), (42, 0, 84, 96)),
        ((336, 96), (0, 24, 168, 48)),
    ],
)
def test_a_picture_of_another_size_is_shown_whole_with_bars(
    stage: Stage, size: tuple[int, int], area: tuple[int, int, int, int]
) -> None:
    name = stage.media(f"size{size[0]}x{size[1]}.mkv", lane=1, size_px=size)
    result = stage.render(stage.plan(track(clip("a.mp4", 0, 2), clip("a.mp4", 2, 2), clip(name, 10, 4))))
    assert result.size_px == (168, 96)
    assert place(size, area, result.take(slice(4, 8))) == lane(1, range(10, 14))


def test_a_picture_may_fill_the_frame_or_keep_its_pixels(stage: Stage) -> None:
    wide = stage.media("wide.mkv", lane=1, size_px=(336, 96))
    small = stage.media("small.mkv", lane=1, size_px=(120, 64))
    items = [clip("a.mp4", 0, 2), clip("a.mp4", 2, 2), clip(wide, 10, 2)]
    filled = stage.render(stage.plan(track(*items), fit="fill"))
    original = source(stage, "wide.mkv", Span(10, 12))
    np.testing.assert_array_equal(filled.planes[0][4:], original.planes[0][:, :, 84:252])
    items[2] = clip(small, 10, 2)
    kept = stage.render(stage.plan(track(*items), fit="none"))
    assert place((120, 64), (24, 16, 120, 64), kept.take(slice(4, 6))) == lane(1, [10, 11])


def test_bars_uncover_the_lower_track(stage: Stage) -> None:
    tall = stage.media("size168x192.mkv", lane=1, size_px=(168, 192))
    result = stage.render(
        stage.plan(track(clip("c.mkv", 10, 4), clip("c.mkv", 20, 4)), track(clip(tall, 10, 4), name="V2"))
    )
    below = source(stage, "c.mkv", Span(10, 14))
    np.testing.assert_array_equal(result.planes[0][:4, :, :42], below.planes[0][:, :, :42])
    assert [read_burn_ins(one[:, 42:126])[1].number for one in result.planes[0][:4]] == [10, 11, 12, 13]


def test_layers_of_other_layouts_and_rates_meet(stage: Stage) -> None:
    deep = stage.media(
        "deep.mkv", lane=1, num_frames=80, rate=Fraction(50), layout=PixelLayout("yuv422p10le", "yuv", 10, (1, 0))
    )
    items = [clip("a.mp4", 0, 10), dissolve(2, 2), clip(deep, 40, 20, rate=50), clip("a.mp4", 0, 2)]
    assert stage.shown(track(*items)) == (
        lane(0, range(8)) + both(range(8, 12), range(36, 44, 2)) + lane(1, range(44, 60, 2)) + lane(0, [0, 1])
    )


def test_a_part_of_a_dissolve_is_as_in_the_whole(stage: Stage) -> None:
    plan = stage.plan(track(clip("a.mp4", 10, 12), dissolve(5, 4), clip("b.mp4", 15, 12)))
    whole = stage.render(plan)
    part = stage.render(plan.trim(Span(9, 14)))
    for plane, other in zip(whole.planes, part.planes, strict=True):
        np.testing.assert_array_equal(plane[9:14], other)


def test_a_frame_of_a_dissolve_alone_is_as_in_the_whole(stage: Stage) -> None:
    plan = stage.plan(track(clip("a.mp4", 10, 12), dissolve(5, 4), clip("b.mp4", 15, 12, speed(-1))))
    whole = stage.render(plan)
    for frame in (3, 9, 14, 20):
        alone = render_frame(plan, frame, registry=fakes.Registry(), device="cpu", cache_dir=stage.folder / "cache")
        for plane, other in zip(whole.planes, alone.result.planes, strict=True):
            np.testing.assert_array_equal(plane[frame], other[0])
        assert alone.amount == 0
