from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo
from dpe_toolkit.media import OutputSettings, VideoWriter, fit_format, joined_layout, list_codecs, written_codecs
from dpe_toolkit.media.color import color_name, same_light
from dpe_toolkit.media.pixels import layout_of
from dpe_toolkit.media.write.codecs import ENCODERS, can_encode, encoder_options, formats_of
from dpe_toolkit.media.write.output_format import check_container, lossless_codecs
from tests.media.conftest import make_batch

SIZE = (64, 48)
LIMITED, FULL = ColorInfo(1, 1, 1, 1, 1), ColorInfo(1, 1, 1, 2, 1)
HDR = ColorInfo(9, 16, 9, 1, 3)
NAMES = [
    *(f"yuv{shape}p{depth}" for shape in ("420", "422", "444") for depth in ("", "10le", "12le", "16le")),
    *("yuva420p", "yuva444p10le", "yuv440p", "gbrp", "gbrap", "gbrp10le", "gbrp16le", "gray", "gray16le"),
]
SOFTWARE = [name for name, encoder in ENCODERS.items() if not encoder.hardware]


def fit(codec: str, source: str, color: ColorInfo = LIMITED, **settings: object):  # type: ignore[no-untyped-def] # test
    asked = OutputSettings.model_validate(settings)
    return fit_format(codec, layout_of(source), color, SIZE, asked)  # type: ignore[arg-type] # parametrised


@pytest.mark.parametrize(
    ("codec", "source", "held", "losses"),
    [
        ("h264", "yuv422p10le", "yuv422p10le", ""),
        ("h264", "yuv422p12le", "yuv422p10le", "12 bits a value become 10"),
        ("h265", "yuv420p12le", "yuv420p12le", ""),
        ("h264", "gbrp", "yuv420p", "RGB becomes 4:2:0 YCbCr"),
        ("h264", "yuva420p", "yuv420p", "transparency is dropped"),
        ("prores", "yuv420p", "yuv422p10le", ""),
        ("prores", "yuv444p10le", "yuv422p10le", "colour at 4:4:4 becomes 4:2:2"),
        ("prores4444", "yuva444p10le", "yuva444p10le", ""),
        ("prores4444", "yuv444p12le", "yuv444p10le", "12 bits a value become 10"),
        ("dnxhr_hq", "yuv422p10le", "yuv422p", "10 bits a value become 8"),
        ("dnxhr_hqx", "yuv422p10le", "yuv422p10le", ""),
        ("ffv1", "yuva444p10le", "yuva444p10le", ""),
        ("png", "gbrap", "gbrap", ""),
        ("png", "gray16le", "gray16le", ""),
        ("png", "yuv422p10le", "gbrp16le", "YCbCr becomes RGB, which rounds values"),
        ("exr", "gbrp16le", "gbrpf32le", "16 bits a value become half floats, which have 11"),
        ("exr", "gbrp10le", "gbrpf32le", ""),
        ("exr", "gbrap", "gbrapf32le", ""),
    ],
)
def test_the_nearest_format_is_taken_and_what_it_loses_is_said(codec: str, source: str, held: str, losses: str) -> None:
    found = fit(codec, source)
    assert (found.layout.name, ", ".join(found.losses)) == (held, losses)


@given(st.sampled_from(NAMES), st.sampled_from([LIMITED, FULL, HDR]))
def test_ffv1_holds_every_source_with_its_tags(name: str, color: ColorInfo) -> None:
    found = fit("ffv1", name, color)
    assert (found.layout, found.color, found.losses) == (layout_of(name), color, ())


@given(st.sampled_from(SOFTWARE), st.sampled_from(NAMES), st.sampled_from([LIMITED, FULL]))
def test_nothing_is_lost_without_a_word(codec: str, name: str, color: ColorInfo) -> None:
    source, found = layout_of(name), fit(codec, name, color)
    held = found.layout
    kept = held.depth >= source.depth and (held.alpha or not source.alpha)
    if source.family == "yuv":
        kept &= held.family == "yuv" and all(
            ours <= theirs for ours, theirs in zip(held.chroma_shift, source.chroma_shift, strict=True)
        )
        kept &= found.color.range == color.range
    if source.family == "rgb":
        kept &= held.family == "rgb"
    assert kept or found.losses


def test_full_range_is_named_where_a_codec_has_none() -> None:
    found = fit("prores", "yuv422p10le", FULL)
    assert (found.color.range, found.losses) == (1, ("full range becomes limited",))


def test_exr_is_linear_light_of_ordinary_video_and_names_the_curve_of_others() -> None:
    assert fit("exr", "gbrp10le", LIMITED).color.transfer == 8
    found = fit("exr", "gbrp10le", HDR)
    assert (found.color.transfer, found.losses[-1][:28]) == (16, "the curve of BT.2020 PQ stay")


def test_dnxhr_says_that_its_stream_knows_one_matrix() -> None:
    assert "only its MOV file says" in fit("dnxhr_hqx", "yuv422p10le", HDR).losses[0]
    assert not fit("dnxhr_hqx", "yuv422p10le", LIMITED).losses


