from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.delivery.ranges import pick_shots
from dpe_toolkit.media import AudioPart
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import ShotPlan
from dpe_toolkit.plans.soundtrack import SoundPart, SoundTrack
from dpe_toolkit.rendering.sound import audio_mixes
from tests.rendering.scenes import dissolved, edit, laid_over, plan, shot
from tests.rendering.test_mapping import medium


def loud(name: str = "a") -> MediaPlan:
    return medium(100, name=name).model_copy(update={"has_audio": True})


Heard = list[tuple[str, Fraction, Fraction, Fraction]]


def heard(*shots: ShotPlan, streams: int = 1, number: int = 0, **changes: object) -> Heard:
    """File, output time, length and file time of each part of one stream."""
    mixes = audio_mixes(plan(*shots, **changes), count=lambda path: streams)
    assert len(mixes) <= streams
    return [
        (one.path.name, one.record_s, one.duration_s, one.start_s)
        for mix in mixes[number : number + 1]
        for one in mix.parts
    ]


def test_silent_shots_make_no_sound_track() -> None:
    assert heard(shot(medium()), shot(None, 5)) == []


def test_each_shot_brings_its_own_sound_and_gaps_are_silent() -> None:
    found = heard(shot(loud(), 50, source_start=25), shot(None, 10), shot(loud("b"), 25), shot(medium(), 5))
    assert found == [
        ("a", Fraction(0), Fraction(2), Fraction(1)),
        ("b", Fraction(12, 5), Fraction(1), Fraction(0)),
    ]


def test_every_stream_of_the_files_is_heard_in_a_stream_of_its_own() -> None:
    assert heard(shot(loud(), 25), streams=2) == heard(shot(loud(), 25), streams=2, number=1)


def test_a_file_cut_without_a_jump_is_one_part() -> None:
    found = heard(shot(loud(), 40), shot(loud(), 60, source_start=40))
    assert found == [("a", Fraction(0), Fraction(4), Fraction(0))]


def test_a_jump_in_the_same_file_is_two_parts() -> None:
    assert len(heard(shot(loud(), 40), shot(loud(), 50, source_start=50))) == 2


def parts_of(*shots: ShotPlan, **changes: object) -> list[AudioPart]:
    return [part for mix in audio_mixes(plan(*shots, **changes), count=lambda path: 1) for part in mix.parts]


@pytest.mark.parametrize(("step", "speed"), [(Fraction(2), 2), (Fraction(-1, 2), Fraction(-1, 2))])
def test_sound_runs_at_the_speed_of_its_shot(step: Fraction, speed: Fraction) -> None:
    line = FrameMap(start=Fraction(60), step=step)
    (part,) = parts_of(shot(loud(), 20, source_start=line.frame(0), time=line))
    assert (part.start_s, part.speed, part.duration_s) == (Fraction(60, 25), speed, Fraction(20, 25))


def test_a_frozen_frame_is_silent() -> None:
    line = FrameMap(start=Fraction(60), step=Fraction(0))
    assert parts_of(shot(loud(), 20, source_start=60, time=line)) == []


def test_another_rate_keeps_seconds() -> None:
    film = medium(100, Fraction(24)).model_copy(update={"has_audio": True})
    line = FrameMap(start=Fraction(0), step=Fraction(24, 25))
    (part,) = parts_of(shot(film, 25, time=line))
    assert part.speed == 1


@given(st.integers(0, 30), st.integers(1, 30))
def test_a_trimmed_plan_sounds_as_its_part_of_the_whole(start: int, length: int) -> None:
    line = FrameMap(start=Fraction(10), step=Fraction(3, 2))
    whole = plan(shot(loud(), 30, source_start=10, time=line), shot(loud("b"), 40))
    span = Span(start, start + length)
    mixes = audio_mixes(whole, count=lambda path: 1)
    trimmed = audio_mixes(whole.trim(span), count=lambda path: 1)
    expected = [part for part in mixes[0].parts if part.record_s < span.stop / whole.rate]
    for part, other in zip([part for mix in trimmed for part in mix.parts][::-1], expected[::-1], strict=False):
        moved_s = part.record_s + span.start / whole.rate - other.record_s
        assert moved_s >= 0
        assert part.start_s == other.start_s + moved_s * other.speed


def acted(audio: str, **changes: object) -> ShotPlan:
    driver = loud("driver").model_copy(update={"num_frames": changes.pop("length", 100)})
    return shot(loud(), 50, edit=edit(driver, audio=audio, driver_start_s=Fraction(1), **changes))


@pytest.mark.parametrize(
    ("audio", "names"), [("source", ["a"]), ("driver", ["driver"]), ("mix", ["a", "driver"]), ("none", [])]
)
def test_a_shot_says_whose_sound_is_heard(audio: str, names: list[str]) -> None:
    assert [part.path.name for part in parts_of(acted(audio))] == names


