from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.soundtrack import SoundPart
from tests.media.conftest import tone


def audio(scene: Any, *items: Any, name: str = "A1") -> Any:
    return scene.track(*items, name=name, kind="Audio")


def parts(plan: RenderPlan, number: int = 0) -> list[SoundPart]:
    assert plan.errors == ()
    assert plan.sound is not None
    return list(plan.sound[number].parts)


def times(plan: RenderPlan, number: int = 0) -> list[tuple[str, int, Any, Any, Any, Any]]:
    return [
        (one.path.name, one.stream, one.record_s, one.duration_s, one.start_s, one.speed) for one in parts(plan, number)
    ]


def test_a_timeline_without_sound_tracks_leaves_sound_to_the_pictures(scene: Any) -> None:
    assert scene.plan(scene.track(scene.clip("a.mov"))).sound is None


def test_sound_lies_where_its_track_says(scene: Any) -> None:
    track = audio(scene, scene.gap(10), scene.clip("a.mov", 5, 20), scene.clip("b.mov", 0, 30))
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 60)), track)
    assert times(plan) == [
        ("a.mov", 0, Fraction(10, 25), Fraction(20, 25), Fraction(5, 25), 1),
        ("b.mov", 0, Fraction(30, 25), Fraction(30, 25), 0, 1),
    ]
    assert plan.problems == ()


def test_times_in_samples_stay_exact(scene: Any) -> None:
    clip = scene.clip("a.mov", 12345, 48001, rate=48000)
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 60)), audio(scene, clip))
    (only,) = parts(plan)
    assert (only.start_s, only.duration_s) == (Fraction(12345, 48000), Fraction(48001, 48000))


def test_a_file_with_a_start_timecode_is_heard_from_there(scene: Any) -> None:
    scene.media("tc.mov", start_frame=90000)
    plan = scene.plan(scene.track(scene.clip("a.mov")), audio(scene, scene.clip("tc.mov", 90010, 20)))
    assert parts(plan)[0].start_s == Fraction(10, 25)


def test_streams_go_to_tracks_that_are_in_sync_in_order(scene: Any) -> None:
    scene.media("two.mov", audio_streams=2)
    tracks = [audio(scene, scene.clip("two.mov", 10, 20), name=f"A{number}") for number in (1, 2, 3)]
    plan = scene.plan(scene.track(scene.clip("two.mov", 10, 20)), *tracks)
    assert [one.stream for number in range(3) for one in parts(plan, number)] == [0, 1]
    assert plan.problems == ()
    assert [track.name for track in plan.sound] == ["A1", "A2", "A3"]  # type: ignore[union-attr] # tracks


def test_the_same_file_at_another_moment_is_its_first_stream_again(scene: Any) -> None:
    scene.media("two.mov", audio_streams=2)
    tracks = [audio(scene, scene.clip("two.mov", start, 20), name="A") for start in (10, 12)]
    plan = scene.plan(scene.track(scene.clip("two.mov", 10, 20)), *tracks)
    assert [parts(plan, number)[0].stream for number in (0, 1)] == [0, 0]


def test_sound_runs_at_the_speed_of_its_clip(scene: Any) -> None:
    clip = scene.clip("a.mov", 10, 20)
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    back = scene.clip("b.mov", 10, 20)
    back.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1.0))
    frozen = scene.clip("a.mov", 10, 20)
    frozen.effects.append(otio.schema.FreezeFrame())
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 60)), audio(scene, clip, back, frozen))
    assert [(one.speed, one.start_s, one.record_s) for one in parts(plan)] == [
        (2, Fraction(10, 25), 0),
        (-1, Fraction(30, 25), Fraction(20, 25)),
    ]


def test_a_dissolve_of_sound_is_a_cross_fade(scene: Any) -> None:
    half = otio.opentime.RationalTime(5, 25)
    cut = otio.schema.Transition("x", otio.schema.TransitionTypes.SMPTE_Dissolve, half, half)
    track = audio(scene, scene.clip("a.mov", 10, 20), cut, scene.clip("b.mov", 10, 20))
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 40)), track)
    found = {(one.path.name, one.record_s * 25, one.duration_s * 25, one.start_s * 25, one.fade) for one in parts(plan)}
    assert found == {
        ("a.mov", 0, 15, 10, (1, 1)),
        ("a.mov", 15, 10, 25, (1, 0)),
        ("b.mov", 15, 10, 5, (0, 1)),
        ("b.mov", 25, 15, 15, (1, 1)),
    }


def test_a_file_of_sound_alone_can_be_on_a_sound_track(scene: Any, tmp_path: Path) -> None:
    import wave

    with wave.open(str(scene.folder / "music.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(tone(4800)[0].tobytes())
    plan = scene.plan(scene.track(scene.clip("a.mov")), audio(scene, scene.clip("music.wav", 5, 10)))
    assert times(plan) == [("music.wav", 0, 0, Fraction(10, 25), Fraction(5, 25), 1)]


def test_a_clip_without_sound_is_named_and_silent(scene: Any) -> None:
    scene.media("mute.mov", audio_streams=0)
    plan = scene.plan(scene.track(scene.clip("a.mov")), audio(scene, scene.clip("mute.mov", name="x")))
    assert parts(plan) == []
    assert [str(problem) for problem in plan.problems] == [
        "clip 'x': 'mute.mov' has no sound, and so the clip is silent."
    ]


@pytest.mark.parametrize(
    ("media", "message"),
    [("lost.wav", "clip 'x': the media file does not exist"), (None, "clip 'x': its sound has no media file")],
)
def test_sound_that_is_not_there_is_refused_by_name(scene: Any, media: str | None, message: str) -> None:
    plan = scene.plan(scene.track(scene.clip("a.mov")), audio(scene, scene.clip(media, name="x")))
    (problem,) = plan.errors
    assert str(problem).startswith(message)


def test_sound_of_a_composition_is_heard_where_it_lies(scene: Any) -> None:
    inner = otio.schema.Stack("compound", source_range=None)
    inner.extend([scene.track(scene.clip("a.mov", 0, 30)), audio(scene, scene.clip("b.mov", 3, 30))])
    inner.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(10, 25), otio.opentime.RationalTime(20, 25))
    plan = scene.plan(scene.track(scene.gap(5), inner))
    assert times(plan) == [("b.mov", 0, Fraction(5, 25), Fraction(20, 25), Fraction(13, 25), 1)]


def test_an_effect_says_whose_sound_is_heard(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov", audio="driver")))
    assert plan.shots[0].edit is not None
    assert (plan.shots[0].edit.audio, plan.shots[0].edit.origins["audio"]) == ("driver", "effect")
    typed = scene.plan(scene.track(scene.edited("a.mov", audio="driver")), edit_overrides={"audio": "mix"})
    assert typed.shots[0].edit is not None
    assert typed.shots[0].edit.audio == "mix"
