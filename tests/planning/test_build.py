from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.core.errors import TimelineError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.planning import build_plan, explain
from dpe_toolkit.plans.model import RenderPlan

NTSC = Fraction(30000, 1001)


def errors(plan: RenderPlan) -> str:
    return "\n".join(map(str, plan.errors))


def warnings(plan: RenderPlan) -> str:
    return "\n".join(str(problem) for problem in plan.problems if problem.severity == "warning")


def rows(plan: RenderPlan) -> list[tuple[str, int, int, str | None, int]]:
    return [
        (shot.name, shot.record_start, shot.num_frames, shot.source and shot.source.path.name, shot.source_start)
        for shot in plan.shots
    ]


def test_clips_follow_each_other_and_those_without_effect_pass_through(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.clip("a.mov", 10, 20), scene.clip("b.mov", 0, 5)))
    assert rows(plan) == [("a", 0, 20, "a.mov", 10), ("b", 20, 5, "b.mov", 0)]
    assert all(shot.edit is None for shot in plan.shots)
    assert plan.problems == ()
    assert (plan.rate, plan.width, plan.height) == (25, 64, 48)


def test_an_edited_clip_carries_its_driver_settings_and_components(scene: Any) -> None:
    clip = scene.edited(
        "a.mov",
        10,
        20,
        start=50,
        expression=0.8,
        mode="relative",
        regions={"mouth": 0.5},
        missing_face="hold",
        fade_frames=3,
        face={"source": "left", "driver": 1},
        neutral={"source": 12, "driver": "4s"},
    )
    plan = scene.plan(scene.track(clip))
    assert plan.problems == ()
    edit = plan.shots[0].edit
    assert edit is not None
    assert (edit.id, edit.consent, edit.expression, edit.pose, edit.mode) == ("e1", "signed", 0.8, 0.0, "relative")
    assert (edit.driver.path.name, edit.driver_start_s) == ("driver.mov", 2)
    assert (edit.source_neutral_frame, edit.driver_neutral_frame) == (12, 100)
    assert (edit.source_face.by, edit.driver_face.by, edit.driver_face.index) == ("left", "index", 1)
    assert edit.regions == {"brows": 1, "eyes": 1, "gaze": 1, "cheeks": 1, "mouth": 0.5, "jaw": 1}
    assert (edit.missing_face, edit.fade_frames) == ("hold", 3)
    assert edit.components["motion"].options == {"smooth": 0.5}
    assert edit.components["generator"].fingerprint == "print of mesh"
    assert not edit.starts_inside
    assert not edit.ends_inside


def test_a_plan_survives_json_and_keeps_its_digest(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov", 10, 20, driving={"retime": 0.4})))
    again = RenderPlan.model_validate_json(plan.model_dump_json())
    assert again == plan
    assert again.digest == plan.digest


def test_gaps_and_short_tracks_become_black(scene: Any) -> None:
    longer = scene.track(scene.gap(5), scene.clip("a.mov", 0, 5), scene.gap(3), name="V1")
    plan = scene.plan(longer)
    assert rows(plan) == [("gap", 0, 5, None, 0), ("a", 5, 5, "a.mov", 0), ("gap", 10, 3, None, 0)]


def test_the_upper_track_covers_the_lower_where_it_shows_something(scene: Any) -> None:
    plan = scene.plan(
        scene.track(scene.edited("a.mov", 10, 30, start=20)),
        scene.track(scene.gap(10), scene.clip("b.mov", 0, 5), name="V2"),
    )
    assert rows(plan) == [("a", 0, 10, "a.mov", 10), ("b", 10, 5, "b.mov", 0), ("a", 15, 15, "a.mov", 25)]
    first, _, last = (shot.edit for shot in plan.shots)
    assert (first.driver_start_s, last.driver_start_s) == (Fraction(20, 25), Fraction(35, 25))


def test_disabled_clips_and_tracks_show_nothing(scene: Any) -> None:
    hidden = scene.clip("b.mov", 0, 5)
    hidden.enabled = False
    off = scene.track(scene.clip("nowhere.mov", 0, 5), name="V2")
    off.enabled = False
    plan = scene.plan(scene.track(hidden, scene.clip("a.mov", 0, 5)), off)
    assert rows(plan) == [("gap", 0, 5, None, 0), ("a", 5, 5, "a.mov", 0)]
    assert plan.problems == ()


def test_nested_stacks_are_trimmed_by_their_own_range(scene: Any) -> None:
    inner = otio.schema.Stack("inner")
    inner.append(scene.track(scene.clip("a.mov", 10, 20), scene.clip("b.mov", 0, 20)))
    inner.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(15, 25), otio.opentime.RationalTime(10, 25))
    plan = scene.plan(scene.track(scene.clip("b.mov", 50, 4), inner))
    assert rows(plan) == [("b", 0, 4, "b.mov", 50), ("a", 4, 5, "a.mov", 25), ("b#2", 9, 5, "b.mov", 0)]


