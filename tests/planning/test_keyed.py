from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.hookspecs import hookimpl
from dpe_toolkit.planning import explain
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plugins import Registry
from tests.planning.conftest import FakePlugin, component, stretch, time

SQUARE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]


def edit_of(plan: RenderPlan) -> EditPlan:
    assert [str(problem) for problem in plan.errors] == []
    (shot,) = plan.shots
    assert shot.edit is not None
    return shot.edit


def places(edit: EditPlan, name: str = "expression") -> list[tuple[Fraction, float, str]]:
    return [(key.row, key.value, key.interpolation) for key in edit.keys[name]]


def test_keys_lie_in_the_sources_time(scene: Any) -> None:
    scene.media("tc.mov", start_frame=90000)
    keys = {
        "expression": [[time(90012), 0.0], [time(90022), 1, "smooth"], ["1s", 0.5, "hold"]],
        "mouth": [[time(0, 50), 1]],
    }
    edit = edit_of(scene.plan(scene.track(scene.edited("tc.mov", 90010, 20, keys=keys))))
    assert places(edit) == [(2, 0.0, "linear"), (12, 1.0, "smooth"), (15, 0.5, "hold")]
    assert list(edit.keys) == ["expression", "mouth"]
    again = RenderPlan.model_validate_json(scene.plan(path=scene.folder / "cut.otio").model_dump_json())
    assert again.shots[0].edit == edit


def test_keys_stay_on_the_media_under_a_time_warp(scene: Any) -> None:
    clip = scene.edited("a.mov", 10, 20, keys={"expression": [[time(12), 0.0], [time(30), 1.0]]})
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=-2))
    plan = scene.plan(scene.track(clip))
    assert plan.shots[0].source_span.start == 11
    assert [row for row, _, _ in places(edit_of(plan))] == [1, 19]


def test_keys_of_a_part_count_from_its_own_first_row(scene: Any) -> None:
    clip = scene.edited("a.mov", 10, 30, keys={"expression": [[time(12), 0.0], [time(30), 1.0]]})
    plan = scene.plan(scene.track(clip), scene.track(scene.gap(10), scene.clip("b.mov", 0, 5), name="V2"))
    rows = [[key.row for key in shot.edit.keys["expression"]] for shot in plan.shots if shot.edit]
    assert rows == [[2, 20], [-13, 5]]


def test_keys_of_a_still_follow_the_clips_time(scene: Any) -> None:
    scene.media("photo.png", num_frames=1)
    keys = {"expression": [[time(100), 0.0], [time(110), 1.0]]}
    still = scene.edited("photo.png", 100, 20, keys=keys)
    plan = scene.plan(scene.track(still, scene.clip("a.mov")))
    shot = plan.shots[0]
    assert (shot.held_rate, len(shot.rows), set(shot.media_frames)) == (25, 20, {0})
    assert [key.row for key in shot.edit.keys["expression"]] == [0, 10]


def test_a_frozen_source_keeps_the_value_of_its_moment(scene: Any) -> None:
    keys = {"expression": [[time(5), 0.0], [time(15), 1.0]]}
    clip = scene.edited("a.mov", 10, 20, driver=None, keys=keys)
    clip.effects.append(otio.schema.FreezeFrame())
    plan = scene.plan(scene.track(clip), scene.track(scene.clip("driver.mov", 0, 20), name="DPE"))
    assert places(edit_of(plan)) == [(0, 0.5, "linear")]


def test_mattes_are_polygons_or_films(scene: Any) -> None:
    scene.media("matte.mov", num_frames=50, rate=Fraction(50))
    mattes = [
        {"polygon": SQUARE, "feather_px": 3},
        {"polygons": [[time(20), SQUARE, "hold"], [time(12), SQUARE]], "invert": True},
        {"media": "matte.mov", "start": "10"},
    ]
    edit = edit_of(scene.plan(scene.track(scene.edited("a.mov", 10, 20, mattes=mattes))))
    assert [len(matte.polygons) for matte in edit.mattes] == [1, 2, 0]
    assert [key.row for key in edit.mattes[1].polygons] == [2, 10]
    assert [matte.invert for matte in edit.mattes] == [False, True, False]
    film = edit.mattes[2]
    assert film.media is not None
    assert (film.media.path.name, film.start, film.step) == ("matte.mov", 10, 2)


def test_where_keys_and_mattes_came_from_is_explained(scene: Any) -> None:
    fields = {"keys": {"pose": [[time(12), 1.0]]}, "mattes": [{"polygon": SQUARE}]}
    plan = scene.plan(scene.track(scene.edited("a.mov", 10, 20, **fields)))
    found = {row.what: (row.value, row.origin) for row in explain(plan)}
    assert found["keys"] == ("pose at 1 times", "effect")
    assert found["mattes"] == ("1 polygons", "effect")


