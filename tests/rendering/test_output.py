from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dpe_toolkit.core.errors import OptionsError, PlanError, RenderError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch
from dpe_toolkit.face.tracks import Detections
from dpe_toolkit.media import OutputSettings, VideoWriter, media_plan, probe
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.rendering import ColourChoice, render_plan
from dpe_toolkit.rendering.checks import check_output
from dpe_toolkit.rendering.output import common_format, format_problems
from tests.analysis.fakes import Registry, Square
from tests.media.conftest import make_batch
from tests.rendering.scenes import acting_face, edit, frames_of, plan, shot, write_clip

SIZE = (96, 64)
BOX = (30, 20, 46, 36)
NUM_FRAMES = 10
HDR = ColorInfo(9, 16, 9, 1, 1)
SDR = ColorInfo(1, 1, 1, 1, 1)


@dataclass
class FixedDetector:
    """Finds one face at one place whatever the picture shows; its mood is the picture's middle."""

    def detect(self, frames: FrameBatch, previous: Detections | None) -> list[Detections]:
        left, top, right, bottom = BOX
        corners = [(left, top), (right, top), (left, bottom), (right, bottom), ((left + right) / 2, (top + bottom) / 2)]
        mesh = np.array([[(x, y, 0) for x, y in corners]], np.float32)
        moods = frames.planes[0][:, 28, 38] / ((1 << frames.layout.depth) - 1)
        return [
            Detections(
                np.array([BOX], np.float32), mesh, np.array([0.9], np.float32), np.full((1, 1), mood, np.float32)
            )
            for mood in moods
        ]


