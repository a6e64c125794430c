"""Stills and image sequences: numbers read back from the output, missing pictures by policy."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import SequenceReader, sequence_of, write_png
from dpe_toolkit.testing import NumberedClip, numbered_picture
from tests.conformance.scenes import Stage, black, clip, dissolve, gap, lane, speed, stretch, track

KINDS = {
    ".png": ("png", "rgb24"),
    ".tif": ("tiff", "rgb48le"),
    ".dpx": ("dpx", "gbrp10le"),
    ".exr": ("exr", "gbrpf32le"),
}
ARCHIVE = NumberedClip(lane=1)


def write_picture(path: Path, number: int) -> None:
    rgb = numbered_picture(ARCHIVE, number)
    codec, form = KINDS[path.suffix]
    if codec == "png":
        write_png(path, rgb)
        return
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    if codec == "exr":
        frame = av.VideoFrame.from_ndarray(rgb.astype(np.float32) / 255, format=form)
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.time_base = frame.width, frame.height, form, Fraction(1, 25)
    if frame.format.name != form:
        frame = frame.reformat(format=form)
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))


def sequence(folder: Path, suffix: str, numbers: Any, *, first: int = 1001, prefix: str = "plate.") -> None:
    for number in numbers:
        write_picture(folder / f"{prefix}{number:04d}{suffix}", number - first)


def reference(suffix: str, count: int = 10, *, prefix: str = "plate.", **facts: Any) -> Any:
    rate = facts.pop("rate", 25)
    facts = {"start_frame": 1001, "frame_zero_padding": 4, "available_range": stretch(1001, count, rate)} | facts
    return otio.schema.ImageSequenceReference("", prefix, suffix, rate=rate, **facts)


def shot(media: Any, start: float, length: float, rate: float = 25.0, *effects: Any) -> Any:
    made = otio.schema.Clip("plate", media, stretch(start, length, rate))
    made.effects.extend(effects)
    return made


@pytest.mark.parametrize("suffix", list(KINDS))
def test_an_image_sequence_is_shown_picture_by_picture(stage: Stage, suffix: str) -> None:
    sequence(stage.folder, suffix, range(1001, 1011))
    shown = stage.shown(track(clip("a.mp4", 0, 3), shot(reference(suffix), 1003, 6)))
    assert shown == lane(0, range(3)) + lane(1, range(2, 8))


def test_an_image_sequence_may_run_backwards_and_at_another_rate(stage: Stage) -> None:
    sequence(stage.folder, ".png", range(1001, 1011))
    shown = stage.shown(track(clip("a.mp4", 0, 1), shot(reference(".png"), 1003, 6, 25.0, speed(-1))))
    assert shown[1:] == lane(1, range(7, 1, -1))
    slow = reference(".png", 6, rate=12.5)
    shown = stage.shown(
        track(*(clip("a.mp4", n, 1) for n in range(2)), shot(slow, 1002, 4, 12.5)),
    )
    assert shown[2:] == lane(1, [1, 1, 2, 2, 3, 3, 4, 4])


def test_a_name_with_its_numbers_in_brackets_is_a_sequence(stage: Stage) -> None:
    sequence(stage.folder, ".png", range(1001, 1011))
    shown = stage.shown(track(clip("a.mp4", 0, 2), clip("plate.[1001-1010].png", 1004, 3)))
    assert shown[2:] == lane(1, [3, 4, 5])
    shown = stage.shown(track(clip("a.mp4", 0, 2), clip("plate.[1001-1010x3].png", 0, 4)))
    assert shown[2:] == lane(1, [0, 3, 6, 9])


@pytest.mark.parametrize(
    ("policy", "expected"), [("hold", lane(1, [0, 1, 1, 1, 4])), ("black", lane(1, [0, 1]) + [{}, {}] + lane(1, [4]))]
)
def test_missing_pictures_are_held_or_black(stage: Stage, policy: str, expected: Any) -> None:
    sequence(stage.folder, ".png", [1001, 1002, 1005], prefix="holes.")
    policies = otio.schema.ImageSequenceReference.MissingFramePolicy
    media = reference(".png", 5, prefix="holes.", missing_frame_policy=getattr(policies, policy))
    plan = stage.plan(track(clip("a.mp4", 0, 2), shot(media, 1001, 5)))
    assert "2 of the images of 'holes.[1001-1005].png' are missing, the first of them frame 2" in str(plan.problems)
    assert stage.shown(track(clip("a.mp4", 0, 2), shot(media, 1001, 5)))[2:] == expected


def test_missing_pictures_are_refused_by_number_where_they_are_needed(stage: Stage) -> None:
    sequence(stage.folder, ".png", [1001, 1002, 1005], prefix="holes.")
    media = reference(".png", 5, prefix="holes.")
    assert stage.plan(track(clip("a.mp4", 0, 2), shot(media, 1001, 2))).errors == ()
    (problem,) = stage.plan(track(clip("a.mp4", 0, 2), shot(media, 1002, 3))).errors
    assert "clip 'plate': 2 of the images of 'holes.[1001-1005].png' are missing, the first of them frame 2" in str(
        problem
    )


def test_a_still_is_shown_for_as_long_as_its_clip(stage: Stage) -> None:
    write_picture(stage.folder / "still.png", 7)
    items = [clip("a.mp4", 0, 4), dissolve(1, 1), clip("still.png", 0, 12), gap(2), clip("still.png", 500, 3, speed(2))]
    expected = lane(0, range(3)) + [{0: 3, 1: 7}, {0: 4, 1: 7}] + lane(1, [7] * 11) + black(2) + lane(1, [7] * 3)
    assert stage.shown(track(*items)) == expected


def test_a_still_of_linear_light_is_one_too(stage: Stage) -> None:
    write_picture(stage.folder / "still.exr", 9)
    assert stage.shown(track(clip("a.mp4", 0, 2), clip("still.exr", 0, 3))) == lane(0, [0, 1]) + lane(1, [9] * 3)


def test_linear_light_becomes_the_curve_of_bt709(tmp_path: Path) -> None:
    light = np.tile(np.linspace(-0.5, 1.5, 64, dtype=np.float32)[None, :, None], (16, 1, 3))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(light), format="gbrpf32le")
    context = av.CodecContext.create("exr", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 16, "gbrpf32le", Fraction(1, 25)
    path = tmp_path / "ramp.exr"
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))
    sequence = sequence_of(path)
    assert sequence is not None
    batch = SequenceReader(sequence).read(Span(0, 1))
    clipped = np.clip(light[0, :, 0], 0, 1)
    expected = np.where(clipped < 0.018, 4.5 * clipped, 1.099 * clipped**0.45 - 0.099)
    for plane in batch.planes:
        np.testing.assert_allclose(plane[0, 3] / 65535, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "span", "words"),
    [
        ("odd.[0001-0003].png", Span(0, 3), "The image is 64x48 gbrp.*168x96 gbrp as the first"),
        ("odd.[0001-0002].png", Span(0, 4), "Frames 0:4 are asked for"),
        ("odd.[0001-0009].png", Span(8, 9), "odd.0009.png': The image is missing"),
        ("none.[0001-0009].png", Span(0, 1), "None of the images of the sequence exists"),
    ],
)
def test_pictures_that_do_not_go_together_are_refused(tmp_path: Path, name: str, span: Span, words: str) -> None:
    for number in (1, 2):
        write_picture(tmp_path / f"odd.{number:04d}.png", number)
    write_png(tmp_path / "odd.0003.png", np.zeros((48, 64, 3), np.uint8))
    sequence = sequence_of(tmp_path / name)
    assert sequence is not None
    with pytest.raises(MediaError, match=words):
        SequenceReader(sequence).read(span)


def test_numbers_that_make_no_sequence_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="Images 9 to 3 in steps of 1 make no sequence"):
        sequence_of(tmp_path / "odd.[9-3].png")
    assert sequence_of(tmp_path / "film.mov") is None


def test_an_open_end_goes_on_for_as_long_as_there_are_files(tmp_path: Path) -> None:
    sequence(tmp_path, ".png", range(1001, 1006))
    found = sequence_of(tmp_path / "plate.[1001-].png")
    assert found is not None
    assert (found.last, found.num_frames) == (1005, 5)
