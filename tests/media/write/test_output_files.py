from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import (
    AudioMix,
    AudioPart,
    OutputSettings,
    SequenceReader,
    VideoReader,
    VideoWriter,
    probe,
    sequence_of,
)
from tests.media.conftest import Recipe, make_batch, numbers_in, tone, write_sound_clip

SIZE = (64, 48)
LIMITED = ColorInfo(1, 1, 1, 1, 1)


def write(path: Path, batch: FrameBatch, codec: str, **extra: object) -> Path:
    width, height = batch.size_px
    with VideoWriter(
        path,
        OutputSettings.model_validate({"codec": codec}),
        width=width,
        height=height,
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
        **extra,  # type: ignore[arg-type] # keywords of the writer
    ) as writer:
        writer.write(batch)
    return path


def picture(path: Path) -> FrameBatch:
    with VideoReader(path) as reader:
        return reader.read(Span(0, 1))


@pytest.mark.parametrize(("codec", "ending"), [("png", "png"), ("tiff", "tif")])
@pytest.mark.parametrize("layout", ["gbrp", "gbrap", "gbrp16le", "gbrap16le", "gray", "gray16le"])
def test_images_keep_every_value_and_transparency(tmp_path: Path, codec: str, ending: str, layout: str) -> None:
    batch = make_batch(layout, SIZE, color=ColorInfo(0, 13, 1, 2))
    folder = write(tmp_path / "sh 10%d", batch, codec, start_frame=86400)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"sh 10%d.{86400 + number:07d}.{ending}" for number in range(3)]
    for number, name in enumerate(names):
        found = picture(folder / name)
        assert found.layout.name == layout
        for before, after in zip(batch.planes, found.planes, strict=True):
            np.testing.assert_array_equal(before[number], after[0])
    assert list(tmp_path.iterdir()) == [folder]


