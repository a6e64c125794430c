"""Picture and sound held together by flashes and clicks, through cuts, speeds and dissolves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.media import media_plan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan, ShotPlan
from dpe_toolkit.rendering import render_plan
from dpe_toolkit.testing.claps import CLAP_RATE_HZ, click_samples, flash_frames, write_claps
from tests.analysis.fakes import Registry
from tests.rendering.scenes import dissolved, plan, shot

RATE = Fraction(30000, 1001)
EVERY = 12


@pytest.fixture(scope="module")
def claps(tmp_path_factory: pytest.TempPathFactory) -> MediaPlan:
    return media_plan(write_claps(tmp_path_factory.mktemp("claps") / "claps.mov", 180, rate=RATE, every=EVERY))


def rendered(folder: Path, *shots: ShotPlan) -> tuple[list[int], list[int]]:
    """Frames of the flashes and samples of the clicks."""
    what: RenderPlan = plan(*shots, rate=RATE, width=64, height=32)
    output = folder / "out.mov"
    render_plan(what, output, registry=Registry(), device="cpu", cache_dir=folder / "cache")
    return flash_frames(output), click_samples(output, round(what.num_frames / RATE * CLAP_RATE_HZ))


def retimed(media: MediaPlan, start: int, num_frames: int, step: Fraction) -> ShotPlan:
    line = FrameMap(start=Fraction(start), step=step)
    return shot(media, num_frames, time=line)


def in_sync(flashes: list[int], clicks: list[int]) -> bool:
    """Each flash has a click within one sample of the begin of its frame."""
    wanted = [frame / RATE * CLAP_RATE_HZ for frame in flashes]
    return len(wanted) == len(clicks) and all(
        abs(click - exact) <= 1 for exact, click in zip(wanted, clicks, strict=True)
    )


def test_cuts_and_speeds_keep_claps_in_sync(claps: MediaPlan, tmp_path: Path) -> None:
    flashes, clicks = rendered(
        tmp_path,
        shot(claps, 31, source_start=5),
        retimed(claps, 60, 30, Fraction(2)),
        retimed(claps, 36, 50, Fraction(1, 2)),
        shot(None, 7),
        retimed(claps, 48, 30, Fraction(4, 3)),
    )
    assert len(flashes) == 2 + 5 + 3 + 4
    assert in_sync(flashes, clicks)


def test_a_dissolve_keeps_claps_in_sync(claps: MediaPlan, tmp_path: Path) -> None:
    one, other = shot(claps, 20, source_start=40), shot(claps, 20, source_start=100)
    mixed = dissolved(one, other, Fraction(1, 40), Fraction(1, 20))
    flashes, clicks = rendered(tmp_path, shot(claps, 40), mixed, shot(claps, 30, source_start=120))
    # In the dissolve both sides clap: at 48 of one, at 108 of the other; only white above half is a flash.
    expected = [0, 12, 24, 36, 48, 48, 60, 72, 84]
    assert [frame for frame in flashes if frame in expected] == flashes
    wanted = sorted({round(frame / RATE * CLAP_RATE_HZ) for frame in expected})
    assert len(clicks) == len(wanted)
    assert all(abs(click - exact) <= 1 for click, exact in zip(clicks, wanted, strict=True))


def test_backwards_claps_end_where_their_frames_end(claps: MediaPlan, tmp_path: Path) -> None:
    flashes, clicks = rendered(tmp_path, retimed(claps, 59, 40, Fraction(-1)))
    # Played backwards the begin of a frame comes at its end: one frame after it appears.
    assert flashes == [59 - 48 - 1, 59 - 36 - 1, 59 - 24 - 1]
    assert in_sync([frame + 1 for frame in flashes], clicks)