def test_a_clip_directly_in_a_nested_stack_is_picture(scene: Any) -> None:
    inner = otio.schema.Stack("inner")
    inner.append(scene.clip("a.mov", 3, 6))
    assert rows(scene.plan(scene.track(inner))) == [("a", 0, 6, "a.mov", 3)]


def test_a_clip_without_range_shows_all_of_its_media(scene: Any) -> None:
    assert rows(scene.plan(scene.track(scene.clip("a.mov", length=None)))) == [("a", 0, 100, "a.mov", 0)]


def test_times_counted_at_another_rate_than_the_media_are_taken_by_time(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.clip("a.mov", 24, 24, rate=24)))
    assert plan.problems == ()
    assert rows(plan) == [("a", 0, 25, "a.mov", 25)]


def test_mixed_rates_are_mapped_by_time(scene: Any) -> None:
    scene.media("n.mov", rate=NTSC)
    plan = scene.plan(scene.track(scene.clip("a.mov"), scene.clip("b.mov"), scene.clip("n.mov", 0, 30, rate=29.97)))
    assert plan.errors == ()
    assert rows(plan)[2] == ("n", 40, 26, "n.mov", 0)
    assert plan.shots[2].media_frames == tuple(int(frame * NTSC / 25) for frame in range(26))


def test_mixed_sizes_are_no_problem(scene: Any) -> None:
    scene.media("small.mov", width=32)
    plan = scene.plan(scene.track(scene.clip("a.mov"), scene.clip("b.mov"), scene.clip("small.mov")))
    assert plan.problems == ()
    assert (plan.width, plan.height, plan.fit) == (64, 48, "fit")


def test_an_edit_under_a_time_warp_runs_in_media_time(scene: Any) -> None:
    clip = scene.edited("a.mov", 10, 20, start=50)
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=2))
    shot = scene.plan(scene.track(clip)).shots[0]
    assert shot.media_frames == tuple(range(10, 50, 2))
    assert (shot.source_span, shot.edit.driver_start_s, shot.edit.retime) == (Span(10, 49), 2, 1)


@pytest.mark.parametrize(("scalar", "first", "retime"), [(2, 2, "1/2"), (0.5, 2, "2"), (-1, "69/25", "-1")])
def test_a_driver_track_over_a_time_warp_runs_in_output_time(
    scene: Any, scalar: float, first: Any, retime: str
) -> None:
    clip = scene.clip("a.mov", 10, 20)
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=scalar))
    plan = scene.plan(scene.track(clip), scene.track(scene.clip("driver.mov", 50, 20), name="DPE"))
    assert plan.errors == ()
    edit = plan.shots[0].edit
    assert (edit.driver_start_s, edit.retime) == (Fraction(first), Fraction(retime))


