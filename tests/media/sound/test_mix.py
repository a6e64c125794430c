from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.media import AudioMix, AudioPart
from dpe_toolkit.media.sound.mix import mixed_blocks, whole_stream
from dpe_toolkit.media.sound.retime import SampleWindow, _positions, retimed
from tests.media.conftest import tone, write_sound_clip

RATE = 48000
NTSC = Fraction(30000, 1001)
ZERO = Fraction(0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mix") / "a.mov"
    return write_sound_clip(path, [tone(RATE * 4), tone(RATE * 4, seed=9)], codec="pcm_s16le")


def heard(*parts: AudioPart, length_s: Fraction = Fraction(2), rate: int = RATE) -> npt.NDArray[np.float32]:
    return np.concatenate(list(mixed_blocks(AudioMix(parts, length_s), rate, "mono")), axis=1)[0]


def expected(seed: int = 0) -> npt.NDArray[np.float32]:
    return tone(RATE * 4, seed=seed)[0].astype(np.float32) / 32768


def part(clip: Path, record_s: Fraction, duration_s: Fraction, start_s: Fraction, **changes: object) -> AudioPart:
    return AudioPart(clip, changes.pop("stream", 0), record_s, duration_s, start_s, **changes)  # type: ignore[arg-type] # keywords


times = st.fractions(0, 3, max_denominator=1001)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(times, st.fractions("1/50", 1, max_denominator=300), times, st.integers(0, 1)), max_size=4))
def test_parts_add_up_to_the_sample(clip: Path, stretches: list[tuple[Fraction, Fraction, Fraction, int]]) -> None:
    parts = [part(clip, at, length, since, stream=stream) for at, length, since, stream in stretches]
    total = np.zeros(RATE * 2, np.float32)
    for at, length, since, stream in stretches:
        first, stop = round(at * RATE), round((at + length) * RATE)
        begin = first + round((since - at) * RATE)
        own = expected(9 if stream else 0)[begin : begin + stop - first]
        room = total[first:stop]
        room[: len(own)] += own[: len(room)]
    np.testing.assert_allclose(heard(*parts), total, atol=1e-6)


def test_shares_that_add_up_to_one_keep_the_loudness(clip: Path) -> None:
    one, two = Fraction(1), Fraction(0)
    found = heard(
        part(clip, ZERO, Fraction(2), ZERO, fade=(one, two)),
        part(clip, ZERO, Fraction(2), ZERO, fade=(two, one), stream=1),
    )
    loud = np.sqrt((found.reshape(20, -1) ** 2).mean(axis=1))
    alone = np.sqrt((expected() ** 2).mean())
    np.testing.assert_allclose(loud, alone, rtol=0.03)
    assert abs(found[0] - expected()[0]) < 1e-3


def test_a_cut_inside_a_fade_is_not_heard(clip: Path) -> None:
    whole = heard(part(clip, ZERO, Fraction(2), ZERO, fade=(Fraction(1), ZERO)))
    cut = heard(
        part(clip, ZERO, Fraction(1), ZERO, fade=(Fraction(1), Fraction(1, 2))),
        part(clip, Fraction(1), Fraction(1), Fraction(1), fade=(Fraction(1, 2), ZERO)),
    )
    np.testing.assert_allclose(cut, whole, atol=1e-5)


def sine(hertz: float, count: int, step: float = 1.0) -> npt.NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(count) * step / RATE)


def window_over(samples: npt.NDArray[np.float64], asked: list[int] | None = None) -> SampleWindow:
    def read(start: int, count: int) -> Iterator[npt.NDArray[np.float32]]:
        if asked is not None:
            asked.append(start)
        for at in itertools.count(start, 1000):
            places = np.arange(at, at + 1000)
            inside = (places >= 0) & (places < len(samples))
            yield np.where(inside, samples[np.clip(places, 0, len(samples) - 1)], 0)[None].astype(np.float32)

    return SampleWindow(read, 1)