def encode(path: Path, encoder: str, pixel_format: str, color: ColorInfo, **options: str) -> Path:
    """A noisy clip as another program would write it, every tag in place."""
    generator = np.random.default_rng(4)
    deep = "10" in pixel_format
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = (*SIZE, pixel_format)
        for target in (stream.codec_context,):
            target.colorspace, target.color_trc = color.matrix, color.transfer
            target.color_primaries, target.color_range = color.primaries, color.range
        for number in range(NUM_FRAMES):
            frame = av.VideoFrame(*SIZE, pixel_format)
            for plane in frame.planes:
                values = np.frombuffer(memoryview(plane), np.uint16 if deep else np.uint8)
                values[:] = generator.integers(100, 156, values.size) * (4 if deep else 1)
            frame.colorspace, frame.color_trc = color.matrix, color.transfer
            frame.color_primaries, frame.color_range = color.primaries, color.range
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tags(path: Path) -> list[tuple[int, ...]]:
    """What ffprobe would show of the stream, and what the first picture says."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        outer = (context.colorspace, context.color_trc, context.color_primaries, context.color_range)
        frame = next(container.decode(stream))
        inner = (frame.colorspace, frame.color_trc, frame.color_primaries, frame.color_range)
    return [tuple(map(int, outer)), tuple(map(int, inner))]


SOURCES = {
    "hdr.mov": ("prores_ks", "yuv422p10le", HDR, {"profile": "3"}),
    "full.mp4": ("libx264", "yuv420p", ColorInfo(1, 1, 1, 2, 1), {"crf": "10"}),
}


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> MediaPlan:
    encoder, pixel_format, color, options = SOURCES[request.param]
    return media_plan(encode(tmp_path / request.param, encoder, pixel_format, color, **options))


def edited(source: MediaPlan, folder: Path) -> RenderPlan:
    driver = write_clip(folder / "driver.mkv", acting_face)
    return plan(shot(source, NUM_FRAMES, edit=edit(driver)))


def render(what: RenderPlan, output: Path, **extra: object) -> None:
    registry = Registry(detector=FixedDetector())
    render_plan(what, output, registry=registry, device="cpu", cache_dir=output.parent / "cache", **extra)  # type: ignore[arg-type] # keywords


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_tags_of_hdr_and_full_range_sources_are_those_of_the_output(
    source: MediaPlan, tmp_path: Path, name: str
) -> None:
    render(edited(source, tmp_path), tmp_path / name)
    before, after = probe(source.path), probe(tmp_path / name)
    assert tags(tmp_path / name) == tags(source.path)
    assert after.color.range == before.color.range
    assert (after.layout, after.sample_aspect) == (before.layout, before.sample_aspect)


def test_prores_of_an_hdr_source_has_its_tags_and_depth(tmp_path: Path) -> None:
    encoder, pixel_format, color, options = SOURCES["hdr.mov"]
    source = media_plan(encode(tmp_path / "hdr.mov", encoder, pixel_format, color, **options))
    render(edited(source, tmp_path), tmp_path / "out.mov", settings=OutputSettings(strict_colour=True))
    assert tags(tmp_path / "out.mov") == tags(source.path)
    assert probe(tmp_path / "out.mov").layout == probe(source.path).layout


def test_pixels_outside_the_matte_are_those_of_the_source_bit_for_bit(source: MediaPlan, tmp_path: Path) -> None:
    render(edited(source, tmp_path), tmp_path / "out.mkv")
    before, after = frames_of(source.path), frames_of(tmp_path / "out.mkv")
    assert before.planes[0].dtype == after.planes[0].dtype
    changed = before.planes[0] != after.planes[0]
    assert changed[:, 26:30, 36:40].any()
    changed[:, 26:30, 36:40] = False
    assert not changed.any()
    shift_x, shift_y = before.layout.chroma_shift
    for old, new in zip(before.planes[1:], after.planes[1:], strict=True):
        outside = old != new
        outside[:, 26 >> shift_y : 30 >> shift_y, 36 >> shift_x : 40 >> shift_x] = False
        assert not outside.any()


def test_under_opencolorio_what_is_not_edited_is_exact_too(source: MediaPlan, tmp_path: Path) -> None:
    pytest.importorskip("PyOpenColorIO")
    choice = ColourChoice("ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1", source="ACEScct")
    what = edited(source, tmp_path)
    render(what, tmp_path / "plain.mkv")
    render(what, tmp_path / "out.mkv", colour=choice)
    before, after = frames_of(source.path), frames_of(tmp_path / "out.mkv")
    changed = before.planes[0] != after.planes[0]
    assert changed[:, 26:30, 36:40].any()
    changed[:, 26:30, 36:40] = False
    assert not changed.any()
    assert (after.planes[0] != frames_of(tmp_path / "plain.mkv").planes[0]).any()
    assert [path.name[:5] for path in (tmp_path / "cache").iterdir() if path.name.startswith("ocio")] == ["ocio-"]
    with pytest.raises(OptionsError, match="no colour space or role 'none'"):
        render(what, tmp_path / "out.mkv", colour=replace(choice, source="none"))


def clip(path: Path, layout: str, color: ColorInfo = SDR) -> MediaPlan:
    batch = make_batch(layout, SIZE, num_frames=4, color=color)
    with VideoWriter(
        path, OutputSettings(codec="ffv1"), width=96, height=64, rate=Fraction(25), layout=batch.layout, color=color
    ) as writer:
        writer.write(batch)
    return media_plan(path)


def test_the_output_has_room_for_every_source(tmp_path: Path) -> None:
    flat, deep = clip(tmp_path / "a.mkv", "yuv420p"), clip(tmp_path / "b.mkv", "yuv422p10le")
    what = plan(shot(flat, 4), shot(deep, 4), shot(None, 2))
    assert common_format(what).layout.name == "yuv422p10le"
    render(what, tmp_path / "out.mkv")
    back = frames_of(tmp_path / "out.mkv")
    np.testing.assert_array_equal(back.planes[0][:4], frames_of(flat.path).planes[0].astype(np.uint16) * 4)
    for plane, old in zip(back.planes, frames_of(deep.path).planes, strict=True):
        np.testing.assert_array_equal(plane[4:8], old)
    assert common_format(plan(shot(None, 3))).layout.name == "yuv420p"


def test_pq_beside_ordinary_video_is_refused_by_name(tmp_path: Path) -> None:
    what = plan(
        shot(clip(tmp_path / "a.mkv", "yuv420p10le"), 4),
        shot(clip(tmp_path / "b.mkv", "yuv420p10le", HDR), 4, name="sunset"),
    )
    with pytest.raises(PlanError, match=r"shot 'sunset': its colour is BT.2020 PQ, that of the output BT.709.*--shot"):
        render(what, tmp_path / "out.mkv")
    assert not (tmp_path / "out.mkv").exists()


def test_a_source_whose_values_are_converted_is_named(tmp_path: Path) -> None:
    what = plan(
        shot(clip(tmp_path / "a.mkv", "yuv420p"), 4),
        shot(clip(tmp_path / "b.mkv", "yuv420p", replace(SDR, range=2)), 4, name="camera B"),
    )
    (problem,) = format_problems(what, tmp_path / "out.mkv", OutputSettings())
    assert (problem.severity, problem.where) == ("warning", "shot 'camera B'")
    assert "which rounds them" in problem.wrong


def test_a_loss_is_a_warning_and_under_strict_colour_an_error(tmp_path: Path) -> None:
    what = plan(shot(clip(tmp_path / "a.mkv", "yuv444p12le"), 4))
    (problem,) = format_problems(what, tmp_path / "out.mov", OutputSettings())
    assert problem.severity == "warning"
    assert "12 bits a value become 10, colour at 4:4:4 becomes 4:2:2" in problem.wrong
    assert problem.action == "to keep them, choose h265 or ffv1"
    with pytest.raises(PlanError, match="prores cannot hold what the source has"):
        render(what, tmp_path / "out.mov", settings=OutputSettings(strict_colour=True))
    render(what, tmp_path / "out.mov")
    assert probe(tmp_path / "out.mov").codec == "prores"


def test_a_wish_for_more_than_the_sources_have_is_answered(tmp_path: Path) -> None:
    what = plan(shot(clip(tmp_path / "a.mkv", "yuv420p"), 4))
    (problem,) = format_problems(what, tmp_path / "out.mp4", OutputSettings(depth=10, chroma="422"))
    assert problem.severity == "warning"
    assert "10 bits a value are asked for, and 8 are written" in problem.wrong
    assert "colour at 4:2:2 is asked for, and 4:2:0 written: the sources have no more" in problem.wrong
    assert format_problems(what, tmp_path / "out.mov", OutputSettings(depth=10, chroma="422")) == ()
    assert format_problems(what, tmp_path / "out.mp4", OutputSettings(depth=8, chroma="420")) == ()


def test_wide_pixels_are_kept_and_an_edit_lies_where_the_face_is_seen(tmp_path: Path) -> None:
    wide = write_clip(tmp_path / "wide.mp4", lambda frame: [Square(16, 20)], sample_aspect=Fraction(2))
    assert (wide.width, probe(wide.path).sample_aspect) == (96, 2)
    driver = write_clip(tmp_path / "driver.mkv", acting_face)
    render(plan(shot(wide, NUM_FRAMES, edit=edit(driver))), tmp_path / "out.mp4", settings=OutputSettings(codec="ffv1"))
    assert probe(tmp_path / "out.mp4").sample_aspect == 2
    before, after = frames_of(wide.path).take(slice(0, NUM_FRAMES)), frames_of(tmp_path / "out.mp4")
    _, rows, columns = np.nonzero(before.planes[0] != after.planes[0])
    # The detector sees its face at x 30 to 46 of square pixels, the patch at 36 to 40: stored columns 18 to 20.
    assert (rows.min(), rows.max()) == (26, 29)
    assert 16 <= columns.min() <= 18
    assert 19 <= columns.max() <= 21
    with pytest.raises(PlanError, match=r"ffv1 in a .mkv file cannot say that pixels have the shape 2.*\.mp4"):
        render(plan(shot(wide, NUM_FRAMES)), tmp_path / "out.mkv")
    square = clip(tmp_path / "square.mkv", "yuv420p", ColorInfo(1, 1, 1, 2, 1))
    with pytest.raises(PlanError, match=r"shot 'b': its pixels have the shape 1, those of the output 2"):
        render(plan(shot(wide, 4), shot(square, 4, name="b")), tmp_path / "out.mp4")


def test_a_folder_that_holds_a_source_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    source = clip(tmp_path / "a.mkv", "gbrp", ColorInfo(0, 13, 1, 2))
    moved = source.model_copy(update={"path": source.path.rename(folder / "out.wav")})
    with pytest.raises(RenderError, match=r"a folder that holds one.*a file or folder of its own"):
        check_output(plan(shot(moved, 4)), folder, OutputSettings(codec="png"))


def hdr10(path: Path) -> MediaPlan:
    parameters = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"
    options = {"x265-params": f"log-level=none:repeat-headers=1:{parameters}"}
    return media_plan(encode(path, "libx265", "yuv420p10le", HDR, **options))


def test_hdr10_metadata_goes_into_h265_and_is_named_where_it_is_dropped(tmp_path: Path) -> None:
    source = hdr10(tmp_path / "a.mp4")
    found = probe(source.path).hdr
    assert found is not None
    assert (found.light, found.display[-1], found.display[0]) == ((1000, 400), 1000, Fraction(34000, 50000))
    what = plan(shot(source, NUM_FRAMES))
    assert format_problems(what, tmp_path / "out.mp4", OutputSettings(codec="h265")) == ()
    render(what, tmp_path / "out.mp4", settings=OutputSettings(codec="h265"))
    assert probe(tmp_path / "out.mp4").hdr == found
    (problem,) = format_problems(what, tmp_path / "out.mkv", OutputSettings())
    assert problem.wrong.endswith("the mastering display and light levels of HDR10 are dropped")
    assert problem.action == "to keep them, choose h265"


def test_sources_that_differ_in_hdr10_metadata_lose_it_by_name(tmp_path: Path) -> None:
    plain = media_plan(encode(tmp_path / "b.mp4", "libx265", "yuv420p10le", HDR, **{"x265-params": "log-level=none"}))
    what = plan(shot(hdr10(tmp_path / "a.mp4"), 4), shot(plain, 4))
    assert common_format(what).hdr is None
    (problem,) = format_problems(what, tmp_path / "out.mp4", OutputSettings(codec="h265"))
    assert "HDR10 are dropped" in problem.wrong