def test_a_driver_moves_on_over_a_freeze_frame(scene: Any) -> None:
    clip = scene.clip("a.mov", 10, 20)
    clip.effects.append(otio.schema.FreezeFrame())
    shot = scene.plan(scene.track(clip), scene.track(scene.clip("driver.mov", 50, 20), name="DPE")).shots[0]
    assert (shot.held_rate, shot.rows, shot.media_frames) == (25, Span(0, 20), (10,) * 20)
    assert (shot.edit.driver_start_s, shot.edit.retime) == (2, 1)


def test_an_edit_made_on_a_freeze_frame_is_frozen_with_it(scene: Any) -> None:
    clip = scene.edited("a.mov", 10, 20, start=50)
    clip.effects.append(otio.schema.FreezeFrame())
    shot = scene.plan(scene.track(clip)).shots[0]
    assert (shot.held_rate, shot.rows, shot.edit.driver_start_s) == (None, Span(0, 1), 2)


def test_a_driver_may_itself_be_retimed(scene: Any) -> None:
    driver = scene.clip("driver.mov", 50, 20)
    driver.effects.append(otio.schema.LinearTimeWarp(time_scalar=-0.5))
    edit = scene.plan(scene.track(scene.clip("a.mov", 10, 20)), scene.track(driver, name="DPE")).shots[0].edit
    assert (edit.driver_start_s, edit.retime) == (Fraction(60, 25), Fraction(-1, 2))


def test_ntsc_rates_stay_exact(scene: Any) -> None:
    scene.media("n.mov", rate=NTSC)
    plan = scene.plan(scene.track(scene.clip("n.mov", 10, 20, rate=29.97), scene.clip("n.mov", 50, 7, rate=29.97)))
    assert plan.rate == NTSC
    assert plan.problems == ()
    assert [row[1:3] for row in rows(plan)] == [(0, 20), (20, 7)]


@pytest.mark.parametrize("stated", [True, False])
def test_a_start_timecode_is_subtracted(scene: Any, stated: bool) -> None:
    scene.media("tc.mov", start_frame=90000)
    clip = scene.clip("tc.mov", 90010, 20)
    if stated:
        clip.media_reference.available_range = otio.opentime.TimeRange(
            otio.opentime.RationalTime(90000, 25), otio.opentime.RationalTime(100, 25)
        )
    assert rows(scene.plan(scene.track(clip))) == [("tc", 0, 20, "tc.mov", 10)]


def test_a_range_below_the_start_timecode_counts_from_zero(scene: Any) -> None:
    scene.media("tc.mov", start_frame=90000)
    assert rows(scene.plan(scene.track(scene.clip("tc.mov", 10, 20)))) == [("tc", 0, 20, "tc.mov", 10)]


def test_the_global_start_time_is_the_output_timecode(scene: Any) -> None:
    path = scene.write(scene.track(scene.clip("a.mov")), start=otio.opentime.RationalTime(90000, 25))
    assert scene.plan(path=path).start_frame == 90000


def test_a_driver_timecode_is_subtracted_and_retime_carries_on(scene: Any) -> None:
    scene.media("driver.mov", num_frames=200, start_frame=1000)
    clip = scene.edited("a.mov", 0, 20, start=1050, driving={"retime": 0.5})
    over = scene.track(scene.gap(5), scene.clip("b.mov", 0, 5), name="V2")
    plan = scene.plan(scene.track(clip), over)
    assert [shot.edit.driver_start_s for shot in plan.shots if shot.edit] == [2, 2 + Fraction(10, 25) / 2]


def test_a_driver_may_be_a_nested_clip_with_a_range(scene: Any) -> None:
    clip = scene.clip("a.mov", 0, 20)
    effect = scene.effect(None)
    effect.metadata["dpe"]["driving"] = {"media": scene.clip("driver.mov", 30, 20)}
    clip.effects.append(effect)
    plan = scene.plan(scene.track(clip))
    assert plan.problems == ()
    assert plan.shots[0].edit.driver_start_s == Fraction(30, 25)