def test_what_is_asked_for_is_no_loss() -> None:
    found = fit("h264", "yuv422p10le", depth=8, chroma="420")
    assert (found.layout.name, found.losses) == ("yuv420p", ())
    assert fit("h264", "gbrp", chroma="444").layout.name == "yuv444p"


def test_codecs_that_hold_all_are_offered() -> None:
    assert lossless_codecs(layout_of("yuv422p12le"), LIMITED, SIZE, OutputSettings()) == ("h265", "ffv1")
    assert "prores4444" in lossless_codecs(layout_of("yuva444p10le"), LIMITED, SIZE, OutputSettings())


def test_strict_colour_refuses_a_loss_and_names_who_has_it(tmp_path: Path) -> None:
    batch = make_batch("yuv422p12le", SIZE)
    settings = OutputSettings(strict_colour=True)
    with (
        pytest.raises(MediaError, match=r"h264 cannot hold.*12 bits a value become 10.*choose h265 or ffv1"),
        VideoWriter(
            tmp_path / "a.mp4",
            settings,
            width=64,
            height=48,
            rate=Fraction(25),
            layout=batch.layout,
            color=batch.color,
        ),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_pixels_that_are_not_square_need_a_container_that_says_so() -> None:
    check_container(Path("a.mp4"), "ffv1", Fraction(4, 3))
    check_container(Path("a.mkv"), "h264", Fraction(4, 3))
    with pytest.raises(MediaError, match=r"ffv1 in a .mkv file cannot say that pixels have the shape 4/3.*\.mp4"):
        check_container(Path("a.mkv"), "ffv1", Fraction(4, 3))
    with pytest.raises(MediaError, match="png in a folder cannot say"):
        check_container(Path("a"), "png", Fraction(4, 3))


@given(st.lists(st.sampled_from(NAMES).map(layout_of), min_size=1, max_size=4))
def test_joined_layouts_hold_each_of_them(layouts: list) -> None:  # type: ignore[type-arg] # layouts
    joined = joined_layout(layouts)
    for one in layouts:
        assert joined.depth >= one.depth
        assert joined.alpha or not one.alpha
        if one.family == "yuv":
            assert all(ours <= theirs for ours, theirs in zip(joined.chroma_shift, one.chroma_shift, strict=True))
    assert joined_layout(layouts[:1]) == layouts[0]


def test_ordinary_frames_go_together_and_hdr_does_not_go_with_them() -> None:
    assert same_light(ColorInfo(), LIMITED)
    assert same_light(ColorInfo(5, 6, 5, 1), FULL)
    assert same_light(HDR, HDR)
    assert not same_light(HDR, LIMITED)
    assert not same_light(ColorInfo(9, 18, 9, 1), HDR)
    assert not same_light(ColorInfo(1, 1, 12, 1), LIMITED)


def test_colours_have_names() -> None:
    assert color_name(HDR) == "BT.2020 PQ"
    assert color_name(LIMITED) == "BT.709"
    assert color_name(ColorInfo()) == "untagged"


def test_hardware_encoders_are_offered_only_where_they_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpe_toolkit.media.write.codecs.can_encode", lambda codec: codec != "h264_qsv")
    names = {codec.name for codec in written_codecs()}
    assert "hevc_nvenc" in names
    assert "h264_qsv" not in names
    assert {"h264", "exr"} <= names
    assert any(codec.direction == "decode" for codec in list_codecs())


@pytest.mark.parametrize("codec", list(ENCODERS))
def test_every_codec_has_options_and_formats(codec: str) -> None:
    assert can_encode(codec) in (True, False)  # type: ignore[arg-type] # parametrised
    library, options = encoder_options(codec, OutputSettings(threads=2), 64)  # type: ignore[arg-type] # parametrised
    assert library
    assert all(isinstance(value, str) for value in options.values())
    assert formats_of(codec)  # type: ignore[arg-type] # parametrised


@pytest.mark.parametrize(("color", "level"), [(LIMITED, 16 + 219 * 0.5), (FULL, 127.5)])
def test_a_conversion_between_ranges_keeps_brightness(tmp_path: Path, color: ColorInfo, level: float) -> None:
    from dpe_toolkit.core.timing import Span
    from dpe_toolkit.media import VideoReader

    batch = make_batch("yuv420p", SIZE, color=color)
    for plane, value in zip(batch.planes, (round(level), 128, 128), strict=True):
        plane[:] = value
    with VideoWriter(
        tmp_path / "a.mov", OutputSettings(), width=64, height=48, rate=Fraction(25), layout=batch.layout, color=color
    ) as writer:
        writer.write(batch)
    with VideoReader(tmp_path / "a.mov") as reader:
        back = reader.read(Span(0, 1))
    assert np.abs(back.planes[0] / 4 - (16 + 219 * 0.5)).max() < 1.5
