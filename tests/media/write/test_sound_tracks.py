from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media import AudioMix, AudioPart, OutputSettings, VideoWriter, probe, sound_streams
from dpe_toolkit.media.sound.samples import read_samples
from tests.media.conftest import make_batch, sound_packets, tone, write_sound_clip


@dataclass(frozen=True)
class Stretch:
    """A stretch of sound; one follows the other."""

    path: Path | None
    start_s: Fraction
    duration_s: Fraction


def laid(stretches: list[Stretch]) -> list[AudioMix]:
    """The stretches one after the other, each stream of theirs as one mix."""
    mixes: list[list[AudioPart]] = []
    elapsed = Fraction(0)
    for one in stretches:
        path = one.path
        streams = 0 if path is None else len(sound_streams(path)) if path.exists() else 1
        for number in range(streams):
            assert path is not None
            if number == len(mixes):
                mixes.append([])
            mixes[number].append(AudioPart(path, number, elapsed, one.duration_s, one.start_s))
        elapsed += one.duration_s
    return [AudioMix(tuple(parts), elapsed) for parts in mixes]


def write_with(path: Path, audio: list[Stretch], num_frames: int, codec: str | None = None) -> Path:
    batch = make_batch("yuv420p", (32, 32), num_frames=num_frames)
    with VideoWriter(
        path,
        OutputSettings.model_validate({"codec": codec, "preset": "ultrafast"}),
        width=32,
        height=32,
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
        audio=laid(audio),
    ) as writer:
        writer.write(batch)
    return path


