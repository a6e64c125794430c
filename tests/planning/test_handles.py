"""Edited shots become files of their own, on their media's own frames."""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.editing.keyframes import Key, PolygonKey
from dpe_toolkit.planning import edited_media, plan_shot_files
from dpe_toolkit.plans.edit import ComponentChoice, EditPlan, MattePlan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.timeline import Clip, parse_effect
from dpe_toolkit.timeline.document import MediaReference

RATE = Fraction(24000, 1001)
_ids = count()


def media(name: str, num_frames: int = 100, rate: Fraction = RATE) -> MediaPlan:
    return MediaPlan(
        path=Path(name), digest=name, width=64, height=48, num_frames=num_frames, rate=rate, start_frame=86400
    )


def edit(**fields: object) -> EditPlan:
    return EditPlan.model_validate({"id": "e1", "driver": media("d.mov"), "components": {}} | fields)


def shot(start: int, length: int, place: int = 0, **fields: object) -> ShotPlan:
    plain = {
        "id": f"take{next(_ids)}",
        "name": f"shot{place}",
        "source": media("a.mov"),
        "num_frames": length,
        "time": FrameMap(start=Fraction(start)),
        "clip_index": place,
    }
    take = Take.model_validate(plain | fields)
    return ShotPlan.of(take)


def plan(*shots: ShotPlan) -> RenderPlan:
    placed, at = [], 0
    for one in shots:
        placed.append(one.shift(at))
        at += one.num_frames
    return RenderPlan(toolkit_version="0", timeline="cut", rate=Fraction(25), width=32, height=32, shots=tuple(placed))


def driver_s(one: ShotPlan, frame: int) -> Fraction:
    """The driver's time under a media frame."""
    assert one.edit is not None
    assert one.source is not None
    return one.edit.driver_start_s + (frame - one.source_span.start) / one.source.rate * one.edit.retime


@given(
    start=st.integers(0, 90),
    length=st.integers(1, 10),
    handles=st.integers(0, 120),
    retime=st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(-2)]),
)
def test_a_file_holds_the_medias_frames_and_each_keeps_its_driver(
    start: int, length: int, handles: int, retime: Fraction
) -> None:
    whole = shot(start, length, edit=edit(retime=retime, driver_start_s=Fraction(2)))
    (file,), problems = plan_shot_files(plan(whole), handles)
    (made,) = file.plan.shots
    assert problems == []
    assert (file.plan.rate, file.plan.width, file.plan.start_frame) == (RATE, 64, 86400 + made.source_start)
    assert list(made.media_frames) == list(file.frames)
    assert (file.lead, file.tail) == (min(handles, start), min(handles, 100 - start - length))
    assert all(driver_s(made, frame) == driver_s(whole, frame) for frame in file.frames)


def test_a_speed_change_leaves_every_frame_of_the_media() -> None:
    fast = FrameMap(start=Fraction(10), step=Fraction(2))
    (file,), _ = plan_shot_files(plan(shot(10, 5, time=fast, edit=edit())), 3)
    assert (file.frames.start, file.frames.stop) == (7, 22)
    assert file.plan.takes[0].time.is_plain


def test_keys_and_mattes_keep_their_frames() -> None:
    moving = MattePlan(
        polygons=(PolygonKey(row=Fraction(1), points=((0, 0), (1, 0), (1, 1))),), start=Fraction(4), step=Fraction(2)
    )
    keys = {"expression": (Key(row=Fraction(2), value=0.5),)}
    (file,), _ = plan_shot_files(plan(shot(10, 5, edit=edit(keys=keys, mattes=(moving,), when_short="error"))), 4)
    made = file.plan.shots[0].edit
    assert made is not None
    assert made.keys["expression"][0].row == 6
    assert (made.mattes[0].polygons[0].row, made.mattes[0].start) == (5, -4)
    assert made.when_short == "hold"


def test_a_clip_that_is_edited_in_part_fills_one_file() -> None:
    parts = (shot(10, 5), shot(15, 5, edit=edit(starts_inside=True)), shot(30, 5, place=1))
    (file,), _ = plan_shot_files(plan(*parts), 2)
    assert (file.ids, file.lead, file.tail) == (("e1",), 2, 2)
    assert [(one.source_start, one.num_frames, one.edit is not None) for one in file.plan.shots] == [
        (8, 7, False),
        (15, 7, True),
    ]


def chosen(kind: str, name: str, file: str = "", **options: str) -> ComponentChoice:
    """A component with a default, and options that came from the command line."""
    return ComponentChoice(
        kind=kind,
        name=name,
        plugin="p",
        version="1",
        weights=Path(file) if file else None,
        options={"plain": "default", **options},
        origins={"plain": "default", **dict.fromkeys(options, "command line")},
    )


def test_an_edit_that_no_effect_describes_is_written_with_what_was_asked_for() -> None:
    components = {
        "detector": chosen("detector", "boxes"),
        "generator": chosen("generator", "net", "/w/net.pt", weights="net", size="2"),
        "compositor": chosen("compositor", "soft"),
    }
    chains = {"refine": (chosen("refine", "sharpen"), chosen("refine", "grain", amount="3"))}
    origins = {"components.compositor": "project", "components.detector": "default", "components.refine": "effect"}
    asked = edit(components=components, chains=chains, origins=origins)
    (file,), _ = plan_shot_files(plan(shot(10, 4, edit=asked)), 0)
    clip = Clip("shot0", MediaReference("external", "a.mov"))
    stated = edited_media(file, Path("/out/shot0.mov"), clip).stated
    assert stated["components"] == {"compositor": "soft", "refine": ["sharpen", "grain"]}
    assert stated["options"] == {"net": {"weights": "/w/net.pt", "size": "2"}, "grain": {"amount": "3"}}
    spec, problems = parse_effect({"schema": 1, "id": "e1", **stated}, where="shot0")
    assert (problems, spec is not None) == ((), True)


def test_what_no_frames_of_the_media_can_show_is_left_out_and_told() -> None:
    held = shot(10, 5, edit=edit(), time=FrameMap(start=Fraction(10), step=Fraction(0)), held_rate=Fraction(25))
    files, (problem,) = plan_shot_files(plan(held), 2)
    assert files == []
    assert str(problem).startswith("shot 'shot0': its driver moves on over one held frame")
    twice = plan(shot(10, 5, edit=edit()), shot(12, 5, edit=edit(driver_start_s=Fraction(1))))
    assert "driven in several ways" in str(plan_shot_files(twice, 2)[1][0])
    again = plan(shot(10, 5, edit=edit()), shot(10, 5, edit=edit(driver_start_s=Fraction(1))))
    assert "driven in several ways" in str(plan_shot_files(again, 2)[1][0])


def test_edits_that_change_nothing_make_no_file() -> None:
    assert plan_shot_files(plan(shot(10, 5, edit=edit(expression=0))), 2) == ([], [])
