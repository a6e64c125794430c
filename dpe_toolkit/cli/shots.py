"""Shots of a plan in words."""

from __future__ import annotations

from collections.abc import Iterator

from dpe_toolkit.plans.model import ShotPlan

__all__ = ["edit_words", "edited_shots", "picture_words"]


def picture_words(shot: ShotPlan, *, bottom: bool = True) -> str:
    """What a shot shows: its media and speed, what it dissolves into, and what lies below."""
    own = picture_words(shot.inner, bottom=False) if shot.inner is not None else _media_words(shot, bottom)
    if shot.mix is not None:
        if shot.mix.to is None:
            own = f"{own} fading out"
        elif shot.inner is None and shot.source is None:
            own = f"{picture_words(shot.mix.to, bottom=False)} fading in"
        else:
            own = f"{own} dissolving into {picture_words(shot.mix.to, bottom=False)}"
    if shot.below is not None:
        own = f"{own}, over {picture_words(shot.below)}"
    return own


def _media_words(shot: ShotPlan, bottom: bool) -> str:
    if shot.source is None:
        return "black" if bottom else "nothing"
    name, line = shot.source.path.name, shot.frame_map
    if shot.source.num_frames == 1:
        return f"{name}, a still"
    words = f"{name} from {shot.source_start}"
    if line.step == 0:
        return f"{name}, frame {shot.source_start} held"
    if line.step == 1:
        return words
    if line.step == -1:
        return f"{words} backwards"
    # Of another rate without another speed, one output frame passes as much time as that many media frames.
    return f"{words}, {float(abs(line.step)):.4g} frames a frame{' backwards' if line.step < 0 else ''}"


def edited_shots(shot: ShotPlan) -> Iterator[ShotPlan]:
    """The shots of a tree that are edited."""
    return (leaf for leaf in shot.leaves() if leaf.edit is not None)


def edit_words(shot: ShotPlan) -> tuple[str, str]:
    """Driver and amounts of an edited shot."""
    edit = shot.edit
    if edit is None:
        return "", "passed through"
    pose = f", pose {edit.pose:g}" if edit.pose else ""
    keyed = f", {', '.join(edit.keys)} keyed" if edit.keys else ""
    mattes = f", {len(edit.mattes)} matte{'s' if len(edit.mattes) > 1 else ''}" if edit.mattes else ""
    driver = f"{edit.driver.path.name} from {float(edit.driver_start_s):.2f}s"
    if edit.retime not in (0, 1):
        driver += f" at {float(edit.retime):.4g}"
    return driver, f"{edit.mode} {edit.expression:g}{pose}{keyed}{mattes}"