def exr_pixels(path: Path) -> np.ndarray:
    """(H, W, 3) RGB. The planes are read as they are: the library's conversion of half floats rounds them."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == "gbrpf16le"
        rows = [np.frombuffer(memoryview(plane), np.float16).reshape(SIZE[1], -1) for plane in frame.planes]
    return np.stack([rows[index][:, : SIZE[0]].astype(np.float32) for index in (2, 0, 1)], axis=-1)


def test_exr_holds_ten_bit_values_as_half_floats(tmp_path: Path) -> None:
    batch = make_batch("gbrp10le", SIZE, color=ColorInfo(0, 16, 9, 2))
    folder = write(tmp_path / "out", batch, "exr")
    found = exr_pixels(folder / "out.0000001.exr")
    wanted = np.stack([batch.planes[2][1], batch.planes[0][1], batch.planes[1][1]], axis=-1)
    np.testing.assert_array_equal(np.rint(found * 1023), wanted)


@pytest.mark.parametrize("codec", ["png", "tiff", "exr"])
def test_video_becomes_the_same_colours(tmp_path: Path, codec: str) -> None:
    batch = make_batch("yuv420p10le", SIZE, color=LIMITED)
    for plane, value in zip(batch.planes, (500, 400, 600), strict=True):
        plane[:] = value
    folder = write(tmp_path / "out", batch, codec)
    first = min(folder.iterdir())
    if codec == "exr":
        rgb = exr_pixels(first)[24, 32]
    else:
        planes = picture(first).planes
        rgb = np.array([planes[2][0, 24, 32], planes[0][0, 24, 32], planes[1][0, 24, 32]]) / 65535
    y, cb, cr = (500 - 64) / 876, (400 - 512) / 896, (600 - 512) / 896
    wanted = [y + 1.5748 * cr, y - 0.18732 * cb - 0.46812 * cr, y + 1.8556 * cb]
    if codec == "exr":
        wanted = [((value + 0.099) / 1.099) ** (1 / 0.45) for value in wanted]
    np.testing.assert_allclose(rgb, wanted, atol=3e-4)


@pytest.mark.parametrize("layout", ["gbrp", "gbrp10le", "gbrap10le"])
def test_what_is_written_as_exr_is_read_as_the_same_values(tmp_path: Path, layout: str) -> None:
    batch = make_batch(layout, SIZE, color=ColorInfo(0, 1, 1, 2))
    folder = write(tmp_path / "out", batch, "exr")
    with SequenceReader(sequence_of(folder / "out.[0000000-0000002].exr"), rate=Fraction(25)) as reader:
        back = reader.read(Span(0, 3))
    assert back.color.transfer == 1
    peak = (1 << batch.layout.depth) - 1
    for before, after in zip(batch.planes, back.planes, strict=True):
        np.testing.assert_array_equal(np.rint(after / 65535 * peak), before)


def test_a_sequence_has_its_sound_beside_it(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.mov", [tone(48000, 2), tone(48000, seed=4)], codec="pcm_s16le")
    mixes = [
        AudioMix((AudioPart(clip, number, Fraction(0), Fraction(1), Fraction(0)),), Fraction(3, 25), "boom")
        for number in (0, 1)
    ]
    folder = write(tmp_path / "out", make_batch("gbrp", SIZE), "png", audio=mixes)
    assert {"out.wav", "out.2.wav"} <= {path.name for path in folder.iterdir()}
    with av.open(str(folder / "out.wav")) as container:
        found = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    np.testing.assert_array_equal(found.reshape(-1, 2).T, tone(48000, 2)[:, : 48000 * 3 // 25])


def test_an_exception_leaves_no_folder_and_the_old_one_stays(tmp_path: Path) -> None:
    folder = write(tmp_path / "out", make_batch("gbrp", SIZE), "png")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail() -> None:
        batch = make_batch("gbrp", SIZE, seed=5)
        with VideoWriter(
            folder,
            OutputSettings(codec="png"),
            width=64,
            height=48,
            rate=Fraction(25),
            layout=batch.layout,
            color=batch.color,
        ) as writer:
            writer.write(batch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == [folder]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_second_render_replaces_the_first_whole(tmp_path: Path) -> None:
    write(tmp_path / "out", make_batch("gbrp", SIZE, num_frames=5), "png")
    folder = write(tmp_path / "out", make_batch("gbrp", SIZE, num_frames=2, seed=3), "tiff")
    assert sorted(path.name for path in folder.iterdir()) == ["out.0000000.tif", "out.0000001.tif"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"")
    with pytest.raises(MediaError, match=r"folder holds 'holiday.jpg', which is no image of an earlier render"):
        write(folder, make_batch("gbrp", SIZE), "png")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MediaError, match="The output is a file"):
        write(tmp_path / "file", make_batch("gbrp", SIZE), "png")
    with pytest.raises(MediaError, match=r"cannot be written.*create the folder"):
        write(tmp_path / "none" / "out", make_batch("gbrp", SIZE), "png")
    with pytest.raises(MediaError, match=r"png images do not go into a .mkv file"):
        write(tmp_path / "a.mkv", make_batch("gbrp", SIZE), "png")


def test_opencv_opens_what_was_written(tmp_path: Path) -> None:
    batch = make_batch("gbrp", SIZE)
    for codec, ending in (("png", "png"), ("tiff", "tif")):
        folder = write(tmp_path / codec, batch, codec)
        found = cv2.imread(str(folder / f"{codec}.0000002.{ending}"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found[..., ::-1], np.stack([batch.planes[i][2] for i in (2, 0, 1)], axis=-1))


@pytest.mark.parametrize(
    ("name", "codec", "held", "profile"),
    [
        ("a.mov", "dnxhr_hq", "yuv422p", "DNXHR HQ"),
        ("a.mov", "dnxhr_hqx", "yuv422p10le", "DNXHR HQX"),
        ("a.mov", "prores4444", "yuva444p12le", "4444"),
        ("a.mp4", "h265", "yuv420p10le", "Main 10"),
    ],
)
def test_editing_and_delivery_codecs_keep_the_frames(
    number_clip: Callable[..., Path], tmp_path: Path, name: str, codec: str, held: str, profile: str
) -> None:
    layouts = {"prores4444": "yuva444p10le", "h265": "yuv420p10le", "dnxhr_hq": "yuv422p", "dnxhr_hqx": "yuv422p10le"}
    size = (320, 192)
    source = number_clip(Recipe(f"wide-{codec}.mkv", "ffv1", pixel_format=layouts[codec], size_px=size), 6)
    with VideoReader(source) as reader:
        batch = reader.read(Span(0, 6))
    path = write(tmp_path / name, batch, codec)
    info = probe(path)
    assert (info.layout.name, info.num_frames) == (held, 6)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert context.profile == profile
        assert codec != "h265" or context.codec_tag == "hvc1"
    with VideoReader(path) as reader:
        back = reader.read(Span(0, 6))
    assert numbers_in(back) == list(range(6))
    if codec == "prores4444":
        alpha = batch.planes[3].astype(int) * 4
        assert np.abs(back.planes[3].astype(int) - alpha).max() <= 4


def test_dnxhr_of_a_size_that_it_does_not_take_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="The output cannot be written"):
        write(tmp_path / "a.mov", make_batch("yuv422p", SIZE, color=LIMITED), "dnxhr_hq")
    assert not list(tmp_path.iterdir())


def test_full_range_dnxhr_is_tagged_full(tmp_path: Path) -> None:
    batch = make_batch("yuv422p", (320, 192), color=ColorInfo(1, 1, 1, 2, 1))
    path = write(tmp_path / "a.mov", batch, "dnxhr_hq")
    assert probe(path).color.range == 2