def test_a_driver_track_drives_what_it_overlaps_and_is_never_picture(scene: Any) -> None:
    plan = scene.plan(
        scene.track(scene.clip("a.mov", 10, 20), scene.clip("b.mov", 0, 20)),
        scene.track(scene.gap(5), scene.clip("driver.mov", 50, 25), name="DPE drivers"),
    )
    assert rows(plan) == [
        ("a", 0, 5, "a.mov", 10),
        ("a", 5, 15, "a.mov", 15),
        ("b", 20, 10, "b.mov", 0),
        ("b", 30, 10, "b.mov", 10),
    ]
    assert [shot.edit and shot.edit.driver_start_s for shot in plan.shots] == [None, 2, Fraction(65, 25), None]
    assert (plan.shots[1].edit.starts_inside, plan.shots[1].edit.ends_inside) == (True, False)
    assert (plan.shots[2].edit.starts_inside, plan.shots[2].edit.ends_inside) == (False, True)
    assert plan.shots[1].edit.id != plan.shots[2].edit.id
    assert errors(plan) == ""
    assert warnings(plan).count("nothing is stated about consent") == 2


def test_a_driver_of_another_rate_is_laid_on_whole_frames(scene: Any) -> None:
    scene.media("driver.mov", num_frames=200, rate=NTSC)
    drivers = scene.track(
        scene.clip("driver.mov", 0, 10, rate=29.97), scene.clip("driver.mov", 100, 10, rate=29.97), name="DPE"
    )
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 20)), drivers)
    assert errors(plan) == ""
    second = plan.shots[1]
    boundary_s = Fraction(10) / NTSC
    assert second.record_start == 9
    assert second.edit.driver_start_s == 100 / NTSC + Fraction(9, 25) - boundary_s


def test_the_settings_of_a_driver_clip_apply_to_what_it_drives(scene: Any) -> None:
    driver = scene.clip("driver.mov", 0, 20)
    driver.effects.append(scene.effect(None, expression=0.3, id="mine"))
    plan = scene.plan(scene.track(scene.clip("a.mov")), scene.track(driver, name="DPE"))
    assert plan.problems == ()
    assert (plan.shots[0].edit.id, plan.shots[0].edit.expression) == ("mine", 0.3)


def test_a_clips_own_settings_may_be_driven_by_a_track(scene: Any) -> None:
    clip = scene.edited("a.mov", 0, 20, driver=None, expression=0.3)
    plan = scene.plan(scene.track(clip), scene.track(scene.clip("driver.mov", 10, 20), name="DPE"))
    assert plan.problems == ()
    assert (plan.shots[0].edit.expression, plan.shots[0].edit.driver_start_s) == (0.3, Fraction(10, 25))


def test_a_driver_that_ends_early_is_warned_about(scene: Any) -> None:
    scene.media("driver.mov", num_frames=15)
    plan = scene.plan(scene.track(scene.edited("a.mov", 0, 20)))
    assert plan.errors == ()
    assert "clip 'a': its driver 'driver.mov' ends 5 frames before the shot (when_short: hold)" in warnings(plan)


def test_consent_that_is_not_stated_is_warned_about(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov", consent="")))
    assert plan.errors == ()
    assert "clip 'a': nothing is stated about consent" in warnings(plan)


def test_an_effect_of_the_host_is_warned_about_and_an_idle_one_is_not(scene: Any) -> None:
    clip = scene.clip("a.mov")
    clip.effects.append(otio.schema.Effect(effect_name="Resolve Effect"))
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=1))
    plan = scene.plan(scene.track(clip))
    assert [str(problem) for problem in plan.problems] == [
        "clip 'a': effect 'Resolve Effect' is the editing program's and is not rendered."
    ]


