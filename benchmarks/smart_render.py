"""A long 1080p timeline with one edited shot of ten seconds, the rest copied, against encoding all of it.

    PYTHONPATH=. python benchmarks/smart_render.py [MINUTES]

Makes its own media. Three renders, each in a process of its own: one minute with copies, all minutes with
copies, all minutes encoded. Prints wall times and peak memory. The edit is the toolkit's real path without its
networks: a detector that knows where the face is and a generator that paints a patch, so that analysis weighs
nothing and what is measured is reading, writing and copying.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

SIZE = (1920, 1080)
RATE = 25
EDITED_S = 10
KEY_S = 1


def make_media(path: Path, seconds: int) -> None:
    """H.264 with a key frame a second, moving enough to be no still."""
    import av
    import numpy as np

    width, height = SIZE
    yy, xx = np.mgrid[:height, :width]
    texture = ((xx // 8 + yy // 8) % 7 * 12 + 60).astype(np.uint8)
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "crf": "23", "g": str(RATE * KEY_S), "bf": "0"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * RATE):
            frame = av.VideoFrame(width, height, "yuv420p")
            luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(height, -1)
            luma[:, :width] = np.roll(texture, number * 2, axis=1)
            luma[400:464, 800:864] = 235
            for plane in frame.planes[1:]:
                np.frombuffer(memoryview(plane), np.uint8)[:] = 128
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def render_once(folder: Path, minutes: float, smart: bool) -> dict[str, float]:
    """One render; returns seconds of wall time, peak MiB and frames copied."""
    import resource

    from dpe_toolkit.core.framemap import FrameMap
    from dpe_toolkit.media import OutputSettings, media_plan
    from dpe_toolkit.plans.model import RenderPlan
    from dpe_toolkit.plans.shot import ShotPlan
    from dpe_toolkit.plans.take import Take
    from dpe_toolkit.rendering import render_plan
    from tests.analysis.fakes import Registry
    from tests.rendering.scenes import edit

    source = media_plan(folder / "source.mp4")
    shots: list[ShotPlan] = []
    frames, at = round(minutes * 60 * RATE), 0
    longest = source.num_frames
    while at < frames:
        length = min(longest, frames - at)
        edited = edit(source) if at == 0 else None
        if edited is not None:
            length = EDITED_S * RATE
        name, line = f"shot {len(shots)}", FrameMap(start=Fraction(0))
        take = Take(id=name, name=name, source=source, num_frames=length, time=line, edit=edited)
        shots.append(ShotPlan.of(take, at))
        at += length
    plan = RenderPlan(
        toolkit_version="0", timeline="long", rate=Fraction(RATE), width=SIZE[0], height=SIZE[1], shots=tuple(shots)
    )
    begun_s = time.perf_counter()
    report = render_plan(
        plan,
        folder / "out.mp4",
        registry=Registry(),
        device="cpu",
        settings=OutputSettings(pass_through=smart, preset="ultrafast", crf=23),
        cache_dir=folder / "cache",
    )
    return {
        "wall_s": time.perf_counter() - begun_s,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "frames": plan.num_frames,
        "copied": report.num_passed,
    }


def measured(folder: Path, minutes: float, smart: bool) -> dict[str, float]:
    """`render_once` in a process of its own, after a warm-up of analyses kept in its cache."""
    words = [sys.executable, __file__, "--one", str(folder), str(minutes), str(int(smart))]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    how = "copied" if smart else "encoded"
    print(
        f"{minutes:g} min, {how}: {found['wall_s']:.1f} s, {found['peak_mib']:.0f} MiB, "
        f"{found['copied']:.0f} of {found['frames']:.0f} frames copied",
        flush=True,
    )
    return found


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        folder, minutes, smart = sys.argv[2:5]
        print(json.dumps(render_once(Path(folder), float(minutes), smart == "1")))
        return
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_media(folder / "source.mp4", 60)
        short = measured(folder, 1, True)
        long = measured(folder, minutes, True)
        encoded = measured(folder, minutes, False)
    print(f"speed: {encoded['wall_s'] / long['wall_s']:.1f} times that of encoding")
    print(f"memory: {100 * long['peak_mib'] / short['peak_mib'] - 100:+.1f} % of a minute's")


if __name__ == "__main__":
    main()
