"""How fast a whole edit renders, and whether memory grows with the length of the clip.

    python benchmarks/render_speed.py [SOURCE DRIVER] [--times 1 5] [--rounds 3]

SOURCE is edited by DRIVER into H.264, each time in a process and with a cache of its own, so that the
analysis of both is part of the time. Without clips a portrait photograph that scikit-image ships,
filmed with a slow push-in, is both. ``--times 5`` renders SOURCE five times in a row as one clip, under a
driver that loops. The table's first rate counts analysis and render, the second also the start of the
program and the plan; the fastest round is shown, with the largest memory of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

_BATCH = 8
_PORTRAIT_PX = (1280, 720)


@dataclass(frozen=True)
class Measured:
    """One render. Seconds are wall time except for ``cpu_s``."""

    num_frames: int
    analysis_s: float
    render_s: float
    cpu_s: float
    peak_mib: float
    whole_s: float = 0.0


def render_once(source: Path, driver: Path, folder: Path) -> Measured:
    """Renders in this process, into ``folder``."""
    from dpe_toolkit.editing.settings import EditSettings
    from dpe_toolkit.media import media_plan
    from dpe_toolkit.planning import build_plan
    from dpe_toolkit.plugins import load_registry
    from dpe_toolkit.rendering import render_plan
    from dpe_toolkit.timeline import Performance, write_edit_timeline

    played = Performance(driver=media_plan(driver), settings=EditSettings(consent="benchmark", when_short="loop"))
    timeline = write_edit_timeline(folder / "edit.otio", source=media_plan(source), performance=played)
    registry = load_registry()
    plan = build_plan(timeline, registry=registry)
    report = render_plan(plan, folder / "out.mp4", registry=registry, cache_dir=folder / "cache")
    times = os.times()
    cpu_s = times.user + times.system
    return Measured(report.num_frames, report.analysis_s, report.render_s, cpu_s, _peak_mib())


def _peak_mib() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: its peak includes that of the process which started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 2**20 if sys.platform == "darwin" else largest / 1024


def render_apart(source: Path, driver: Path) -> Measured:
    """Renders in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        begun_s = time.perf_counter()
        command = [sys.executable, __file__, str(source), str(driver), "--inside", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        whole_s = time.perf_counter() - begun_s
    return Measured(**{**json.loads(done.stdout.splitlines()[-1]), "whole_s": whole_s})


@contextmanager
def repeated(source: Path, times: int) -> Iterator[Path]:
    """A clip that shows ``source`` so many times, sound included."""
    if times == 1:
        yield source
        return
    from dpe_toolkit.core.timing import Span
    from dpe_toolkit.media import AudioMix, AudioPart, OutputSettings, VideoReader, VideoWriter

    with tempfile.TemporaryDirectory() as folder, VideoReader(source) as reader:
        info = reader.info
        long = Path(folder) / f"{source.stem}-{times}.mp4"
        length_s = info.num_frames / info.rate
        parts = [AudioPart(source, 0, number * length_s, length_s, Fraction(0)) for number in range(times)]
        sound = [AudioMix(tuple(parts), times * length_s)] if info.audio_streams else []
        with VideoWriter(
            long,
            OutputSettings(),
            width=info.width,
            height=info.height,
            rate=info.rate,
            layout=info.layout,
            color=info.color,
            audio=sound,
        ) as writer:
            for _ in range(times):
                for batch in reader.iterate(Span(0, info.num_frames), _BATCH):
                    writer.write(batch)
        yield long


@contextmanager
def portrait() -> Iterator[Path]:
    """The photograph, filmed at `_PORTRAIT_PX`."""
    import cv2
    from skimage import data

    from dpe_toolkit.media import OutputSettings, VideoWriter
    from dpe_toolkit.testing.demo import NUM_FRAMES, RATE, push_in
    from dpe_toolkit.testing.pictures import LAYOUTS, REC709, batch_from_rgb

    width, height = _PORTRAIT_PX
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "portrait.mp4"
        with VideoWriter(
            path, OutputSettings(), width=width, height=height, rate=RATE, layout=LAYOUTS["yuv420p"], color=REC709
        ) as writer:
            for frame in range(NUM_FRAMES):
                view = push_in(data.astronaut(), frame)
                crop = (view.shape[0] - view.shape[1] * height // width) // 2
                shown = cv2.resize(view[crop : view.shape[0] - crop], _PORTRAIT_PX, interpolation=cv2.INTER_CUBIC)
                writer.write(batch_from_rgb(shown[None], rate=RATE, first_index=frame))
        yield path


def print_table(rows: list[tuple[str, list[Measured]]]) -> None:
    """The fastest round of each clip, as a markdown table."""
    print("| clip | frames | frames/s | with start | analysis s | render s | whole s | CPU s | peak MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, rounds in rows:
        best = min(rounds, key=lambda one: one.whole_s)
        rate = best.num_frames / (best.analysis_s + best.render_s)
        peak = max(one.peak_mib for one in rounds)
        print(
            f"| {name} | {best.num_frames} | {rate:.1f} | {best.num_frames / best.whole_s:.1f} | "
            f"{best.analysis_s:.1f} | {best.render_s:.1f} | {best.whole_s:.1f} | {best.cpu_s:.1f} | {peak:.0f} |"
        )


def measure(source: Path, driver: Path, times: list[int], rounds: int) -> None:
    """Renders every length and prints the table."""
    rows: list[tuple[str, list[Measured]]] = []
    for count in times:
        with repeated(source, count) as clip:
            name = source.stem + (f" x {count}" if count > 1 else "")
            rows.append((name, [render_apart(clip, driver) for _ in range(rounds)]))
    print_table(rows)
    if hasattr(os, "getloadavg"):
        print(f"\n{os.cpu_count()} cores, load of the last minute {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Measures whole renders.")
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("driver", type=Path, nargs="?")
    parser.add_argument("--times", type=int, nargs="+", default=[1], help="how often the clip is repeated")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside is not None:
        print(json.dumps(asdict(render_once(asked.source, asked.driver, asked.inside))))
    elif asked.source is None:
        with portrait() as clip:
            measure(clip, clip, asked.times, asked.rounds)
    elif asked.driver is None:
        parser.error("a source needs a driver")
    else:
        measure(asked.source, asked.driver, asked.times, asked.rounds)


if __name__ == "__main__":
    main()