def test_an_edit_whose_keys_are_all_zero_changes_nothing(scene: Any) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov", keys={"expression": [[time(0), 0.0]]})))
    assert edit_of(plan).changes_nothing
    plan = scene.plan(scene.track(scene.edited("a.mov", expression=0, keys={"expression": [[time(0), 0.2]]})))
    assert not edit_of(plan).changes_nothing


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keys": {"expresion": [[time(0), 1]]}}, "there is no keyed value 'expresion'; did you mean 'expression'"),
        ({"keys": {"pose": []}}, "keys.pose"),
        ({"keys": {"pose": [[time(0), 9]]}}, "9"),
        ({"keys": {"pose": [[time(0), 1, "cubic"]]}}, "cubic"),
        ({"keys": {"pose": [[time(0)]]}}, "it has 1 parts; expected time, value, interpolation"),
        ({"keys": {"pose": [["noon", 1]]}}, "keys of 'pose' of clip 'a': 'noon' is no time"),
        ({"keys": {"pose": [[time(0), 1], ["0", 2]]}}, "two of the keys of 'pose' are at one time"),
        ({"mattes": [{}]}, "a matte has one of polygon, polygons and media, this has none"),
        ({"mattes": [{"polygon": SQUARE, "media": "m.mov"}]}, "this has polygon, media"),
        ({"mattes": [{"polygon": SQUARE[:2]}]}, "mattes.0.polygon"),
        (
            {"mattes": [{"polygons": [[time(0), SQUARE], [time(5), SQUARE[:3]]]}]},
            "its polygons have 3, 4 points, not equally many",
        ),
        ({"mattes": [{"media": "lost.mov"}]}, "matte of clip 'a': the media file does not exist"),
    ],
)
def test_faulty_keys_and_mattes_are_refused_by_name(scene: Any, fields: dict[str, Any], message: str) -> None:
    plan = scene.plan(scene.track(scene.edited("a.mov", **fields)))
    assert message in "\n".join(str(problem) for problem in plan.errors)


def test_a_still_without_driver_range_uses_its_clips_time_for_the_driver(scene: Any) -> None:
    scene.media("photo.png", num_frames=1)
    still = scene.clip("photo.png", 0, 20)
    still.source_range = stretch(40, 20)
    still.effects.append(scene.effect(start=50, driving={"retime": 2.0}))
    over = scene.track(scene.gap(4), scene.clip("b.mov", 0, 6), name="V2")
    plan = scene.plan(scene.track(still, scene.clip("a.mov")), over)
    edits = [shot.edit for shot in plan.shots if shot.edit is not None]
    assert [(edit.driver_start_s, edit.retime) for edit in edits] == [(2, 2), (2 + Fraction(20, 25), 2)]


class Knower:
    """A plugin that tells who a face is."""

    def __init__(self, *names: str) -> None:
        self.names = names

    @hookimpl
    def dpe_register_identities(self) -> list[Any]:
        return [component("identity", name) for name in self.names]


def test_a_face_may_be_chosen_by_a_picture_where_something_can_tell(scene: Any) -> None:
    (scene.folder / "anna.png").write_bytes(b"anna")
    clip = scene.edited("a.mov", face={"source": "reference:anna.png"})
    registry = Registry.of({"fake": FakePlugin(), "who": Knower("lookalike")}, version="1")
    edit = edit_of(scene.plan(scene.track(clip), registry=registry))
    assert edit.components["identity"].name == "lookalike"
    assert edit.origins["components.identity"] == "default"
    assert edit.source_face.reference == str(scene.folder / "anna.png")
    assert edit.source_face.reference_digest == "sha256:anna.png"
    assert edit.driver_face.by == "largest"


@pytest.mark.parametrize(
    ("names", "picture", "message"),
    [
        ((), "anna.png", "clip 'a': a face is chosen by a picture, and 0 components that can tell who a face is are"),
        (("one", "two"), "anna.png", "and 2 components that can tell who a face is are ready. known: 'one', 'two'"),
        (("one",), "lost.png", "reference picture of clip 'a': the media file does not exist"),
    ],
)
def test_a_picture_that_nothing_can_compare_is_refused(
    scene: Any, names: tuple[str, ...], picture: str, message: str
) -> None:
    (scene.folder / "anna.png").write_bytes(b"anna")
    clip = scene.edited("a.mov", face={"source": f"reference:{picture}"})
    registry = Registry.of({"fake": FakePlugin(), "who": Knower(*names)}, version="1")
    (problem,) = scene.plan(scene.track(clip), registry=registry).errors
    assert message in str(problem)


def test_of_several_that_can_tell_the_named_one_is_taken(scene: Any) -> None:
    (scene.folder / "anna.png").write_bytes(b"anna")
    clip = scene.edited("a.mov", face={"driver": "reference:anna.png"}, components={"identity": "two"})
    registry = Registry.of({"fake": FakePlugin(), "who": Knower("one", "two")}, version="1")
    plan = scene.plan(scene.track(clip), registry=registry)
    assert edit_of(plan).components["identity"].name == "two"
    assert ("a", "components.identity", "two (who 1)", "effect") in explain(plan)
    clip = scene.edited("a.mov", face={"driver": "reference:anna.png"}, components={"identity": "thre"})
    (problem,) = scene.plan(scene.track(clip), registry=registry).errors
    assert "there is no identity 'thre'" in str(problem)
