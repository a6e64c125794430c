"""Whatever cannot be honoured is refused by name, all of it at once."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.frames import ColorInfo
from dpe_toolkit.editing.settings import parse_regions
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.problems import Problem
from dpe_toolkit.plugins import Registry


def texts(plan: RenderPlan) -> list[str]:
    return [str(problem) for problem in plan.errors]


def one(plan: RenderPlan) -> str:
    assert len(plan.errors) == 1, texts(plan)
    return texts(plan)[0]


def test_every_problem_is_listed_at_once(scene: Any) -> None:
    first = scene.edited(
        "a.mov", expresion=1, components={"generator": "mush"}, options={"feather": {"feather_px": 99}}
    )
    first.effects.append(otio.schema.TimeEffect(name="ramp"))
    plan = scene.plan(
        scene.track(first, scene.clip("lost.mov"), scene.clip("a.mov", 95, 10, name="long")),
        overrides={("fether", "feather_px"): 3},
    )
    found = "\n".join(texts(plan))
    for expected in (
        "there is no field 'expresion'. did you mean 'expression'",
        "there is no generator 'mush'",
        "option feather.feather_px = 99 is not accepted",
        "a TimeEffect ('ramp') is not honoured",
        "clip 'lost': the media file does not exist",
        "clip 'long': it asks for frames 95 to 104 of 'a.mov', of which 5 are missing",
        "command line: options are given for 'fether', which no shot uses",
    ):
        assert expected in found
    assert len(plan.errors) == 7


def test_a_trim_before_the_media_is_counted_too(scene: Any) -> None:
    clip = scene.clip("a.mov", 5, 10)
    clip.media_reference.available_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(8, 25), otio.opentime.RationalTime(100, 25)
    )
    text = one(scene.plan(scene.track(clip)))
    assert text == (
        "clip 'a': it asks for frames -3 to 6 of 'a.mov', of which 3 are missing. frames from 0 to 99. "
        "trim the clip, or relink it to longer media."
    )


def test_a_trim_wholly_behind_the_media_misses_all_frames(scene: Any) -> None:
    assert "of which 10 are missing" in one(scene.plan(scene.track(scene.clip("a.mov", 300, 10))))


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (otio.schema.TimeEffect(name="ramp"), "a TimeEffect ('ramp') is not honoured"),
        (otio.schema.LinearTimeWarp(name="odd", time_scalar=float("nan")), "a speed change to nan ('odd') is not"),
        (otio.schema.LinearTimeWarp(name="warp", time_scalar=1e9), "a speed change to 1e+09 ('warp') is not honoured"),
    ],
)
def test_a_speed_that_is_not_one_speed_is_refused_by_name(scene: Any, effect: Any, message: str) -> None:
    clip = scene.clip("a.mov")
    clip.effects.append(effect)
    assert one(scene.plan(scene.track(clip))).startswith(f"clip 'a': {message}")
    track = scene.track(scene.clip("a.mov"))
    track.effects.append(effect)
    assert one(scene.plan(track)).startswith(f"track 'V1': {message}")


def transition(before: float, behind: float, kind: str = "SMPTE_Dissolve", name: str = "soft") -> Any:
    return otio.schema.Transition(
        name, kind, otio.opentime.RationalTime(before, 25), otio.opentime.RationalTime(behind, 25)
    )


@pytest.mark.parametrize(
    ("between", "message"),
    [
        (
            transition(3, 3, "Custom_Transition"),
            "the transition 'soft' to 'b' is of kind 'Custom_Transition'",
        ),
        (transition(3, 3, name="Edge Wipe"), "the transition 'Edge Wipe' to 'b' is no plain dissolve, and is not"),
        (transition(25, 3), "the transition 'soft' to 'b' reaches 5 frames into what lies beyond its neighbour"),
        (transition(3, 22), "the transition 'soft' to 'b' reaches 2 frames into what lies beyond its neighbour"),
    ],
)
def test_a_transition_that_is_no_dissolve_is_refused_by_name(scene: Any, between: Any, message: str) -> None:
    text = one(scene.plan(scene.track(scene.clip("a.mov", 40), between, scene.clip("b.mov", 40))))
    assert text.startswith(f"clip 'a': {message}")


def test_dissolves_that_meet_are_refused(scene: Any) -> None:
    middle = scene.clip("b.mov", 40, 10)
    track = scene.track(
        scene.clip("a.mov", 40), transition(0, 6), middle, transition(6, 0, name="late"), scene.clip("a.mov", 0)
    )
    assert "clip 'b': the transition 'late' to 'a' reaches 2 frames into" in one(scene.plan(track))


@pytest.mark.parametrize(
    ("before", "behind", "message"),
    [
        (3, 6, "clip 'a': its dissolve asks for frames 75 to 100 of 'a.mov', of which 1 are missing"),
        (7, 2, "clip 'b': its dissolve asks for frames -2 to 19 of 'b.mov', of which 2 are missing"),
    ],
)
def test_handles_that_are_missing_are_refused_by_number(scene: Any, before: int, behind: int, message: str) -> None:
    track = scene.track(scene.clip("a.mov", 75, 20), transition(before, behind), scene.clip("b.mov", 5, 15))
    assert message in one(scene.plan(track))


def test_a_dissolve_out_of_a_composition_without_handles_is_refused_by_number(scene: Any) -> None:
    inner = otio.schema.Stack("inner")
    inner.append(scene.track(scene.clip("a.mov", 40, 20)))
    track = scene.track(inner, transition(0, 4), scene.clip("b.mov", 40))
    assert "stack 'inner': its dissolve needs 4 frames more than it holds" in one(scene.plan(track))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (otio.schema.MissingReference(), "clip 'x': its media is missing"),
        (otio.schema.GeneratorReference(generator_kind="bars"), "clip 'x': generator 'bars' is not yet honoured"),
        (otio.schema.ImageSequenceReference("file:///x/", "f.", ".exr"), "clip 'x': the media file does not exist"),
        (otio.schema.ExternalReference("http://host/a.mov"), "is of kind 'http'. a local path"),
    ],
)
def test_media_that_are_no_local_file_are_refused(scene: Any, reference: Any, message: str) -> None:
    clip = scene.clip("a.mov", name="x")
    clip.media_reference = reference
    assert message in one(scene.plan(scene.track(clip)))


def test_a_file_that_is_no_video_is_named_with_all_its_users(scene: Any) -> None:
    (scene.folder / "notes.txt").write_text("words")
    track = scene.track(scene.clip("notes.txt", name="one"), scene.clip("notes.txt", name="two"))
    text = one(scene.plan(track))
    assert text.startswith("clip 'one', clip 'two': it is no video")
    assert "notes.txt" in text


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"interlaced": True}, "'odd.mov' has interlaced pictures, which is not yet honoured"),
        ({"sample_aspect": Fraction(16, 3)}, "'odd.mov' has pixels of shape 16/3, which is not yet honoured"),
        ({"color": ColorInfo(matrix=8)}, "'odd.mov' has colour matrix 8, which is not yet honoured"),
    ],
)
@pytest.mark.parametrize("role", ["source", "driver"])
def test_media_of_an_odd_kind_are_refused_by_name(scene: Any, facts: dict[str, Any], message: str, role: str) -> None:
    scene.media("odd.mov", **facts)
    clip = scene.clip("odd.mov", name="x") if role == "source" else scene.edited("a.mov", driver="odd.mov")
    text = one(scene.plan(scene.track(clip)))
    assert message in text
    assert text.startswith("clip 'x'" if role == "source" else "driver of clip 'a'")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"rotation_deg": 90}, "'odd.mov' is turned upright by 90 degrees, and so is the output"),
        ({"variable_rate": True}, "'odd.mov' has a variable frame rate and is shown at 25 frames a second"),
    ],
)
def test_what_is_done_to_media_of_an_odd_kind_is_said(scene: Any, facts: dict[str, Any], message: str) -> None:
    scene.media("odd.mov", **facts)
    plan = scene.plan(scene.track(scene.clip("odd.mov", name="x")))
    assert plan.errors == ()
    assert [problem.severity for problem in plan.problems] == ["warning"]
    assert message in plan.problems[0].wrong


def test_anamorphic_media_are_planned_as_they_are_stored(scene: Any) -> None:
    scene.media("wide.mov", sample_aspect=Fraction(16, 15))
    plan = scene.plan(scene.track(scene.clip("wide.mov")))
    assert (plan.problems, plan.width) == ((), 64)


def test_a_clip_that_begins_between_frames_is_told(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.clip("a.mov", 0, 10.5), scene.clip("b.mov", 0, 9.5)))
    assert [str(problem) for problem in plan.problems] == [
        "clip 'b': it begins between frames, at 10.500; it is shown from the next whole frame on."
    ]
    assert [(shot.record_start, shot.num_frames, shot.source_start) for shot in plan.shots] == [(0, 11, 0), (11, 9, 0)]


def test_a_still_without_a_length_is_refused(scene: Any) -> None:
    scene.media("photo.png", num_frames=1)
    text = texts(scene.plan(scene.track(scene.clip("a.mov"), scene.clip("photo.png", length=None))))
    assert "clip 'photo': it is a still, and nothing says for how long it is shown" in text[0]


def test_a_timeline_that_shows_nothing_is_refused(scene: Any) -> None:
    assert one(scene.plan()) == "timeline 'cut': it shows nothing. a clip on a picture track. add a clip."


@pytest.mark.parametrize("media", ["gone.mov", "notes.txt", None])
def test_a_lone_clip_without_its_media_is_one_problem(scene: Any, media: str | None) -> None:
    (scene.folder / "notes.txt").write_text("words")
    assert "shows nothing" not in one(scene.plan(scene.track(scene.clip(media, length=None))))


def test_a_track_of_an_unknown_kind_is_told(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.clip("a.mov")), scene.track(name="S1", kind="Subtitle"))
    assert [str(problem) for problem in plan.problems] == ["track 'S1': it is of kind 'Subtitle' and left out."]


def test_a_disabled_sound_track_asks_for_nothing(scene: Any) -> None:
    music = scene.track(scene.clip("b.mov"), name="A1", kind="Audio")
    music.enabled = False
    assert scene.plan(scene.track(scene.clip("a.mov")), music).problems == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mattes": [{"points": []}]}, "there is no field 'mattes.0.points'"),
        ({"driver": None}, "its edit names no driver"),
        ({"driver": "lost.mov"}, "driver of clip 'a': the media file does not exist"),
        ({"schema": 7}, "the effect's metadata has schema 7. a schema from 1 to 1"),
        ({"schema": "one"}, "the effect's metadata has schema 'one'"),
        ({"expression": 9}, "expression = 9 is not accepted"),
        ({"expression": float("nan")}, "expression = nan is not accepted"),
        ({"regions": {"nose": 1}}, "there is no region 'nose'"),
        ({"face": {"source": "middle"}}, "face 'middle' is not known; expected largest, smallest, left, right"),
        ({"face": {"source": -1}}, "-1"),
        ({"face": {"sauce": "left"}}, "there is no field 'face.sauce'. did you mean 'source'"),
        ({"components": {"painter": "mesh"}}, "there is no kind of component 'painter'"),
        ({"options": {"poisson": {"x": 1}}}, "options are given for 'poisson', which no shot uses"),
        (
            {"options": {"feather": {"fether_px": 1}}},
            "feather has no option 'fether_px' (effect). did you mean 'feather_px'",
        ),
        (
            {"components": {"generator": "learned"}},
            "different code spaces: encoder 'mesh' in 'space/1', motion 'mesh' in",
        ),
        ({"neutral": {"source": 90}}, "clip 'a': the neutral frame is 90 of 'a.mov'. a frame from 0 to 19"),
        ({"neutral": {"driver": 200}}, "driver of clip 'a': the neutral frame is 200 of 'driver.mov'"),
        ({"neutral": {"driver": "noon"}}, "driver of clip 'a': 'noon' is no time"),
        ({"driving": {"retime": 0}}, "driving.retime = 0 is not accepted"),
        ({"driving": {"start": "noon"}}, "driver of clip 'a': 'noon' is no time"),
        ({"driving": {"start": {"value": 1, "rate": 0}}}, "time 1 at rate 0 is no time"),
        ({"driving": {"when_short": "panic"}}, "driving.when_short = 'panic' is not accepted"),
        ({"start": 300}, "its driver 'driver.mov' would start at 12.000 s. a start inside its 8.000 s"),
        ({"start": 190, "driving": {"when_short": "error"}}, "its driver 'driver.mov' ends 10 frames before the shot"),
    ],
)
def test_a_faulty_effect_is_refused_by_name(scene: Any, fields: dict[str, Any], message: str) -> None:
    found = "\n".join(texts(scene.plan(scene.track(scene.edited("a.mov", **fields)))))
    assert message in found
    assert "clip 'a'" in found


def test_names_with_their_plugin_are_offered_to_who_names_a_plugin(scene: Any) -> None:
    for target, named in (("fether", False), ("fether_plugin:feather", True)):
        plan = scene.plan(scene.track(scene.edited("a.mov")), overrides={(target, "feather_px"): 3})
        (problem,) = [one for one in plan.problems if repr(target) in one.wrong]
        assert "'feather'" in problem.expected
        assert (":feather'" in problem.expected) == named


def test_a_missing_id_is_told(scene: Any) -> None:
    clip = scene.edited("a.mov")
    del clip.effects[0].metadata["dpe"]["id"]
    assert "clip 'a': field 'id' is missing" in one(scene.plan(scene.track(clip)))


def test_a_stated_part_of_a_driver_that_ends_early_is_refused(scene: Any) -> None:
    clip = scene.edited("a.mov", driver=None, driving={"media": scene.clip("driver.mov", 10, 15)})
    text = one(scene.plan(scene.track(clip)))
    assert "the stated part of its driver 'driver.mov' ends 5 frames before the shot" in text


def test_two_edits_on_a_clip_are_refused(scene: Any) -> None:
    clip = scene.edited("a.mov")
    clip.effects.append(scene.effect(id="e2"))
    assert "clip 'a': it has 2 edits, which is not yet honoured" in one(scene.plan(scene.track(clip)))


def test_an_edit_on_a_track_or_a_marker_on_one_is_refused(scene: Any) -> None:
    track = scene.track(scene.clip("a.mov"))
    track.effects.append(scene.effect())
    track.markers.append(otio.schema.Marker("DPE:e1"))
    found = texts(scene.plan(track))
    assert found[0].startswith("track 'V1': an edit on it is not yet honoured")
    assert found[1].startswith("track 'V1': marker 'DPE:e1' on it is not yet honoured")


def test_a_driver_track_with_nothing_below_is_refused(scene: Any) -> None:
    drivers = scene.track(scene.clip("driver.mov"), name="DPE")
    assert "track 'DPE': it drives nothing" in one(scene.plan(drivers, scene.track(scene.clip("a.mov"))))


def test_two_driver_tracks_over_one_clip_are_refused(scene: Any) -> None:
    tracks = [scene.track(scene.clip("driver.mov", name=name), name=f"DPE {name}") for name in ("x", "y")]
    text = one(scene.plan(scene.track(scene.clip("a.mov")), *tracks))
    assert "clip 'a': several driver tracks lie over it, 'y' among them" in text


def test_a_driver_track_over_a_clip_with_its_own_driver_is_refused(scene: Any) -> None:
    drivers = scene.track(scene.clip("driver.mov", name="x"), name="DPE")
    text = one(scene.plan(scene.track(scene.edited("a.mov")), drivers))
    assert "clip 'a': it has a driver of its own, and 'x' of a driver track lies over it" in text


def test_a_driver_time_beside_a_driver_track_is_refused(scene: Any) -> None:
    drivers = scene.track(scene.clip("driver.mov", name="x"), name="DPE")
    clip = scene.edited("a.mov", driver=None, driving={"retime": 2.0})
    assert "its edit states the driver's time" in one(scene.plan(scene.track(clip), drivers))


def test_a_driver_clip_without_media_is_refused(scene: Any) -> None:
    drivers = scene.track(scene.clip(None, name="x"), name="DPE")
    assert "clip 'a': its driver 'x' has no media file" in one(scene.plan(scene.track(scene.clip("a.mov")), drivers))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 9", "project file 'dpe.toml': schema = 9 is not accepted"),
        ("[edit]\nexpresion = 1", "there is no field 'edit.expresion'. did you mean 'expression'"),
        ("[edit]\nexpression = 9", "edit.expression = 9 is not accepted"),
        ("[options.fether]\nx = 1", "project file: options are given for 'fether', which no shot uses"),
        ("nonsense", "project file 'dpe.toml': it is no TOML"),
    ],
)
def test_a_faulty_project_file_is_a_problem(scene: Any, text: str, message: str) -> None:
    (scene.folder / "dpe.toml").write_text(text)
    assert message in one(scene.plan(scene.track(scene.edited("a.mov"))))


def test_a_project_file_that_was_named_but_is_missing_is_a_problem(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.clip("a.mov")), project=scene.folder / "other.toml")
    assert "other.toml' cannot be read: No such file" in one(plan)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": {"painter": "x"}}, "command line: there is no kind of component 'painter'"),
        ({"components": {"compositor": "fether"}}, "clip 'a': there is no compositor 'fether'. did you mean 'feather'"),
        ({"overrides": {("mesh", "smoth"): 1}}, "mesh has no option 'smoth' (command line). did you mean 'smooth'"),
    ],
)
def test_a_faulty_command_line_is_a_problem(scene: Any, options: dict[str, Any], message: str) -> None:
    assert message in one(scene.plan(scene.track(scene.edited("a.mov")), **options))


def test_regions_are_read_from_text() -> None:
    assert parse_regions("mouth=0.5, brows") == {
        "brows": 1, "eyes": 0, "gaze": 0, "cheeks": 0, "mouth": 0.5, "jaw": 0,
    }  # fmt: skip
    with pytest.raises(OptionsError, match="there is no region 'nose'"):
        parse_regions("nose")
    with pytest.raises(OptionsError, match="weight 'loud' of region 'mouth' is no number"):
        parse_regions("mouth=loud")


def test_the_fault_of_a_broken_plugin_is_told_where_it_is_needed(scene: Any) -> None:
    from dpe_toolkit.plugins import PluginSource
    from dpe_toolkit.plugins.loading import load_plugin

    def fail() -> object:
        raise ImportError("no litert")

    registry = Registry([load_plugin(PluginSource("face_mesh", fail, version="0.1"))])
    plan = scene.plan(scene.track(scene.edited("a.mov"), scene.clip("b.mov")), registry=registry)
    assert len(plan.errors) == 5
    assert "plugin 'face_mesh 0.1' is out of use (ImportError: no litert)" in texts(plan)[0]
    assert scene.plan(scene.track(scene.clip("b.mov")), registry=registry).problems == ()


def test_what_plugins_find_is_listed_too(scene: Any) -> None:
    from dpe_toolkit.api import hookimpl

    class Checker:
        @hookimpl
        def dpe_check_plan(self, plan: RenderPlan) -> list[Problem]:
            return [Problem(where=plan.shots[0].name, wrong="too dark")]

    plan = scene.plan(scene.track(scene.clip("a.mov")), registry=Registry.of({"c": Checker()}))
    assert one(plan) == "a: too dark."


def test_planning_imports_no_torch() -> None:
    code = "import sys, dpe_toolkit.planning, dpe_toolkit.timeline, dpe_toolkit.plugins; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_package_alone_imports_neither_torch_nor_readers() -> None:
    code = "import sys, dpe_toolkit; print({'torch', 'av', 'opentimelineio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_edit_of_a_clip_without_length_is_told(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.clip("b.mov"), scene.edited("a.mov", 3, 0)))
    (problem,) = plan.problems
    assert (problem.severity, problem.where) == ("warning", "clip 'a'")
    assert "it has no length, so that its edit is seen nowhere" in problem.wrong