def test_sound_tracks_of_the_pictures_own_sound_are_accepted(scene: Any) -> None:
    sound = [scene.track(scene.clip("a.mov", 10, 20), name=name, kind="Audio") for name in ("A1", "A2")]
    assert scene.plan(scene.track(scene.clip("a.mov", 10, 20)), *sound).problems == ()


def test_the_command_line_goes_before_effect_project_and_default(scene: Any) -> None:
    (scene.folder / "dpe.toml").write_text(
        "schema = 1\n[edit]\nexpression = 0.1\npose = 0.2\nmode = 'relative'\n"
        "[components]\ncompositor = 'poisson'\n[options.mesh]\nsmooth = 0.1\n"
    )
    clip = scene.edited("a.mov", expression=0.3, pose=0.4, components={"compositor": "feather"})
    plan = scene.plan(
        scene.track(clip),
        edit_overrides={"expression": "0.5", "regions": "mouth,brows=0.5"},
        overrides={("feather", "feather-px"): 12, ("compositor", "match"): "false"},
    )
    assert plan.problems == ()
    edit = plan.shots[0].edit
    assert (edit.expression, edit.pose, edit.mode) == (0.5, 0.4, "relative")
    assert edit.regions == {"brows": 0.5, "eyes": 0, "gaze": 0, "cheeks": 0, "mouth": 1, "jaw": 0}
    assert edit.components["compositor"].options == {"feather_px": 12, "match": False}
    found = {row.what: (row.value, row.origin) for row in explain(plan)}
    assert found["expression"] == ("0.5", "command line")
    assert found["pose"] == ("0.4", "effect")
    assert found["mode"] == ("relative", "project")
    assert found["fade_frames"] == ("5", "default")
    assert found["components.compositor"] == ("feather (fake 1)", "effect")
    assert found["components.generator"] == ("mesh (fake 1)", "default")
    assert found["compositor.feather_px"] == ("12", "command line")
    assert found["motion.smooth"] == ("0.1", "project")
    assert found["driver"][1] == "effect"
    assert found["driver_start_s"] == ("0", "default")
    assert found["source_face"] == ("largest", "default")
    assert found["source_neutral_frame"] == ("estimated", "default")
    assert found["regions"][0] == "brows 0.5, eyes 0, gaze 0, cheeks 0, mouth 1, jaw 0"


def test_a_component_named_on_the_command_line_counts(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov")), components={"compositor": "poisson"})
    assert plan.problems == ()
    assert plan.shots[0].edit.components["compositor"].name == "poisson"


def test_media_are_looked_for_in_the_projects_roots(scene: Any) -> None:
    (scene.folder / "store").mkdir()
    (scene.folder / "a.mov").rename(scene.folder / "store" / "a.mov")
    (scene.folder / "dpe.toml").write_text('[media]\nroots = ["store"]\n')
    assert scene.plan(scene.track(scene.clip("a.mov"))).problems == ()


def test_a_timeline_that_is_not_there_is_refused(scene: Any) -> None:
    with pytest.raises(TimelineError, match="it cannot be opened: No such file"):
        build_plan(scene.folder / "none.otio", registry=scene.registry)


def test_a_driver_that_begins_with_the_clip_is_not_missed_in_the_handle_of_a_dissolve(scene: Any) -> None:
    dissolve = otio.schema.Transition(
        "cross", "SMPTE_Dissolve", otio.opentime.RationalTime(3, 25), otio.opentime.RationalTime(2, 25)
    )
    track = scene.track(scene.clip("b.mov", 0, 10), dissolve, scene.edited("a.mov", 20, 20))
    plan = scene.plan(track)
    assert errors(plan) == ""
    edit = next(leaf.edit for leaf in plan.leaves() if leaf.edit is not None)
    assert edit.driver_start_s == Fraction(-3, 25)
    refused = scene.plan(track.deepcopy(), edit_overrides={"when_short": "error"})
    assert "its driver 'driver.mov' would start at -0.120 s" in errors(refused)
