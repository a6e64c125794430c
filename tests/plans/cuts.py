"""One cut with everything that the tree of a plan can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conformance.scenes import Stage, clip, dissolve, gap, speed, stack, track
from tests.conformance.test_drivers import act, edited
from tests.rendering.scenes import still_face, write_clip

SETTINGS: dict[str, Any] = {"edit_overrides": {"fade_frames": 2, "consent": "signed"}}


def fill(folder: Path) -> Stage:
    """Sources of a face that rests, a driver whose face says which frame it is, and a clip that leaves bars free."""
    stage = Stage(folder)
    write_clip(folder / "actor.mkv", still_face, 60)
    write_clip(folder / "other.mkv", lambda frame: [], 60)
    write_clip(folder / "driver.mkv", act, 60)
    stage.media("small.mkv", lane=3, num_frames=20, size_px=(168, 192))
    return stage


def tracks() -> list[Any]:
    """A dissolve of edits, a retimed edit, a freeze that is driven, a reversed nest, a fade, and a clip over them."""
    nested = stack(track(clip("actor.mkv", 0, 8), dissolve(2, 2), clip("other.mkv", 30, 8)), effects=(speed(-1),))
    lower = track(
        edited(4, 16, at=5),
        dissolve(3, 3),
        clip("other.mkv", 10, 14),
        edited(10, 10, speed(0.5), id="e2"),
        clip("actor.mkv", 20, 10, speed(0)),
        nested,
        gap(3),
        dissolve(0, 2),
        clip("other.mkv", 5, 8),
    )
    drivers = track(gap(40), clip("driver.mkv", 5, 10), name="DPE")
    upper = track(gap(17), clip("small.mkv", 2, 8), gap(28), clip("small.mkv", 4, 6), name="V2")
    return [lower, drivers, upper]