@pytest.mark.parametrize(
    "step", [Fraction(1, 2), Fraction(3, 2), Fraction(2), Fraction(-1), Fraction(-7, 5), Fraction(24000, 25025)]
)
def test_a_tone_at_another_speed_is_a_purer_tone_of_another_pitch(step: Fraction) -> None:
    hertz, count = 1000.0, 20000
    samples = sine(hertz, RATE * 2)
    first = Fraction(100) if step > 0 else Fraction(3 * RATE + 7, 2)
    found = np.concatenate(list(retimed(window_over(samples), first, step, count)), axis=1)[0]
    places = float(first) + np.arange(count) * float(step)
    wanted = 0.5 * np.sin(2 * np.pi * hertz * places / RATE)
    middle = slice(200, -200)
    assert np.abs(found - wanted)[middle].max() < 1 / 32768


def test_backwards_at_normal_speed_is_the_very_samples_in_reverse() -> None:
    samples = np.random.default_rng(3).uniform(-0.5, 0.5, 30000)
    asked: list[int] = []
    found = np.concatenate(list(retimed(window_over(samples, asked), Fraction(29000), Fraction(-1), 28000)), axis=1)[0]
    np.testing.assert_allclose(found, samples[29000:1000:-1], atol=1e-6)
    assert len(asked) <= 3


def test_what_would_fold_back_is_filtered_out_above_normal_speed() -> None:
    samples = sine(20000, RATE * 2)
    found = np.concatenate(list(retimed(window_over(samples), Fraction(100), Fraction(2), 10000)), axis=1)[0]
    assert np.abs(found[200:-200]).max() < 1e-3


@given(
    st.fractions(-(10**9), 10**9, max_denominator=30030),
    st.fractions(-4, 4, max_denominator=48048).filter(bool),
    st.integers(1, 50),
)
def test_positions_are_exact(first: Fraction, step: Fraction, count: int) -> None:
    whole, rest = _positions(first, step, count)
    for number, (base, share) in enumerate(zip(whole, rest, strict=True)):
        exact = first + number * step
        assert base == exact.numerator // exact.denominator
        assert abs(share - float(exact - int(base))) < 1e-9
    huge = Fraction(1, 3**40)
    assert _positions(first + huge, step, 2)[0][0] == whole[0]


@given(st.integers(0, 17982), st.integers(1, 4), st.integers(1, 4), st.sampled_from([44100, 48000, 96000]))
def test_over_ten_minutes_no_sample_lies_further_than_one_from_its_frame(
    frame: int, numerator: int, denominator: int, rate: int
) -> None:
    """The place of a click at the begin of a media frame, through a retime, against the place of its flash."""
    speed = Fraction(numerator, denominator)
    record_s, start_s = frame / NTSC, 7 / NTSC
    one = AudioPart(Path("a"), 0, record_s, Fraction(60), start_s, speed)
    flash_s = record_s + (5 / NTSC) / speed
    begin = round(one.record_s * rate)
    begin_s = one.start_s + (Fraction(begin, rate) - one.record_s) * one.speed
    click = begin + (start_s + 5 / NTSC - begin_s) / one.speed * rate
    assert abs(click - flash_s * rate) < Fraction(1, 10**9)
    plain = begin + round((one.start_s - one.record_s) * rate)
    assert abs(plain - start_s * rate) <= 1


def test_whole_streams_are_known(clip: Path) -> None:
    plain = part(clip, ZERO, Fraction(4), ZERO)
    assert whole_stream(AudioMix((plain,), Fraction(4))) is plain
    assert whole_stream(AudioMix((plain, plain), Fraction(4))) is None
    assert whole_stream(AudioMix((part(clip, ZERO, Fraction(4), Fraction(1)),), Fraction(4))) is None
    assert whole_stream(AudioMix((part(clip, ZERO, Fraction(4), ZERO, speed=Fraction(2)),), Fraction(4))) is None
