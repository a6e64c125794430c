"""The driver's time under everything that a timeline can do to the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from tests.analysis.fakes import Square
from tests.conformance.scenes import Stage, clip, dissolve, speed, stretch, time, track
from tests.rendering.scenes import SOURCE_MOOD, still_face, write_clip

DRIVER_FRAMES = 60


def act(frame: int) -> list[Square]:
    return [Square(40, 24, mood=10 + 3 * frame)]


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Sources of a face that rests, and drivers whose face says which frame it is."""
    stage = Stage(tmp_path_factory.mktemp("cast"))
    write_clip(stage.folder / "actor.mkv", still_face, 60)
    write_clip(stage.folder / "other.mkv", lambda frame: [], 60)
    write_clip(stage.folder / "driver.mkv", act, DRIVER_FRAMES)
    write_clip(stage.folder / "fast.mkv", act, DRIVER_FRAMES, rate=50)
    return stage


def edited(start: float, length: float, *effects: Any, driver: str = "driver.mkv", at: float = 0, **fields: Any) -> Any:
    driving = {"media": otio.schema.ExternalReference(driver), "start": time(at), **fields.pop("driving", {})}
    metadata = {"id": "e1", "consent": "signed", "fade_frames": 0, "driving": driving, **fields}
    made = clip("actor.mkv", start, length, *effects)
    made.effects.append(otio.schema.Effect(effect_name="dpe.expression", metadata={"dpe": metadata}))
    return made


def over(start: float, length: float, *effects: Any, driver: str = "driver.mkv", rate: float = 25.0) -> Any:
    return track(clip(driver, start, length, *effects, rate=rate), name="DPE")


def moods(frames: FrameBatch) -> list[float]:
    return [float(value) for value in frames.planes[0][:, 28, 38]]


def driven(stage: Stage, *tracks: Any, **settings: Any) -> list[float]:
    """The driver frame, perhaps between two, that each output frame shows; -1 where the source is untouched."""
    asked = {"fade_frames": 0, "consent": "signed"} | settings
    plan = stage.plan(*tracks, edit_overrides=asked)
    found = moods(stage.render(plan))
    return [-1 if mood == SOURCE_MOOD else (mood - 10) / 3 for mood in found]


def close(found: list[float], expected: Any) -> None:
    np.testing.assert_allclose(found, [float(one) for one in expected], atol=0.21)


@pytest.mark.parametrize(
    ("scalar", "frames"),
    [
        (1, range(5, 15)),
        (2, range(5, 25, 2)),
        (0.5, np.repeat(range(5, 10), 2)),
        (-1, range(14, 4, -1)),
        (0, [5] * 10),
    ],
)
def test_a_driver_of_an_effect_follows_the_sources_time(cast: Stage, scalar: float, frames: Any) -> None:
    close(driven(cast, track(edited(20, 10, speed(scalar), at=5))), frames)


@pytest.mark.parametrize("scalar", [1, 2, -1, 0])
def test_a_driver_of_a_track_follows_the_outputs_time(cast: Stage, scalar: float) -> None:
    close(driven(cast, track(clip("actor.mkv", 20, 10, speed(scalar))), over(5, 10)), range(5, 15))


def test_a_driver_of_a_track_over_slow_motion_moves_with_the_sources_frames(cast: Stage) -> None:
    close(driven(cast, track(clip("actor.mkv", 20, 10, speed(0.5))), over(5, 10)), np.repeat(range(5, 15, 2), 2))


def test_a_retimed_driver_moves_at_its_own_speed(cast: Stage) -> None:
    close(driven(cast, track(edited(20, 10, at=5, driving={"retime": 0.5}))), [5 + n / 2 for n in range(10)])
    close(driven(cast, track(clip("actor.mkv", 20, 10)), over(5, 10, speed(2))), range(5, 25, 2))
    close(driven(cast, track(clip("actor.mkv", 20, 10)), over(5, 10, speed(-1))), range(15, 5, -1))


