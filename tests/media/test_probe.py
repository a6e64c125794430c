from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media import file_digest, list_codecs, media_plan, probe
from dpe_toolkit.media.opening import exact_ratio, open_media
from dpe_toolkit.plans.media import MediaPlan
from tests.media.conftest import Recipe, tone, write_sound_clip

pytestmark = pytest.mark.smoke

PLAIN = Recipe("plain.mp4", options={"preset": "ultrafast"}, rate=Fraction(24000, 1001))


def rewrap(source: Path, target: Path, change: Callable[[av.video.stream.VideoStream], None] | None = None) -> Path:
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        if change is not None:
            change(stream)
        for packet in before.demux(video=0):
            if packet.size:
                packet.stream = stream
                after.mux(packet)
    return target


def test_probe_tells_what_the_file_holds(number_clip: Callable[..., Path]) -> None:
    path = number_clip(PLAIN, 12)
    info = probe(path)
    assert (info.path, info.width, info.height, info.num_frames) == (path, 160, 32, 12)
    assert (info.rate, info.codec, info.audio_streams) == (Fraction(24000, 1001), "h264", 0)
    assert (info.layout.name, info.sample_aspect, info.rotation_deg) == ("yuv420p", 1, 0)
    assert (info.interlaced, info.variable_rate, info.start_frame) == (False, False, 0)
    assert info.duration_s == Fraction(12 * 1001, 24000)


def test_media_plan_names_file_and_digest(tmp_path: Path) -> None:
    path = write_sound_clip(tmp_path / "a.mp4", [tone(48000)], codec="aac")
    plan = media_plan(path)
    assert plan == MediaPlan(
        path=path,
        digest="sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),
        width=32,
        height=32,
        num_frames=25,
        rate=Fraction(25),
        pixel_format="yuv420p",
        has_audio=True,
    )


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = file_digest(path)
    path.write_bytes(b"other")
    assert file_digest(path) != first
    with pytest.raises(MediaError, match="cannot be read"):
        file_digest(tmp_path / "none")


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize(("text", "frame", "drop"), [("01:00:00:00", 108000, False), ("00:01:00;02", 1800, True)])
def test_the_start_timecode_is_read(
    number_clip: Callable[..., Path], tmp_path: Path, suffix: str, text: str, frame: int, drop: bool
) -> None:
    source = number_clip(Recipe("ntsc.mp4", rate=Fraction(30000, 1001)), 12)
    path = rewrap(source, tmp_path / f"a{suffix}", lambda stream: stream.metadata.update({"timecode": text}))
    info = probe(path)
    assert (info.start_frame, info.drop_frame) == (frame, drop)


def test_a_start_timecode_that_is_none_is_ignored(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    path = rewrap(
        number_clip(PLAIN, 12), tmp_path / "a.mkv", lambda stream: stream.metadata.update({"timecode": "noon"})
    )
    assert probe(path).start_frame == 0


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_rotation_is_reported(number_clip: Callable[..., Path], tmp_path: Path, clockwise: int) -> None:
    path = rewrap(number_clip(PLAIN, 12), tmp_path / "a.mp4", lambda stream: stream.set_display_rotation(-clockwise))
    assert probe(path).rotation_deg == clockwise


def test_interlaced_frames_are_reported(number_clip: Callable[..., Path]) -> None:
    recipe = Recipe("fields.mp4", options={"preset": "ultrafast", "x264-params": "tff=1"})
    assert probe(number_clip(recipe, 12)).interlaced


def test_pixels_that_are_not_square_are_reported(number_clip: Callable[..., Path]) -> None:
    recipe = Recipe("wide.mp4", options={"preset": "ultrafast", "x264-params": "sar=4/3"})
    assert probe(number_clip(recipe, 12)).sample_aspect == Fraction(4, 3)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none\.mp4'.*There is no such file.*correct the path"):
        probe(tmp_path / "none.mp4")


def test_a_folder_is_no_media(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="It is a folder"):
        probe(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello, this is no film", bytes(range(256)) * 40])
def test_a_file_without_media_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match="holds no media that can be opened"):
        probe(path)


def test_a_playlist_is_not_followed(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    target = number_clip(PLAIN, 12)
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError, match="playlists are not opened"):
        probe(path)


def test_a_name_that_looks_like_a_protocol_is_a_name(
    number_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "concat:a.mp4").write_bytes(number_clip(PLAIN, 12).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert probe(Path("concat:a.mp4")).num_frames == 12


def test_tags_that_are_not_utf8_are_read_as_text_with_gaps(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    path = rewrap(
        number_clip(PLAIN, 12), tmp_path / "a.mkv", lambda stream: stream.metadata.update({"title": "Cafe in June"})
    )
    path.write_bytes(path.read_bytes().replace(b"Cafe in June", b"Caf\xe9 in \xff\xfene"))
    assert probe(path).num_frames == 12
    with open_media(path) as container:
        assert container.streams[0].metadata["title"] == "Caf\ufffd in \ufffd\ufffdne"


def test_times_and_rates_are_exact_fractions_whatever_type_the_library_has(number_clip: Callable[..., Path]) -> None:
    info = probe(number_clip(PLAIN, 12))
    found = (info.rate, info.time_base, info.start_s, info.sample_aspect, info.duration_s)
    assert [type(value) for value in found] == [Fraction] * len(found)


@pytest.mark.parametrize("ratio", [None, Fraction(0), SimpleNamespace(numerator=1, denominator=0)])
def test_a_ratio_that_says_nothing_is_none(ratio: Fraction | SimpleNamespace | None) -> None:
    assert exact_ratio(ratio) is None


def test_a_file_of_sound_alone_has_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
    with pytest.raises(MediaError, match="The file has no picture"):
        probe(path)


def test_a_stream_whose_frames_do_not_decode_is_refused(number_clip: Callable[..., Path], tmp_path: Path) -> None:
    source = number_clip(Recipe("intra.mkv", "ffv1", {"g": "1"}), 3)
    with av.open(str(source)) as container:
        payloads = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = source.read_bytes()
    for payload in payloads:
        data = data.replace(payload, b"\xff" * len(payload))
    path = tmp_path / "noise.mkv"
    path.write_bytes(data)
    with pytest.raises(MediaError, match="No frame of the ffv1 stream can be decoded"):
        probe(path)


def test_codecs_are_listed_with_what_they_take() -> None:
    found = {(codec.name, codec.direction): codec for codec in list_codecs()}
    assert found["ffv1", "encode"].available
    assert "yuv420p" in found["ffv1", "encode"].pixel_formats
    assert found["h264", "decode"].available
