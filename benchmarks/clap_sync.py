"""Ten minutes of claps at 30000/1001 through cuts, speeds and dissolves: how far clicks lie from their flashes.

    python benchmarks/clap_sync.py [MINUTES]

Prints the largest distance in samples, and what memory the render took.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from dpe_toolkit.core.framemap import FrameMap
from dpe_toolkit.media import media_plan
from dpe_toolkit.plans.images import Dissolve
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.plans.shot import ShotPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.plugins import Registry
from dpe_toolkit.rendering import render_plan
from dpe_toolkit.testing.claps import CLAP_RATE_HZ, click_samples, flash_frames, write_claps

RATE = Fraction(30000, 1001)
EVERY = 84
ROUND = 900
"""Frames after which the pattern of shots begins again."""


def shots(media: MediaPlan, num_frames: int) -> list[ShotPlan]:
    """Rounds of a plain shot, one at double and one at half speed, and a dissolve."""
    found: list[ShotPlan] = []

    def shot(num: int, start: int, step: Fraction = Fraction(1)) -> ShotPlan:
        line = FrameMap(start=Fraction(start), step=step)
        name = f"{start} for {num}"
        take = Take(id=name, name=name, source=media, num_frames=num, time=line)
        return ShotPlan.of(take, found[-1].record.stop if found else 0)

    for start in range(0, num_frames, ROUND):
        found.append(shot(300, start))
        found.append(shot(180, start + 300, Fraction(2)))
        found.append(shot(200, start + 660, Fraction(1, 2)))
        one, other = shot(40, start + 760), shot(40, start + 40)
        mixed = Dissolve(first=one.image, second=other.image, start=Fraction(1, 80), step=Fraction(1, 40))
        found.append(one.showing(mixed))
        found.append(shot(180, start + 80))
    return found


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    num_frames = round(minutes * 60 * RATE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = media_plan(write_claps(folder / "claps.mov", num_frames + ROUND, rate=RATE, every=EVERY))
        plan = RenderPlan(
            toolkit_version="0", timeline="claps", rate=RATE, width=64, height=32, shots=tuple(shots(media, num_frames))
        )
        begun_s = time.perf_counter()
        registry = Registry.of({}, version="0")
        render_plan(plan, folder / "out.mov", registry=registry, device="cpu", cache_dir=folder / "cache")
        rendered_s = time.perf_counter() - begun_s
        flashes = flash_frames(folder / "out.mov")
        clicks = click_samples(folder / "out.mov", round(plan.num_frames / RATE * CLAP_RATE_HZ))
    exact = [frame / RATE * CLAP_RATE_HZ for frame in flashes]
    worst = max(min(abs(click - at) for click in clicks) for at in exact)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{plan.num_frames} frames, {len(plan.shots)} shots, {len(flashes)} flashes, {len(clicks)} clicks")
    print(f"largest distance of a flash from its click: {float(worst):.3f} samples of 1/{CLAP_RATE_HZ} s")
    print(f"rendered in {rendered_s:.0f} s, peak memory {peak_mib:.0f} MiB")


if __name__ == "__main__":
    main()