def test_a_driver_of_another_rate_follows_seconds(cast: Stage) -> None:
    close(driven(cast, track(edited(20, 10, driver="fast.mkv", at=2))), range(4, 24, 2))
    both = track(edited(20, 10, speed(2), driver="fast.mkv", at=2, driving={"retime": 0.5}))
    close(driven(cast, both), range(4, 24, 2))


@pytest.mark.parametrize(
    ("policy", "scalar", "frames"),
    [
        ("hold", 1, [*range(52, 60), *[59] * 4]),
        ("hold", -1, [*[59] * 4, *range(59, 51, -1)]),
        ("passthrough", 1, [*range(52, 60), *[-1] * 4]),
        ("passthrough", -1, [*[-1] * 4, *range(59, 51, -1)]),
        ("passthrough", 2, [*range(52, 60, 2), *[-1] * 8]),
        ("hold", 0.5, np.repeat(range(52, 58), 2)),
    ],
)
def test_a_driver_that_ends_does_what_the_shot_says_at_every_speed(
    cast: Stage, policy: str, scalar: float, frames: Any
) -> None:
    settings = {"when_short": policy}
    found = driven(cast, track(edited(20, 12, speed(scalar), at=52)), **settings)
    np.testing.assert_allclose(found, [float(one) for one in frames], atol=0.21)


def test_a_driver_that_loops_eases_into_its_start(cast: Stage) -> None:
    found = driven(cast, track(edited(5, 24, speed(2), at=40)), when_short="loop", fade_frames=1)
    # Rows run to 47, of which every other one is shown: 20 rows of the driver, then from its start again.
    close(found[:9], range(40, 58, 2))
    close(found[10:], range(0, 28, 2))


def test_an_edit_goes_on_through_the_handles_of_a_dissolve(cast: Stage) -> None:
    plan = cast.plan(
        track(edited(20, 10, at=5), dissolve(2, 2), clip("other.mkv", 10, 10)),
        edit_overrides={"fade_frames": 0, "consent": "signed"},
    )
    found = moods(cast.render(plan))
    wall = 40
    shares = [0] * 8 + [0.125, 0.375, 0.625, 0.875] + [1] * 8
    for row, share in enumerate(shares):
        assert abs(found[row] - ((10 + 3 * (5 + row)) * (1 - share) + wall * share)) <= 6 + (share > 0) * 5


def test_a_driver_track_that_ends_at_the_cut_drives_the_handle_too(cast: Stage) -> None:
    plan = cast.plan(track(clip("actor.mkv", 20, 10), dissolve(2, 2), clip("other.mkv", 10, 10)), over(5, 10))
    edits = [[leaf.edit is not None for leaf in shot.leaves()] for shot in plan.shots]
    assert edits == [[True], [True, False], [False]]
    assert plan.takes[0].num_frames == 12


def test_an_edit_below_a_nested_time_warp_follows_the_source(cast: Stage) -> None:
    nested = otio.schema.Stack("nested", source_range=stretch(0, 10))
    nested.append(track(edited(20, 20, at=5)))
    nested.effects.append(speed(2))
    close(driven(cast, track(nested)), range(5, 25, 2))


def test_a_still_is_driven_in_the_clips_time(cast: Stage) -> None:
    write_clip(cast.folder / "photo.mkv", still_face, 1)
    photo = edited(0, 10, at=5)
    photo.media_reference = otio.schema.ExternalReference("photo.mkv")
    close(driven(cast, track(photo, clip("actor.mkv", 0, 2)))[:10], range(5, 15))


def test_parts_of_a_retimed_edit_are_as_in_the_whole(cast: Stage) -> None:
    plan = cast.plan(track(edited(20, 16, speed(-1.5), at=3)), edit_overrides={"consent": "signed"})
    whole, part = cast.render(plan), cast.render(plan.trim(Span(5, 11)))
    for plane, other in zip(whole.planes, part.planes, strict=True):
        np.testing.assert_array_equal(plane[5:11], other)
