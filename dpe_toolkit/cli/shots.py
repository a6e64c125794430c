"""Shots of a plan in words."""

from __future__ import annotations

from collections.abc import Iterator

from dpe_toolkit.plans.images import Dissolve, Gap, Image, Over, Show
from dpe_toolkit.plans.shot import ShotPlan

__all__ = ["edit_words", "edited_shots", "picture_words"]


def picture_words(shot: ShotPlan) -> str:
    """What a shot shows: its media and speed, what it dissolves into, and what lies below."""
    return _image_words(shot.image, bottom=True)


def _image_words(image: Image[Show], *, bottom: bool) -> str:
    match image:
        case Gap():
            return "black" if bottom else "nothing"
        case Show():
            return _media_words(image)
        case Over(top=top, below=below):
            return f"{_image_words(top, bottom=bottom)}, over {_image_words(below, bottom=True)}"
        case Dissolve(first=first, second=Gap()):
            return f"{_image_words(first, bottom=False)} fading out"
        case Dissolve(first=Gap(), second=second):
            return f"{_image_words(second, bottom=False)} fading in"
        case Dissolve(first=first, second=second):
            return f"{_image_words(first, bottom=False)} dissolving into {_image_words(second, bottom=False)}"


def _media_words(show: Show) -> str:
    media, line = show.take.source, show.take.time
    name, first = media.path.name, line.frame(show.start)
    if media.num_frames == 1:
        return f"{name}, a still"
    words = f"{name} from {first}"
    if line.step == 0:
        return f"{name}, frame {first} held"
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
