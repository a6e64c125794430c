from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader, probe
from tests.media.conftest import Recipe, numbers_in, resident_bytes

pytestmark = pytest.mark.smoke

NUM_FRAMES = 75
H264 = {"preset": "veryfast", "bf": "3", "g": "12", "x264-params": "b-adapt=0"}
RECIPES = [
    Recipe("plain.mp4", options=H264),
    Recipe("plain.mkv", options=H264, rate=Fraction(30000, 1001)),
    Recipe("plain.ts", options=H264),
    Recipe("raw.h264", options=H264),
    Recipe("open_gop.mp4", options=H264 | {"x264-params": "open-gop=1:b-adapt=0:scenecut=0"}),
    Recipe("open_gop.mkv", options=H264 | {"x264-params": "open-gop=1:b-adapt=0:scenecut=0"}),
    Recipe("refresh.mp4", options=H264 | {"g": "20", "x264-params": "intra-refresh=1"}),
    Recipe("one_key.mp4", options=H264 | {"g": "500"}),
    Recipe("all_keys.mp4", options=H264 | {"g": "1"}),
    Recipe(
        "hevc.mp4", "libx265", {"preset": "ultrafast", "g": "12", "x265-params": "bframes=3:open-gop=1:log-level=none"}
    ),
    Recipe(
        "hevc.mkv",
        "libx265",
        {"preset": "ultrafast", "g": "12", "x265-params": "bframes=3:log-level=none"},
        "yuv420p10le",
    ),
    Recipe("mpeg4.mp4", "mpeg4", {"bf": "2", "g": "12", "qscale": "2"}),
    Recipe("mpeg4.avi", "mpeg4", {"bf": "2", "g": "12"}),
    Recipe("mpeg2.ts", "mpeg2video", {"bf": "2", "g": "12", "b": "2M"}),
    Recipe("vp8.webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime", "g": "20"}),
    Recipe("vp9.webm", "libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime", "g": "20"}),
    Recipe("prores.mov", "prores_ks", pixel_format="yuv422p10le"),
    Recipe("ffv1.mkv", "ffv1"),
]
spans = st.lists(
    st.tuples(st.integers(0, NUM_FRAMES - 1), st.integers(1, 9)).map(lambda p: Span(p[0], min(NUM_FRAMES, sum(p)))),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=spans)
def test_frames_are_exact_in_any_order(number_clip: Callable[..., Path], recipe: Recipe, order: list[Span]) -> None:
    with VideoReader(number_clip(recipe), threads=2) as reader:
        assert reader.info.num_frames == NUM_FRAMES
        for span in order:
            batch = reader.read(span)
            assert numbers_in(batch) == list(span)
            assert batch.index.tolist() == list(span)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_rate_is_exact_and_even(number_clip: Callable[..., Path], recipe: Recipe) -> None:
    info = probe(number_clip(recipe))
    assert (info.rate, info.variable_rate) == (recipe.rate, False)


