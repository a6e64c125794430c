"""Timelines of every shape: those that OpenTimelineIO's own samples have, and any that can be made up."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.errors import DpeError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.model import RenderPlan
from tests.planning.conftest import Scene, stretch, time

schema = otio.schema
Maker = Callable[[Scene], list[Any]]


def missing(name: str, start: float, length: float, rate: float = 24.0) -> Any:
    return schema.Clip(name, schema.MissingReference(), stretch(start, length, rate))


def simple_cut(scene: Scene) -> list[Any]:
    return [scene.track(*(missing(f"Clip-{n}", 3, n, 24) for n in (1, 2, 3, 4)))]


def transitions(scene: Scene) -> list[Any]:
    wipe = schema.Transition("t1", "SMPTE_Dissolve", time(10, 24), time(21, 24))
    edge = schema.Transition("t0", "SMPTE_Dissolve", time(0, 24), time(12, 24))
    last = schema.Transition("t3", "Custom_Transition", time(12, 24), time(0, 24))
    return [scene.track(edge, missing("A", 10, 50), wipe, missing("B", 20, 50), last)]


def nested(scene: Scene) -> list[Any]:
    deep = schema.Stack("deep", [scene.track(missing("x", 0, 24)), scene.track(scene.gap(8, 24), missing("y", 0, 8))])
    deep.source_range = stretch(2, 20, 24)
    inner = scene.track(missing("m", 5, 10), deep, name="nested track")
    return [scene.track(missing("n", 0, 9), schema.Stack("middle", [inner]), schema.Stack("empty"))]


def speed_effects(scene: Scene) -> list[Any]:
    clips = [missing(f"s{n}", 0, 30, 24) for n in range(4)]
    for one, scalar in zip(clips, (2.0, -1.0, 0.5, 0.0), strict=True):
        one.effects.append(schema.LinearTimeWarp(time_scalar=scalar))
    clips[3].effects.append(schema.TimeEffect("curve", "TimeWarp"))
    return [scene.track(*clips)]


def generators(scene: Scene) -> list[Any]:
    bars = schema.Clip("bars", schema.GeneratorReference(generator_kind="SMPTEBars"), stretch(0, 24, 24))
    other = schema.Clip("odd", otio.core.MediaReference(), stretch(0, 24, 24))
    return [scene.track(bars, other)]


def image_sequences(scene: Scene) -> list[Any]:
    made = schema.ImageSequenceReference(
        "file:///show/seq/", "spiderverse.", ".jpeg", 97987, 1, 24, 6, available_range=stretch(97987, 100, 24)
    )
    return [scene.track(schema.Clip("frames", made, stretch(97997, 50, 24)))]


def multitrack(scene: Scene) -> list[Any]:
    sound = scene.track(missing("music", 0, 100), name="Music", kind="Audio")
    upper = scene.track(scene.gap(12, 24), missing("title", 0, 24), name="Titles")
    return [
        scene.track(missing("plate", 0, 60)),
        upper,
        scene.track(),
        sound,
        scene.track(name="Subs", kind="Captions"),
    ]


def markers_and_effects(scene: Scene) -> list[Any]:
    one = missing("fx", 0, 24)
    one.effects.append(schema.Effect("Frazzles", "Zoinks", {"dept": "VFX"}))
    one.markers.append(schema.Marker("note", stretch(3, 1, 24)))
    track = scene.track(one)
    track.effects.append(schema.Effect("Sharpen", "Sharpen"))
    return [track]


@pytest.mark.parametrize(
    "make",
    [simple_cut, transitions, nested, speed_effects, generators, image_sequences, multitrack, markers_and_effects],
)
def test_timelines_like_the_samples_of_opentimelineio_are_planned_without_a_traceback(
    scene: Scene, make: Maker
) -> None:
    plan = scene.plan(*make(scene))
    expect_whole(plan)
    assert plan.errors
    assert all(problem.where for problem in plan.problems)


def expect_whole(plan: RenderPlan) -> None:
    """The shots cover the output once, in order, and so does all that meets in them."""
    position = 0
    for shot in plan.shots:
        assert shot.record_start == position
        position = shot.record.stop
        assert all(leaf.record == shot.record for leaf in shot.leaves())


rates = st.sampled_from([24.0, 23.976, 25.0, 29.97, 30.0, 50.0, 59.94])
lengths = st.integers(1, 30)
scalars = st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0, -0.7, 1.25])


@st.composite
def clips(draw: st.DrawFn) -> Any:
    rate = draw(rates)
    made = schema.Clip(
        draw(st.sampled_from(["one", "two", ""])),
        schema.ExternalReference(draw(st.sampled_from(["a.mov", "n.mov", "film.mov", "photo.png", "title.mov"]))),
        stretch(draw(st.integers(0, 60)), draw(lengths), rate),
    )
    made.enabled = draw(st.integers(0, 9)) > 0
    if draw(st.booleans()):
        made.effects.append(schema.LinearTimeWarp(time_scalar=draw(scalars)))
    return made


def gaps() -> st.SearchStrategy[Any]:
    return st.builds(lambda length, rate: schema.Gap(source_range=stretch(0, length, rate)), lengths, rates)


@st.composite
def tracks(draw: st.DrawFn, depth: int = 0) -> Any:
    made = schema.Track(draw(st.sampled_from(["V", "V", "V", "DPE"])), kind="Video")
    for _ in range(draw(st.integers(0, 4))):
        choice = draw(st.integers(0, 9))
        if choice < 2 and depth < 2:
            made.append(draw(stacks(depth + 1)))
        elif choice < 4:
            made.append(draw(gaps()))
        else:
            made.append(draw(clips()))
        if draw(st.integers(0, 2)) == 0:
            rate = draw(rates)
            offsets = time(draw(st.integers(0, 4)), rate), time(draw(st.integers(0, 4)), rate)
            made.append(schema.Transition("cross", "SMPTE_Dissolve", *offsets))
    return made


@st.composite
def stacks(draw: st.DrawFn, depth: int = 0) -> Any:
    made = schema.Stack("nested", draw(st.lists(tracks(depth), max_size=2)))
    if draw(st.booleans()):
        made.source_range = stretch(draw(st.integers(0, 8)), draw(lengths), draw(rates))
    if draw(st.booleans()):
        made.effects.append(schema.LinearTimeWarp(time_scalar=draw(scalars)))
    return made


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tracks(), min_size=1, max_size=3))
def test_any_timeline_gives_a_whole_plan_whose_frames_are_there(tmp_path: Path, made: list[Any]) -> None:
    scene = Scene(tmp_path)
    from dpe_toolkit.core.frames import PixelLayout

    scene.media("a.mov")
    scene.media("n.mov", rate=Fraction(30000, 1001), width=32)
    scene.media("film.mov", rate=Fraction(24000, 1001), num_frames=200)
    scene.media("photo.png", num_frames=1)
    scene.media("title.mov", layout=PixelLayout("yuva444p", "yuv", 8, (0, 0), alpha=True))
    try:
        plan = scene.plan(*(track.deepcopy() for track in made))
    except DpeError:
        return
    expect_whole(plan)
    assert RenderPlan.model_validate_json(plan.model_dump_json()) == plan
    if plan.errors:
        return
    for leaf in plan.leaves():
        assert leaf.show is not None
        take, frames = leaf.show.take, Span(leaf.show.start, leaf.show.start + leaf.num_frames)
        assert all(0 <= frame < take.source.num_frames for frame in leaf.media_frames)
        assert set(leaf.shown_rows) <= set(take.rows)
        assert leaf.media_frames == take.media_frames(frames)
        assert frames.stop <= take.num_frames


plain_rates = st.sampled_from([24.0, 25.0, 50.0])
plain_scalars = st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0, -2.0, -0.5])
NAMES = {"a.mov": Fraction(25), "b.mov": Fraction(24), "c.mov": Fraction(50)}


@st.composite
def plain_items(draw: st.DrawFn, depth: int = 0) -> Any:
    if depth < 2 and draw(st.integers(0, 3)) == 0:
        inner = schema.Track("V", draw(st.lists(plain_items(depth + 1), min_size=1, max_size=3)), kind="Video")
        made: Any = schema.Stack("nested", [inner])
        length = float(inner.duration().rescaled_to(600).value)
        if draw(st.booleans()) and length > 24:
            made.source_range = stretch(24, length - 24, 600)
    elif draw(st.integers(0, 4)) == 0:
        return schema.Gap(source_range=stretch(0, draw(st.integers(1, 9)), draw(plain_rates)))
    else:
        rate = draw(plain_rates)
        reference = schema.ExternalReference(draw(st.sampled_from(sorted(NAMES))))
        made = schema.Clip("clip", reference, stretch(draw(st.integers(0, 40)), draw(st.integers(1, 20)), rate))
    if draw(st.booleans()):
        made.effects.append(schema.LinearTimeWarp(time_scalar=draw(plain_scalars)))
    return made


def seconds(value: Any) -> Fraction:
    return Fraction(value.value).limit_denominator(10**6) / Fraction(value.rate).limit_denominator(10**6)


def on_screen(item: Any, at_s: Fraction, forwards: bool) -> tuple[str, int] | None:
    """By plain recursion: the media frame that an item shows at a moment of its own, come to from one side."""
    if isinstance(item, schema.Track):
        for child in item:
            length_s = seconds(child.duration())
            if 0 <= at_s < length_s if forwards else 0 < at_s <= length_s:
                return on_screen(child, at_s, forwards)
            at_s -= length_s
        return None
    if isinstance(item, schema.Gap):
        return None
    scalar = Fraction(1)
    for effect in item.effects:
        scalar *= Fraction(effect.time_scalar)
    start_s = seconds(item.source_range.start_time) if item.source_range else Fraction(0)
    length_s = seconds(item.duration())
    inside_s = start_s + (scalar * at_s if scalar >= 0 else -scalar * (length_s - at_s))
    onwards = forwards if scalar > 0 else not forwards if scalar < 0 else True
    if isinstance(item, schema.Stack):
        return on_screen(item[0], inside_s, onwards)
    name = item.media_reference.target_url
    position = inside_s * NAMES[name]
    return name, int(position // 1) if onwards else -int(-position // 1) - 1


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(plain_items(), min_size=1, max_size=4))
def test_nested_speeds_and_rates_show_what_a_plain_recursion_says(tmp_path: Path, made: list[Any]) -> None:
    scene = Scene(tmp_path)
    for name, rate in NAMES.items():
        scene.media(name, rate=rate, num_frames=5000)
    track = schema.Track("V1", [one.deepcopy() for one in made], kind="Video")
    plan = scene.plan(track.deepcopy())
    if plan.errors:
        return
    shown: dict[int, tuple[str, int] | None] = {}
    for shot in plan.shots:
        frames = shot.media_frames if shot.source is not None else [None] * shot.num_frames
        for frame, media in zip(shot.record, frames, strict=True):
            shown[frame] = None if shot.source is None or media is None else (shot.source.path.name, media)
    for frame, found in shown.items():
        # What begins within a fiftieth of a frame counts as if it began with the frame.
        moments = frame / plan.rate, (frame + Fraction(1, 50)) / plan.rate
        assert found in [on_screen(track, moment, forwards=True) for moment in moments], frame
