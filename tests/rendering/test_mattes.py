"""Keys and mattes in rendered pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import media_plan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.rendering.mattes import feathered, polygon_matte
from tests.analysis.fakes import Registry, Square
from tests.rendering.scenes import SOURCE_MOOD, edit, frames_of, plan, shot, still_face, write_clip
from tests.rendering.test_session import edits, moods, render

DRIVER_MOOD = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mattes")
    write_clip(made / "source.mkv", still_face)
    write_clip(made / "driver.mkv", lambda frame: [Square(40, 24, mood=DRIVER_MOOD)])
    write_clip(made / "matte.mkv", lambda frame: [Square(30 + frame, 20, mood=235)])
    return made


@pytest.fixture
def work(folder: Path, tmp_path: Path) -> Path:
    for name in ("source.mkv", "driver.mkv", "matte.mkv"):
        (tmp_path / name).symlink_to(folder / name)
    return tmp_path


def asked(work: Path, num_frames: int = 20, **changes: object) -> RenderPlan:
    source, driver = media_plan(work / "source.mkv"), media_plan(work / "driver.mkv")
    return plan(shot(source, num_frames, edit=edit(driver, **changes)))


def keys(*values: tuple[int, float], interpolation: str = "linear") -> list[dict[str, object]]:
    return [{"row": str(row), "value": value, "interpolation": interpolation} for row, value in values]


def polygon(*points: tuple[float, float], row: int = 0) -> dict[str, object]:
    return {"row": str(row), "points": points}


def changed(work: Path) -> FrameBatch:
    before, after = frames_of(work / "source.mkv"), frames_of(work / "out.mkv")
    part = before.take(slice(0, len(after)))
    return part.with_planes(tuple(one != other for one, other in zip(part.planes, after.planes, strict=True)))  # type: ignore[misc] # masks


def test_a_keyed_strength_grows_as_its_keys_say_and_nothing_is_touched_where_it_is_zero(work: Path) -> None:
    render(asked(work, keys={"expression": keys((5, 0), (15, 1))}), work)
    after = moods(frames_of(work / "out.mkv"))
    for row, mood in enumerate(after):
        share = min(max((row - 5) / 10, 0), 1)
        assert abs(mood - (SOURCE_MOOD + (DRIVER_MOOD - SOURCE_MOOD) * share)) <= 1
    assert edits(work)["shots"][0]["edited_output_frames"] == [[6, 20]]  # type: ignore[index] # a list


def test_keys_follow_the_media_backwards(work: Path) -> None:
    what = asked(work, keys={"expression": keys((5, 0), (15, 1), interpolation="hold")})
    line = FrameMap(start=Fraction(20), step=Fraction(-1))
    (forwards,) = what.takes
    render(plan(ShotPlan.of(forwards.model_copy(update={"time": line}))), work)
    after = moods(frames_of(work / "out.mkv"))
    assert after == [DRIVER_MOOD] * 5 + [SOURCE_MOOD] * 15


def test_keyed_regions_reach_the_motion_extractor(work: Path) -> None:
    registry = Registry()
    render(asked(work, keys={"mouth": keys((0, 0), (10, 1))}), work, registry)
    (material,) = registry.parts["generator"].shots  # type: ignore[attr-defined] # a fake
    np.testing.assert_allclose(
        material.request.region_rows["mouth"].numpy(), np.clip(np.arange(20) / 10, 0, 1), atol=1e-6
    )


def test_outside_of_a_matte_code_values_stay_bit_for_bit(work: Path) -> None:
    left = [polygon((0, 0), (38 / 96, 0), (38 / 96, 1), (0, 1))]
    render(asked(work, mattes=[{"polygons": left, "feather_px": 0}]), work)
    mask = changed(work)
    assert mask.planes[0][:, 26:30, 36:38].all()
    assert not mask.planes[0][:, :, 38:].any()
    assert not any(plane[:, :, 19:].any() for plane in mask.planes[1:])


def test_an_inverted_matte_lets_the_rest_change(work: Path) -> None:
    left = [polygon((0, 0), (38 / 96, 0), (38 / 96, 1), (0, 1))]
    render(asked(work, mattes=[{"polygons": left, "feather_px": 0, "invert": True}]), work)
    mask = changed(work)
    assert mask.planes[0][:, 26:30, 38:40].all()
    assert not mask.planes[0][:, :, :38].any()


def test_a_moving_matte_uncovers_row_by_row(work: Path) -> None:
    wipe = [polygon((0, 0), (0.0001, 0), (0.0001, 1), (0, 1)), polygon((0, 0), (1, 0), (1, 1), (0, 1), row=96)]
    render(asked(work, num_frames=40, mattes=[{"polygons": wipe, "feather_px": 0}]), work)
    mask = changed(work).planes[0]
    for row in range(40):
        assert mask[row, 28, 36:40].tolist() == [x + 0.5 < row for x in range(36, 40)]


def test_a_film_is_a_matte_by_its_luma_frame_by_frame(work: Path) -> None:
    film = media_plan(work / "matte.mkv")
    render(asked(work, mattes=[{"media": film, "start": "5", "step": "1/2", "feather_px": 0}]), work)
    before, after = frames_of(work / "source.mkv"), frames_of(work / "out.mkv")
    matte = frames_of(work / "matte.mkv").planes[0].astype(np.float64) / 255
    for row in range(20):
        frame = int(5 + row / 2)
        own = before.planes[0][row, 26:30, 36:40].astype(float)
        expected = own + (DRIVER_MOOD - own) * matte[frame, 26:30, 36:40]
        np.testing.assert_allclose(after.planes[0][row, 26:30, 36:40], expected, atol=1)


def test_mattes_take_their_shares_one_after_the_other(work: Path) -> None:
    top = [polygon((0, 0), (1, 0), (1, 28 / 64), (0, 28 / 64))]
    left = [polygon((0, 0), (38 / 96, 0), (38 / 96, 1), (0, 1))]
    render(asked(work, mattes=[{"polygons": top, "feather_px": 0}, {"polygons": left, "feather_px": 0}]), work)
    mask = changed(work).planes[0]
    assert mask[:, 26:28, 36:38].all()
    assert mask.sum() == 20 * 4


def test_a_part_with_a_matte_is_as_in_the_whole(work: Path) -> None:
    wipe = [polygon((0, 0), (0.2, 0), (0.2, 1), (0, 1)), polygon((0, 0), (1, 0), (1, 1), (0, 1), row=30)]
    whole = asked(work, mattes=[{"polygons": wipe, "feather_px": 5}], keys={"expression": keys((0, 0), (19, 1))})
    render(whole, work)
    render(whole.trim(Span(7, 15)), work, name="part.mkv")
    full, part = frames_of(work / "out.mkv"), frames_of(work / "part.mkv")
    for plane, other in zip(full.planes, part.planes, strict=True):
        np.testing.assert_array_equal(plane[7:15], other)


shares = st.floats(-0.2, 1.2).map(lambda value: round(value, 2))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(shares, shares), min_size=3, max_size=6), st.floats(0, 12))
def test_a_feather_lies_inside_and_never_raises(points: list[tuple[float, float]], feather: float) -> None:
    size = (40, 30)
    placed = [(x * 40, y * 30) for x, y in points]
    hard = polygon_matte(placed, size, feather_px=0, invert=False)
    soft = polygon_matte(placed, size, feather_px=feather, invert=False)
    assert set(np.unique(hard)) <= {0.0, 1.0}
    assert (soft <= hard).all()
    assert (soft >= 0).all()
    np.testing.assert_array_equal(hard, 1 - polygon_matte(placed, size, feather_px=0, invert=True))


def test_a_feather_of_no_width_changes_nothing() -> None:
    matte = np.random.default_rng(0).random((9, 9), np.float32)
    assert feathered(matte, 0) is matte
