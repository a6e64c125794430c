from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.frames import ColorInfo, FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import (
    AudioMix,
    AudioPart,
    OutputSettings,
    VideoReader,
    VideoWriter,
    probe,
    write_png,
    written_whole,
)
from tests.media.conftest import Recipe, make_batch, numbers_in, resident_bytes, tone, write_sound_clip

pytestmark = pytest.mark.smoke

HDR = ColorInfo(matrix=9, transfer=16, primaries=9, range=1, chroma_location=3)
FULL = ColorInfo(matrix=1, transfer=13, primaries=1, range=2, chroma_location=1)
RATE = Fraction(30000, 1001)


def write(path: Path, batch: FrameBatch, settings: OutputSettings | None = None, **extra: object) -> Path:
    width, height = batch.size_px
    with VideoWriter(
        path,
        settings or OutputSettings(),
        width=width,
        height=height,
        rate=RATE,
        layout=batch.layout,
        color=batch.color,
        **extra,  # type: ignore[arg-type] # keywords of the writer
    ) as writer:
        writer.write(batch)
    return path


def read_all(path: Path) -> FrameBatch:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames))


FFV1_FORMATS = [
    *(f"yuv{sampling}p{depth}" for sampling in ("420", "422", "444") for depth in ("", "10le", "12le", "16le")),
    *("yuva420p", "yuva444p10le", "yuv440p", "gbrp", "gbrap", "gbrp10le", "gbrp16le", "gray", "gray10le", "gray16le"),
]


@pytest.mark.parametrize("size_px", [(64, 48), (63, 47)])
@pytest.mark.parametrize("name", FFV1_FORMATS)
def test_ffv1_keeps_every_plane_bit_for_bit(tmp_path: Path, name: str, size_px: tuple[int, int]) -> None:
    batch = make_batch(name, size_px, num_frames=4, color=ColorInfo(range=1 if name.startswith("yuv") else 2))
    back = read_all(write(tmp_path / "a.mkv", batch))
    assert back.layout == batch.layout
    assert back.color.range == batch.color.range
    for before, after in zip(batch.planes, back.planes, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("color", [HDR, FULL], ids=["hdr", "full"])
@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.mov", "h264"), ("a.mkv", "h264"), ("a.mkv", "ffv1"), ("a.mov", "prores")]
)
def test_colour_tags_are_kept(tmp_path: Path, name: str, codec: str, color: ColorInfo) -> None:
    layout = "yuv422p10le" if codec.startswith("prores") else "yuv420p"
    settings = OutputSettings.model_validate({"codec": codec})
    found = probe(write(tmp_path / name, make_batch(layout, (64, 48), color=color), settings)).color
    assert (found.matrix, found.primaries) == (color.matrix, color.primaries)
    assert found.transfer == color.transfer
    if codec.startswith("prores"):
        # ProRes is always limited, and says nothing of where chroma lies.
        assert found.range == 1
    else:
        assert found == color


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"])
def test_h264_keeps_sampling_and_depth(number_clip: Callable[..., Path], tmp_path: Path, name: str) -> None:
    source = read_all(number_clip(Recipe(f"{name}.mkv", "ffv1", pixel_format=name), 20))
    back = read_all(write(tmp_path / "a.mp4", source))
    assert back.layout == source.layout
    assert numbers_in(back) == list(range(20))
    for before, after in zip(source.planes, back.planes, strict=True):
        assert np.abs(before.astype(int) - after.astype(int)).mean() < 2 << (source.layout.depth - 8)


@pytest.mark.parametrize(
    ("source", "size_px", "stored"),
    [
        ("yuv420p", (63, 47), "yuv444p"),
        ("yuv422p", (63, 48), "yuv444p"),
        ("yuv422p", (64, 47), "yuv422p"),
        ("yuv420p12le", (64, 48), "yuv420p10le"),
        ("yuva444p", (64, 48), "yuv444p"),
        ("gbrp", (64, 48), "yuv420p"),
        ("gray", (64, 48), "yuv420p"),
    ],
)
def test_h264_takes_the_nearest_format_and_keeps_the_size(
    tmp_path: Path, source: str, size_px: tuple[int, int], stored: str
) -> None:
    info = probe(write(tmp_path / "a.mp4", make_batch(source, size_px)))
    assert (info.layout.name, (info.width, info.height)) == (stored, size_px)


