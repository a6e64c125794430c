"""Plugins that were written for plans of schema 1 go on working, and are told what to use instead."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest

from dpe_toolkit.api import EditPlan, MediaPlan, Problem, RenderPlan, ShotPlan, hookimpl
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plugins import Registry


class Old:
    """As its author wrote it for schema 1: it walks what a shot is made of by ``inner``, ``mix`` and ``below``."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    @hookimpl
    def dpe_check_plan(self, plan: RenderPlan) -> list[Problem]:
        return [
            Problem(severity="warning", where=leaf.name, wrong=f"{leaf.source.path.name} by {leaf.edit.id}")
            for shot in plan.shots
            for leaf in self.media_of(shot)
            if leaf.source is not None and leaf.edit is not None
        ]

    @hookimpl
    def dpe_shot_started(self, shot: ShotPlan) -> None:
        self.shown.append(f"{' > '.join(shot.names)} at {shot.record.start} for {shot.num_frames}")

    def media_of(self, shot: ShotPlan) -> Iterator[ShotPlan]:
        if shot.source is not None:
            yield shot
        to = None if shot.mix is None else shot.mix.to
        for child in (shot.inner, to, shot.below):
            if child is not None:
                yield from self.media_of(child)


@pytest.mark.filterwarnings("ignore:ShotPlan")
def test_an_old_plugin_finds_every_edited_shot(whole: RenderPlan) -> None:
    old = Old()
    problems = Registry.of({"old": old}).check_plan(whole)
    assert list(dict.fromkeys(problem.where for problem in problems)) == ["actor", "actor#2", "actor#3"]
    assert {problem.wrong for problem in problems} == {"actor.mkv by e1", "actor.mkv by e2", problems[-1].wrong}
    found = [leaf.name for shot in whole.shots for leaf in old.media_of(shot)]
    assert found == [leaf.name for leaf in whole.leaves()]


def test_an_old_plugin_is_told_of_shots_as_before(whole: RenderPlan) -> None:
    old = Old()
    registry = Registry.of({"old": old})
    for shot in whole.shots[:3]:
        registry.notify("dpe_shot_started", shot=shot)
    assert old.shown == [
        "actor at 0 for 13",
        "actor > other at 13 for 4",
        "small > actor > other at 17 for 2",
    ]


def test_what_a_shot_is_of_media_and_edit_needs_no_other_words(whole: RenderPlan) -> None:
    shot = whole.shots[0]
    assert isinstance(shot.source, MediaPlan)
    assert isinstance(shot.edit, EditPlan)
    assert (shot.source.path.name, shot.edit.id, shot.source_start) == ("actor.mkv", "e1", 4)
    assert [leaf.name for leaf in whole.shots[2].leaves()] == ["small", "actor", "other"]
    slow = whole.shots[5].trim(Span(34, 36))
    assert slow.edit is not None
    assert whole.takes[3].edit is not None
    assert slow.edit.driver_start_s == whole.takes[3].edit.driver_start_s + Fraction(2, 25)


@pytest.mark.parametrize("name", ["inner", "mix", "below", "time", "alone", "whole", "uncut"])
def test_what_goes_says_what_to_use_instead(whole: RenderPlan, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"ShotPlan\.{name} goes with the next minor release; use ShotPlan"):
        getattr(whole.shots[0], name)


@pytest.mark.filterwarnings("ignore:ShotPlan")
def test_what_goes_means_what_it_meant(whole: RenderPlan) -> None:
    first, mixed, layered = whole.shots[:3]
    assert (first.inner, first.mix, first.below, first.time) == (None, None, None, None)
    assert first.alone == first
    assert mixed.mix is not None
    assert mixed.mix.to is not None
    assert (mixed.mix.to.name, mixed.mix.share(0), mixed.mix.share(5)) == ("other", Fraction(1, 12), Fraction(11, 12))
    assert mixed.alone.names == ("actor",)
    assert (layered.source is not None, layered.below is not None) == (True, True)
    assert layered.below is not None
    assert layered.below.mix is not None
    part = whole.trim(Span(3, 60)).shots[0]
    assert part.uncut is not None
    assert part.uncut.record == Span(0, 19)
    assert part.whole == part.uncut
    slow, held, gap = whole.shots[5], whole.shots[6], whole.shots[-3]
    assert slow.time is not None
    assert slow.time.step == Fraction(1, 2)
    assert (held.held_rate, held.row_rate, gap.whole == gap, gap.uncut) == (25, 25, True, None)
    fading = whole.shots[-2]
    assert (fading.source, fading.mix is not None and fading.mix.to is not None) == (None, True)