def samples_of(path: Path, number: int = 0) -> npt.NDArray[np.int64]:
    """(channels, n) 16-bit samples as they are stored."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        resampler = av.AudioResampler(format="s16p")
        found = [part.to_ndarray() for frame in container.decode(stream) for part in resampler.resample(frame)]
    return np.concatenate(found, axis=1).astype(np.int64)


def whole(path: Path) -> Stretch:
    return Stretch(path, Fraction(0), probe(path).duration_s)


def heard(path: Path) -> npt.NDArray[np.float32]:
    """Half a second from half a second on."""
    blocks = read_samples(path, 0, start_s=Fraction(1, 2), num_samples=24000, rate=48000, layout="mono")
    return np.concatenate(list(blocks), axis=1)


@pytest.mark.parametrize(
    ("source", "codec", "output", "picture"),
    [
        ("a.mp4", "aac", "b.mp4", None),
        ("a.mp4", "aac", "b.mov", None),
        ("a.mp4", "aac", "b.mkv", None),
        ("a.mov", "pcm_s16le", "b.mov", None),
        ("a.mkv", "flac", "b.mkv", "h264"),
    ],
)
def test_sound_of_a_whole_clip_is_copied_packet_by_packet(
    tmp_path: Path, source: str, codec: str, output: str, picture: str | None
) -> None:
    clip = write_sound_clip(tmp_path / source, [tone(96000, 2), tone(96000, 1, seed=1)], codec=codec)
    target = write_with(tmp_path / output, [whole(clip)], 50, picture)
    assert probe(target).audio_streams == 2
    for number in (0, 1):
        assert b"".join(sound_packets(target, number)) == b"".join(sound_packets(clip, number))


@pytest.mark.parametrize("output", ["b.mp4", "b.mov", "b.mkv"])
def test_copied_sound_stays_in_time_with_the_frames(tmp_path: Path, output: str) -> None:
    clip = write_sound_clip(tmp_path / "a.mp4", [tone(96000)], codec="aac")
    target = write_with(tmp_path / output, [whole(clip)], 50)

    best = [
        np.abs(heard(clip)[:, 100:-100] - np.roll(heard(target), shift)[:, 100:-100]).mean() for shift in range(-60, 61)
    ]
    # Matroska rounds times to a millisecond, 48 samples; the others are exact.
    assert abs(int(np.argmin(best)) - 60) <= (48 if output == "b.mkv" else 0)


@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12), st.booleans()), min_size=1, max_size=5),
    suffix=st.sampled_from([".mov", ".mkv"]),
)
def test_cut_sound_is_exact_to_the_sample(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int, bool]], suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    samples = tone(48000 * 3, 2)
    clip = write_sound_clip(folder / "a.mov", [samples], codec="pcm_s16le")
    segments = [Stretch(clip, Fraction(0), Fraction(1, 25))]
    segments += [Stretch(clip if on else None, Fraction(at, 25), Fraction(n, 25)) for at, n, on in cuts]
    expected = [samples[:, :1920]]
    expected += [(samples if on else samples * 0)[:, at * 1920 : (at + n) * 1920] for at, n, on in cuts]
    target = write_with(folder / f"b{suffix}", segments, 1 + sum(n for _, n, _ in cuts))
    np.testing.assert_array_equal(samples_of(target), np.concatenate(expected, axis=1))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_late_cut_equals_the_same_samples_read_from_the_start(tmp_path: Path, name: str) -> None:
    clip = write_sound_clip(tmp_path / name, [tone(48000 * 8)], codec="aac")
    ask = {"rate": 48000, "layout": "mono"}
    start = Fraction(6 * 25 + 7, 25)
    late = np.concatenate(list(read_samples(clip, 0, start_s=start, num_samples=9600, **ask)), axis=1)  # type: ignore[arg-type]
    everything = np.concatenate(list(read_samples(clip, 0, start_s=Fraction(0), num_samples=48000 * 8, **ask)), axis=1)  # type: ignore[arg-type]
    begin = int(start * 48000)
    np.testing.assert_allclose(late, everything[:, begin : begin + 9600], atol=1e-6)


def test_joints_do_not_drift_at_fractional_rates(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.mov", [tone(44100 * 2)], codec="pcm_s16le", rate=44100)
    frame_s = Fraction(1001, 30000)
    segments = [Stretch(clip, index * frame_s, frame_s) for index in range(45)]
    target = write_with(tmp_path / "b.mkv", segments, 10)
    assert samples_of(target).shape[1] == round(45 * frame_s * 44100)
    np.testing.assert_array_equal(samples_of(target)[0, :1000], samples_of(clip)[0, :1000])


def test_sound_shorter_than_its_segment_ends_in_silence(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.mov", [tone(48000)], codec="pcm_s16le")
    target = write_with(tmp_path / "b.mkv", [Stretch(clip, Fraction(1, 2), Fraction(1))], 25)
    found = samples_of(target)
    assert found.shape == (1, 48000)
    np.testing.assert_array_equal(found[:, :24000], samples_of(clip)[:, 24000:])
    assert not found[:, 24000:].any()


def test_sounds_of_different_rate_and_layout_meet_in_the_richer(tmp_path: Path) -> None:
    low = write_sound_clip(tmp_path / "a.mov", [tone(44100, 1)], codec="pcm_s16le", rate=44100)
    high = write_sound_clip(tmp_path / "b.mov", [tone(48000, 2)], codec="pcm_s16le")
    target = write_with(tmp_path / "c.mkv", [whole(low), whole(high)], 50)
    found = samples_of(target)
    assert found.shape == (2, 96000)
    np.testing.assert_array_equal(found[:, 48000:], samples_of(high))
    assert found[:, 1000:47000].std() > 1000


def test_a_track_that_a_segment_lacks_is_silent_there(tmp_path: Path) -> None:
    one = write_sound_clip(tmp_path / "a.mov", [tone(48000)], codec="pcm_s16le")
    two = write_sound_clip(tmp_path / "b.mov", [tone(48000), tone(48000, seed=3)], codec="pcm_s16le")
    target = write_with(tmp_path / "c.mov", [whole(one), whole(two)], 50)
    assert probe(target).audio_streams == 2
    second = samples_of(target, 1)
    assert not second[:, :48000].any()
    np.testing.assert_array_equal(second[:, 48000:], samples_of(two, 1))


@pytest.mark.parametrize(
    ("output", "picture", "codec"),
    [
        ("b.mp4", None, "aac"),
        ("b.mov", "h264", "aac"),
        ("b.mov", None, "pcm_s16le"),
        ("b.mkv", None, "flac"),
        ("b.mkv", "h264", "flac"),
    ],
)
def test_cut_sound_is_encoded_as_the_container_wants(
    tmp_path: Path, output: str, picture: str | None, codec: str
) -> None:
    clip = write_sound_clip(tmp_path / "a.mov", [tone(48000)], codec="pcm_s16le")
    target = write_with(tmp_path / output, [Stretch(clip, Fraction(0), Fraction(1, 2))], 12, picture)
    with av.open(str(target)) as container:
        assert container.streams.audio[0].codec_context.name == codec


def test_pcm_of_a_whole_clip_is_encoded_where_mp4_cannot_hold_it(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.mov", [tone(48000)], codec="pcm_s16le")
    with av.open(str(write_with(tmp_path / "b.mp4", [whole(clip)], 25))) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_sound_of_a_transport_stream_is_copied_into_mp4(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.ts", [tone(96000)], codec="aac")
    target = write_with(tmp_path / "b.mp4", [whole(clip)], 50)
    with av.open(str(target)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    np.testing.assert_array_equal(heard(target), heard(clip))


def test_sound_of_a_file_cut_off_in_the_middle_ends_in_silence(tmp_path: Path) -> None:
    data = write_sound_clip(tmp_path / "a.mkv", [tone(96000)], codec="aac").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: len(data) * 3 // 5])
    target = write_with(tmp_path / "b.mkv", [Stretch(path, Fraction(1, 25), Fraction(1))], 25)
    found = samples_of(target)
    assert found.shape == (1, 48000)
    assert found[:, 2000:40000].any()


def test_damaged_sound_is_refused(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.mkv", [tone(96000)], codec="flac")
    packets, data = list(sound_packets(clip)), clip.read_bytes()
    path = tmp_path / "damaged.mkv"
    path.write_bytes(data.replace(packets[5], b"\x00" * len(packets[5])))
    with pytest.raises(MediaError, match=r"damaged\.mkv.*sound cannot be decoded"):
        write_with(tmp_path / "b.mkv", [Stretch(path, Fraction(0), Fraction(1))], 25)


def test_a_mix_above_full_scale_is_clipped_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loud = np.full((1, 48000), 24000, np.int16)
    clip = write_sound_clip(tmp_path / "a.mov", [loud], codec="pcm_s16le")
    part = AudioPart(clip, 0, Fraction(0), Fraction(1), Fraction(0))
    batch = make_batch("yuv420p", (32, 32), num_frames=25)
    with VideoWriter(
        tmp_path / "b.mkv",
        OutputSettings(),
        width=32,
        height=32,
        rate=Fraction(25),
        layout=batch.layout,
        color=batch.color,
        audio=[AudioMix((part, part), Fraction(1), "both")],
    ) as writer:
        writer.write(batch)
    assert samples_of(tmp_path / "b.mkv").max() == 32767
    assert "goes 3.3 dB above full scale" in caplog.text


def test_silence_alone_makes_no_stream(tmp_path: Path) -> None:
    target = write_with(tmp_path / "b.mp4", [Stretch(None, Fraction(0), Fraction(1))], 25)
    assert probe(target).audio_streams == 0


def test_missing_sound_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none\.mov.*There is no such file"):
        write_with(tmp_path / "b.mp4", [Stretch(tmp_path / "none.mov", Fraction(0), Fraction(1))], 25)
    assert not list(tmp_path.iterdir())


def test_a_stream_that_is_not_there_is_refused(tmp_path: Path) -> None:
    clip = write_sound_clip(tmp_path / "a.mov", [tone(48000)], codec="pcm_s16le")
    with pytest.raises(MediaError, match="has 1 audio streams, number 3 is asked for"):
        next(read_samples(clip, 3, start_s=Fraction(0), num_samples=10, rate=48000, layout="mono"))


@pytest.mark.parametrize(
    ("output", "rate", "layout", "expected"),
    [
        ("b.mp4", 192000, "stereo", ("aac", 96000, 2)),
        ("b.mkv", 192000, "stereo", ("flac", 192000, 2)),
        ("b.mkv", 48000, "hexadecagonal", ("pcm_s16le", 48000, 16)),
    ],
)
def test_sound_beyond_a_codec_goes_into_one_that_holds_it(
    tmp_path: Path, output: str, rate: int, layout: str, expected: tuple[str, int, int]
) -> None:
    channels = av.AudioLayout(layout).nb_channels
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate)
        stream.codec_context.layout = layout
        frame = av.AudioFrame.from_ndarray(np.zeros((1, rate // 2 * channels), np.int16), format="s16", layout=layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    target = write_with(tmp_path / output, [Stretch(path, Fraction(0), Fraction(2, 5))], 10, "h264")
    with av.open(str(target)) as container:
        found = container.streams.audio[0]
        assert (found.codec_context.name, found.rate, found.layout.nb_channels) == expected