@pytest.mark.parametrize("size_px", [(64, 48), (63, 47), (64, 47)])
@pytest.mark.parametrize("source", ["yuv420p", "yuv422p10le", "gbrp"])
def test_prores_is_422_hq_of_the_same_size(tmp_path: Path, source: str, size_px: tuple[int, int]) -> None:
    path = write(tmp_path / "a.mov", make_batch(source, size_px))
    info = probe(path)
    assert (info.codec, info.layout.name, (info.width, info.height)) == ("prores", "yuv422p10le", size_px)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "apch"


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_full_range_rgb_grey_keeps_its_brightness(tmp_path: Path, suffix: str) -> None:
    batch = make_batch("gbrp", (64, 48), color=ColorInfo(matrix=0, range=2))
    for plane in batch.planes:
        plane[:] = 200
    back = read_all(write(tmp_path / f"a{suffix}", batch))
    expected = (16 + 200 * 219 / 255) * (1 << (back.layout.depth - 8))
    assert (back.color.matrix, back.color.range) == (1, 1)
    assert np.abs(back.planes[0].astype(float) - expected).max() <= 2 << (back.layout.depth - 8)


def test_prores_of_a_full_range_source_is_brought_to_limited_range(tmp_path: Path) -> None:
    batch = make_batch("yuv420p", (64, 48), color=FULL)
    for plane, value in zip(batch.planes, (255, 128, 128), strict=True):
        plane[:] = value
    back = read_all(write(tmp_path / "a.mov", batch))
    assert np.abs(back.planes[0].astype(int) - 940).max() <= 4


def test_a_batch_of_another_layout_is_converted(tmp_path: Path) -> None:
    first, still = (
        make_batch("yuv420p", (64, 48), color=FULL),
        make_batch("gbrp", (64, 48), color=ColorInfo(0, range=2)),
    )
    for plane in still.planes:
        plane[:] = 77
    with VideoWriter(
        tmp_path / "a.mkv", OutputSettings(), width=64, height=48, rate=RATE, layout=first.layout, color=FULL
    ) as writer:
        writer.write(first)
        writer.write(still)
    back = read_all(tmp_path / "a.mkv")
    np.testing.assert_array_equal(back.planes[0][:3], first.planes[0])
    assert np.abs(back.planes[0][3:].astype(int) - 77).max() <= 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_rate_timecode_and_comment_are_written(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path / name,
        make_batch("yuv420p", (64, 48), num_frames=40),
        metadata={"comment": "edited"},
        start_frame=1800,
        drop_frame=True,
    )
    info = probe(path)
    assert (info.rate, info.num_frames, info.start_frame, info.drop_frame) == (RATE, 40, 1800, True)
    with av.open(str(path)) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
    assert found["comment"] == "edited"


def test_an_exception_leaves_no_file_and_the_old_one_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", make_batch("yuv420p", (64, 48)))
    before = path.read_bytes()
    batch = make_batch("yuv420p", (64, 48))

    def fail() -> None:
        with VideoWriter(
            path, OutputSettings(), width=64, height=48, rate=RATE, layout=batch.layout, color=batch.color
        ) as writer:
            writer.write(batch)
            assert len(list(tmp_path.iterdir())) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_killed_process_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from tests.media.conftest import make_batch
from dpe_toolkit.media import OutputSettings, VideoWriter
batch = make_batch("yuv420p", (64, 48), num_frames=60)
with VideoWriter(Path(sys.argv[1]), OutputSettings(), width=64, height=48, rate=batch.rate,
                 layout=batch.layout, color=batch.color) as writer:
    writer.write(batch)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.mp4")], cwd=Path.cwd(), check=False)
    assert done.returncode == -9
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


