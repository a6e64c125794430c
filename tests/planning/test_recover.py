"""Edits are found again after a host dropped what it does not know."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio


def shot(
    identity: str = "e1", media: str = "a.mov", start: float = 0, length: float = 20, **effect: Any
) -> dict[str, Any]:
    return {
        "id": identity,
        "clip": "a",
        "media": media,
        "source_range": {
            "start_time": {"value": start, "rate": 25.0},
            "duration": {"value": length, "rate": 25.0},
        },
        "effect": {
            "schema": 1,
            "id": identity,
            "consent": "signed",
            "driving": {"media": {"url": "driver.mov"}, "start": {"value": 50, "rate": 25.0}},
            **effect,
        },
    }


def marked(clip: Any, *names: str) -> Any:
    clip.markers.extend(otio.schema.Marker(name) for name in names)
    return clip


def edits(plan: Any) -> list[str | None]:
    return [current.edit and current.edit.id for current in plan.shots]


def test_a_marker_in_any_case_finds_the_sidecar(scene: Any) -> None:
    scene.sidecar(shot("Ab1"))
    plan = scene.plan(scene.track(scene.clip("b.mov"), marked(scene.clip("a.mov"), "note", "DPE:AB1")))
    assert plan.problems == ()
    assert edits(plan) == [None, "Ab1"]
    assert plan.shots[1].edit.origins["driver"] == "marker"


def test_an_effect_goes_before_marker_and_sidecar(scene: Any) -> None:
    scene.sidecar(shot("e1", expression=0.1))
    clip = marked(scene.edited("a.mov", expression=0.9), "dpe:e1")
    plan = scene.plan(scene.track(clip))
    assert plan.problems == ()
    assert plan.shots[0].edit.expression == 0.9


def test_the_sidecar_alone_finds_the_clip_by_media_and_range_though_its_folder_changed(scene: Any) -> None:
    scene.sidecar(shot(media="file:///old/place/A.mov", start=10, length=5))
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 10, name="x"), scene.clip("a.mov", 10, 10, name="y")))
    assert plan.problems == ()
    assert edits(plan) == [None, "e1"]
    assert plan.shots[1].edit.origins["driver"] == "sidecar"


def test_a_clip_trimmed_since_keeps_its_driver_in_sync(scene: Any) -> None:
    scene.sidecar(shot(start=10, length=20, driving={"media": "driver.mov", "start": 50, "retime": 2.0}))
    plan = scene.plan(scene.track(scene.clip("a.mov", 15, 10)))
    assert plan.problems == ()
    assert plan.shots[0].edit.driver_start_s == Fraction(60, 25)


def test_a_source_used_twice_is_ambiguous_and_never_guessed(scene: Any) -> None:
    scene.sidecar(shot())
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 10, name="x"), scene.clip("a.mov", 5, 10, name="y")))
    assert edits(plan) == [None, None]
    (problem,) = map(str, plan.errors)
    assert problem.startswith(
        "clip 'x', clip 'y': each shows the media of edit 'e1' of the sidecar, so it is not clear"
    )


def test_two_edits_for_one_clip_are_ambiguous(scene: Any) -> None:
    scene.sidecar(shot("e1"), shot("e2"))
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 10)))
    (problem,) = map(str, plan.errors)
    assert problem.startswith("clip 'a': edits 'e1', 'e2' of the sidecar all lie on its media")


def test_a_marker_settles_what_media_leave_open(scene: Any) -> None:
    scene.sidecar(shot())
    track = scene.track(scene.clip("a.mov", 0, 10, name="x"), marked(scene.clip("a.mov", 5, 10, name="y"), "dpe:e1"))
    plan = scene.plan(track)
    assert plan.problems == ()
    assert edits(plan) == [None, "e1"]


def test_a_marker_copied_to_a_neighbour_of_other_media_is_passed_over(scene: Any) -> None:
    scene.sidecar(shot())
    plan = scene.plan(scene.track(marked(scene.clip("a.mov"), "dpe:e1"), marked(scene.clip("b.mov"), "dpe:e1")))
    assert plan.problems == ()
    assert edits(plan) == ["e1", None]


def test_a_copied_marker_beside_its_effect_is_passed_over(scene: Any) -> None:
    clip = marked(scene.edited("a.mov"), "dpe:e1")
    plan = scene.plan(scene.track(clip, marked(scene.clip("b.mov"), "dpe:e1")))
    assert plan.problems == ()
    assert edits(plan) == ["e1", None]


def test_a_marker_on_other_media_alone_is_refused(scene: Any) -> None:
    scene.sidecar(shot())
    plan = scene.plan(scene.track(marked(scene.clip("b.mov"), "dpe:e1")))
    (problem,) = map(str, plan.errors)
    assert problem.startswith("clip 'b': marker 'dpe:e1' belongs to media 'a.mov', which the clip does not show")


def test_a_marker_without_sidecar_is_refused(scene: Any) -> None:
    plan = scene.plan(scene.track(marked(scene.clip("a.mov"), "dpe:gone")))
    (problem,) = map(str, plan.errors)
    assert problem.startswith(
        "clip 'a': marker 'dpe:gone' names an edit that neither the timeline nor its sidecar holds"
    )


def test_two_markers_on_a_clip_are_refused(scene: Any) -> None:
    scene.sidecar(shot("e1"), shot("e2"))
    plan = scene.plan(scene.track(marked(scene.clip("a.mov"), "dpe:e1", "dpe:e2")))
    (problem,) = map(str, plan.errors)
    assert problem.startswith("clip 'a': its markers name several edits")


def test_a_lost_edit_is_warned_about(scene: Any) -> None:
    scene.sidecar(shot(media="gone.mov"))
    plan = scene.plan(scene.track(scene.clip("a.mov")))
    assert plan.errors == ()
    assert str(plan.problems[0]).startswith("edit 'e1' of the sidecar: no clip shows its part of 'gone.mov'")


def test_a_faulty_edit_in_the_sidecar_is_a_problem(scene: Any) -> None:
    scene.sidecar(shot(expression=9))
    (problem,) = map(str, scene.plan(scene.track(scene.clip("a.mov"))).errors)
    assert problem.startswith("clip 'a' (sidecar, edit 'e1'): expression = 9 is not accepted")


def test_a_damaged_sidecar_is_a_problem(scene: Any) -> None:
    (scene.folder / "cut.dpe.json").write_text("{")
    (problem,) = map(str, scene.plan(scene.track(scene.clip("a.mov"))).errors)
    assert problem.startswith("sidecar 'cut.dpe.json': it cannot be read")