def test_a_drivers_sound_follows_its_performance() -> None:
    (part,) = parts_of(acted("driver", retime=Fraction(3, 2)))
    assert (part.start_s, part.speed, part.duration_s) == (1, Fraction(3, 2), 2)
    (held,) = parts_of(acted("driver", length=50))
    assert held.duration_s == 1
    assert [part.start_s for part in parts_of(acted("driver", length=40, when_short="loop"))] == [1, 0]
    silent = shot(loud(), 50, edit=edit(medium(), audio="driver"))
    assert parts_of(silent) == []


def test_a_driver_of_a_retimed_shot_is_heard_at_both_speeds() -> None:
    line = FrameMap(start=Fraction(20), step=Fraction(2))
    one = shot(loud(), 10, source_start=20, time=line, edit=edit(loud("driver"), audio="driver", retime=Fraction(1, 2)))
    (part,) = parts_of(one)
    assert (part.start_s, part.speed) == (0, 1)


def track(name: str, *parts: SoundPart) -> SoundTrack:
    return SoundTrack(name=name, parts=parts)


def part(name: str, record_s: int, duration_s: int, start_s: int = 0) -> SoundPart:
    return SoundPart(path=Path(name), record_s=record_s, duration_s=duration_s, start_s=start_s)


def test_tracks_are_mixed_or_kept_apart() -> None:
    sound = (track("A1", part("a", 0, 2)), track("music", part("m", 0, 4)))
    what = plan(shot(loud(), 100), sound=sound)
    (mixed,) = audio_mixes(what)
    assert [one.path.name for one in mixed.parts] == ["a", "m"]
    assert mixed.length_s == 4
    assert [(mix.name, len(mix.parts)) for mix in audio_mixes(what, "separate")] == [("A1", 1), ("music", 1)]


def test_a_performance_replaces_its_source_in_the_tracks_and_leaves_the_music() -> None:
    sound = (track("A1", part("a", 0, 4)), track("music", part("m", 0, 4)))
    what = plan(acted("driver"), shot(loud(), 50), sound=sound)
    (mixed,) = audio_mixes(what, count=lambda path: 1)
    found = [(one.path.name, one.record_s, one.duration_s, one.start_s) for one in mixed.parts]
    assert sorted(found) == [("a", 2, 2, 2), ("driver", 0, 2, 1), ("m", 0, 4, 0)]
    assert [mix.name for mix in audio_mixes(what, "separate", count=lambda path: 1)] == ["A1", "music", "performances"]


def test_shots_that_are_picked_take_their_sound_with_them() -> None:
    sound = (track("A1", part("m", 0, 4)),)
    what = plan(shot(loud(), 25), shot(loud("b"), 50, name="skipped"), shot(loud("c"), 25, name="last"), sound=sound)
    (mixed,) = audio_mixes(pick_shots(what, ["shot", "last"]))
    assert [(one.record_s, one.start_s, one.duration_s) for one in mixed.parts] == [(0, 0, 1), (1, 3, 1)]


@given(st.fractions(0, 4), st.fractions(0, 4), st.fractions(-2, 2).filter(bool))
def test_cutting_a_part_out_and_putting_it_back_loses_nothing(
    first: Fraction, second: Fraction, speed: Fraction
) -> None:
    whole = SoundPart(path=Path("a"), record_s=0, duration_s=4, start_s=1, speed=speed, fade=(Fraction(0), Fraction(1)))
    first, second = sorted((first, second))
    pieces = [one for one in (*whole.without(first, second), whole.cut(first, second)) if one is not None]
    assert sum(one.duration_s for one in pieces) == 4
    for one in pieces:
        assert one.start_s == 1 + one.record_s * speed
        assert one.fade == (one.record_s / 4, one.stop_s / 4)


def test_a_dissolve_of_shots_cross_fades_their_sound() -> None:
    mixed = dissolved(shot(loud(), 10), shot(loud("b"), 10), Fraction(1, 20), Fraction(1, 10))
    found = [(one.path.name, one.fade) for one in parts_of(shot(loud("z"), 5), mixed)]
    assert sorted(found) == [("a", (1, 0)), ("b", (0, 1)), ("z", (1, 1))]


def test_a_part_of_a_dissolve_fades_as_that_part_of_the_whole() -> None:
    mixed = dissolved(shot(loud(), 10), shot(loud("b"), 10), Fraction(1, 20), Fraction(1, 10))
    found = audio_mixes(plan(mixed).trim(Span(5, 10)), count=lambda path: 1)
    assert sorted((one.path.name, one.fade) for one in found[0].parts) == [
        ("a", (Fraction(1, 2), 0)),
        ("b", (Fraction(1, 2), 1)),
    ]


def test_under_a_transparent_shot_its_own_sound_is_heard() -> None:
    over = laid_over(shot(loud(), 10), shot(loud("b"), 10))
    assert [one.path.name for one in parts_of(over)] == ["a"]
    nothing = laid_over(shot(None, 10), shot(loud("b"), 10))
    assert [one.path.name for one in parts_of(nothing)] == ["b"]