def test_a_fault_while_finishing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: VideoWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(VideoWriter, "_finish", full)
    with pytest.raises(MediaError, match=r"a\.mp4.*cannot be written.*No space left.*free space"):
        write(tmp_path / "a.mp4", make_batch("yuv420p", (64, 48)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "codec", "message"),
    [
        ("a.xyz", None, "suffix is '.xyz'.*rename the output"),
        ("a", "h264", "suffix is ''"),
        ("a.mp4", "prores", "prores does not go into a .mp4 file.*prores in .mov, .mkv"),
        ("a.mov", "ffv1", "ffv1 does not go into a .mov file"),
        ("missing/a.mp4", None, "cannot be written.*create the folder"),
        ("folder.mp4", None, "The output is a folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused(tmp_path: Path, name: str, codec: str | None, message: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    settings = OutputSettings.model_validate({"codec": codec})
    with pytest.raises(MediaError, match=message):
        write(tmp_path / name, make_batch("yuv420p", (64, 48)), settings)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def test_an_encoder_that_the_machine_lacks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpe_toolkit.media.write.encoder.can_encode", lambda codec: False)
    with pytest.raises(MediaError, match=r"h264_qsv cannot be written on this machine.*--codec list"):
        write(tmp_path / "a.mp4", make_batch("yuv420p", (64, 48)), OutputSettings(codec="h264_qsv"))
    assert not list(tmp_path.iterdir())


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    batch = make_batch("yuv420p", (64, 48))
    writer = VideoWriter(
        tmp_path / "a.mp4", OutputSettings(), width=32, height=32, rate=RATE, layout=batch.layout, color=batch.color
    )
    with pytest.raises(MediaError, match=r"A frame of 64x48 is to be written.*32x32"), writer:
        writer.write(batch)
    assert not list(tmp_path.iterdir())


def test_a_writer_outside_its_block_says_so(tmp_path: Path) -> None:
    batch = make_batch("yuv420p", (64, 48))
    writer = VideoWriter(
        tmp_path / "a.mp4", OutputSettings(), width=64, height=48, rate=RATE, layout=batch.layout, color=batch.color
    )
    with pytest.raises(RuntimeError, match="inside its 'with' block"):
        writer.write(batch)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the process's memory from /proc")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_memory_does_not_grow_with_the_output(tmp_path: Path, name: str) -> None:
    clip = write_sound_clip(tmp_path / "sound.mov", [tone(48000 * 40)], codec="pcm_s16le")
    batch = make_batch("yuv420p", (320, 180), num_frames=8)
    with VideoWriter(
        tmp_path / name,
        OutputSettings(preset="ultrafast", crf=40),
        width=320,
        height=180,
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
        audio=[AudioMix((AudioPart(clip, 0, Fraction(0), Fraction(39), Fraction(1)),), Fraction(39))],
    ) as writer:
        for _ in range(20):
            writer.write(batch)
        before = resident_bytes()
        for _ in range(80):
            writer.write(batch)
        assert resident_bytes() - before < 12_000_000


def test_a_png_is_written_whole_and_without_loss(tmp_path: Path) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (31, 45, 3)).astype(np.uint8)
    write_png(tmp_path / "a.png", rgb)
    planes = read_all(tmp_path / "a.png").planes
    np.testing.assert_array_equal(np.stack([planes[2][0], planes[0][0], planes[1][0]], axis=2), rgb)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(MediaError, match="cannot be written"):
        write_png(tmp_path / "none" / "a.png", rgb)
    with pytest.raises(ValueError, match="rgb has shape"):
        write_png(tmp_path / "b.png", rgb[..., :2])


def test_a_file_written_whole_replaces_the_old_one_only_on_success(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with written_whole(path) as part:
        part.write_text("one")
    with pytest.raises(RuntimeError), written_whole(path) as part:  # noqa: PT012 # the fault comes after the write
        part.write_text("two")
        raise RuntimeError
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.mkv", "h265"), ("a.mov", "prores"), ("a.mp4", "ffv1")]
)
def test_the_shape_of_pixels_is_written_and_read(tmp_path: Path, name: str, codec: str) -> None:
    batch = make_batch("yuv422p10le", (64, 48))
    with VideoWriter(
        tmp_path / name,
        OutputSettings.model_validate({"codec": codec}),
        width=64,
        height=48,
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
        sample_aspect=Fraction(64, 45),
    ) as writer:
        writer.write(batch)
    assert probe(tmp_path / name).sample_aspect == Fraction(64, 45)
    with VideoReader(tmp_path / name) as reader:
        assert reader.read(Span(0, 1)).size_px == (91, 48)
