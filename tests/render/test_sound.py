from __future__ import annotations

from fractions import Fraction

from dpe_toolkit.plan import MediaPlan
from dpe_toolkit.render.sound import audio_segments
from tests.render.scenes import plan, shot
from tests.render.test_mapping import medium


def loud(name: str = "a") -> MediaPlan:
    return medium(100, name=name).model_copy(update={"has_audio": True})


def segments(*shots: object) -> list[tuple[str | None, Fraction, Fraction]]:
    found = audio_segments(plan(*shots))  # type: ignore[arg-type] # shots
    return [(None if one.path is None else one.path.name, one.start_s, one.duration_s) for one in found]


def test_silent_shots_make_no_sound_track() -> None:
    assert segments(shot(medium()), shot(None, 5)) == []


def test_each_shot_brings_its_own_sound_and_gaps_are_silent() -> None:
    found = segments(shot(loud(), 50, source_start=25), shot(None, 10), shot(loud("b"), 25), shot(medium(), 5))
    assert found == [
        ("a", Fraction(1), Fraction(2)),
        (None, Fraction(0), Fraction(2, 5)),
        ("b", Fraction(0), Fraction(1)),
        (None, Fraction(0), Fraction(1, 5)),
    ]


def test_a_file_cut_without_a_jump_is_one_segment() -> None:
    assert segments(shot(loud(), 40), shot(loud(), 60, source_start=40)) == [("a", Fraction(0), Fraction(4))]


def test_a_jump_in_the_same_file_is_two_segments() -> None:
    assert len(segments(shot(loud(), 40), shot(loud(), 50, source_start=50))) == 2