def test_sequential_reading_never_seeks(number_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seeks: list[int] = []
    original = VideoReader._seek

    def counted(self: VideoReader, index: int) -> None:
        seeks.append(index)
        original(self, index)

    monkeypatch.setattr(VideoReader, "_seek", counted)
    with VideoReader(number_clip(RECIPES[0])) as reader:
        found = [n for batch in reader.iterate(Span(0, NUM_FRAMES), 8) for n in numbers_in(batch)]
    assert found == list(range(NUM_FRAMES))
    assert seeks == [0]


def test_batches_belong_to_the_caller(number_clip: Callable[..., Path]) -> None:
    with VideoReader(number_clip(RECIPES[0])) as reader:
        first = reader.read(Span(0, 4))
        kept = first.planes[0].copy()
        reader.read(Span(4, 8))
        assert first.planes[0].flags.writeable
        np.testing.assert_array_equal(first.planes[0], kept)


def test_an_empty_span_gives_an_empty_batch(number_clip: Callable[..., Path]) -> None:
    with VideoReader(number_clip(RECIPES[0])) as reader:
        assert len(reader.read(Span(5, 5))) == 0


def test_a_closed_reader_opens_again(number_clip: Callable[..., Path]) -> None:
    reader = VideoReader(number_clip(RECIPES[0]))
    reader.read(Span(0, 2))
    reader.close()
    assert numbers_in(reader.read(Span(40, 42))) == [40, 41]
    reader.close()


@pytest.mark.parametrize("span", [Span(70, 76), Span(-1, 2)])
def test_frames_outside_the_clip_are_refused(number_clip: Callable[..., Path], span: Span) -> None:
    with (
        VideoReader(number_clip(RECIPES[0])) as reader,
        pytest.raises(MediaError, match="frames within 0:75") as caught,
    ):
        reader.read(span)
    assert caught.value.frame in (75, -1)


def test_a_frame_count_that_lies_in_the_header_is_not_believed(
    number_clip: Callable[..., Path], tmp_path: Path
) -> None:
    data = bytearray(number_clip(Recipe("mpeg4.avi", "mpeg4", {"bf": "2", "g": "12"})).read_bytes())
    main_header, stream_header = data.index(b"avih") + 8, data.index(b"strh") + 8
    data[main_header + 16 : main_header + 20] = (500).to_bytes(4, "little")
    data[stream_header + 32 : stream_header + 36] = (500).to_bytes(4, "little")
    path = tmp_path / "liar.avi"
    path.write_bytes(data)
    with VideoReader(path) as reader:
        assert reader.info.num_frames == NUM_FRAMES
        assert numbers_in(reader.read(Span(70, NUM_FRAMES))) == [70, 71, 72, 73, 74]


def test_frames_hidden_by_an_edit_list_are_no_frames(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "edited.mp4"
    with av.open(str(number_clip(RECIPES[0]))) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size and packet.pts is not None and packet.dts is not None:
                shift = round(10 / 25 / packet.time_base)
                packet.stream, packet.pts, packet.dts = stream, packet.pts - shift, packet.dts - shift
                target.mux(packet)
    with VideoReader(path) as reader:
        assert reader.info.num_frames == NUM_FRAMES - 10
        assert numbers_in(reader.read(Span(40, 44))) == [50, 51, 52, 53]
        assert numbers_in(reader.read(Span(0, 5))) == [10, 11, 12, 13, 14]


def test_a_film_cut_off_in_the_middle_has_the_frames_that_are_there(
    number_clip: Callable[..., Path], tmp_path: Path
) -> None:
    with (
        av.open(str(number_clip(RECIPES[8]))) as source,
        av.open(str(tmp_path / "front.mp4"), "w", options={"movflags": "+faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    data = (tmp_path / "front.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) * 2 // 3])
    with VideoReader(path) as reader:
        count = reader.info.num_frames
        assert 5 < count < NUM_FRAMES - 5
        assert numbers_in(reader.read(Span(0, count))) == list(range(count))


def test_a_damaged_frame_is_named_and_the_next_ones_read(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    source = number_clip(Recipe("intra.mkv", "ffv1", {"g": "1"}))
    with av.open(str(source)) as container:
        payloads = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = source.read_bytes()
    at = data.index(payloads[30])
    path = tmp_path / "damaged.mkv"
    path.write_bytes(data[:at] + b"\xff" * len(payloads[30]) + data[at + len(payloads[30]) :])
    with VideoReader(path, threads=1) as reader:
        with pytest.raises(MediaError, match=r"frame 30: The frame cannot be decoded.*an undamaged file"):
            reader.read(Span(28, 34))
        assert numbers_in(reader.read(Span(31, 34))) == [31, 32, 33]


def test_a_stream_that_changes_size_is_refused(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    clips = [
        number_clip(Recipe(f"{width}.mkv", "mjpeg", pixel_format="yuvj420p", size_px=(width, 64)), 6)
        for width in (160, 192)
    ]
    path = tmp_path / "both.mkv"
    with av.open(str(path), "w") as target:
        stream = None
        for offset, clip in zip((0, 240), clips, strict=True):
            with av.open(str(clip)) as source:
                stream = stream or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        packet.stream, packet.pts, packet.dts = stream, packet.pts + offset, packet.dts + offset
                        target.mux(packet)
    with VideoReader(path, threads=1) as reader, pytest.raises(MediaError, match="image changes to 192x64"):
        reader.read(Span(0, reader.info.num_frames))


@pytest.mark.parametrize(
    ("encoder", "name", "pixel_format", "layout"),
    [("png", "a.png", "rgb24", "gbrp"), ("mjpeg", "a.jpg", "yuvj420p", "yuv420p"), ("png", "g.png", "gray", "gray")],
)
def test_a_still_is_a_clip_of_one_frame(
    number_clip: Callable[..., Path], encoder: str, name: str, pixel_format: str, layout: str
) -> None:
    recipe = Recipe(name, encoder, pixel_format=pixel_format, size_px=(171, 33), muxer="image2")
    with VideoReader(number_clip(recipe, 1)) as reader:
        info = reader.info
        assert (info.num_frames, info.rate, info.width, info.height) == (1, 25, 171, 33)
        assert info.layout.name == layout
        assert reader.read(Span(0, 1)).size_px == (171, 33)
        assert reader.read(Span(0, 1)).size_px == (171, 33)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the process's memory from /proc")
def test_memory_does_not_grow_with_the_clip(number_clip: Callable[..., Path]) -> None:
    recipe = Recipe("long.mp4", options={"preset": "ultrafast", "g": "25"}, size_px=(640, 360))
    with VideoReader(number_clip(recipe, 1000), threads=2) as reader:
        for _ in reader.iterate(Span(0, 100), 8):
            pass
        before = resident_bytes()
        for _ in reader.iterate(Span(100, 1000), 8):
            pass
        assert resident_bytes() - before < 12_000_000
