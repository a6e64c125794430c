"""How often a render goes to its device and back, counted on the pretended accelerator, against another checkout.

    python benchmarks/transfers.py [SOURCE DRIVER] [--vs OLD_CHECKOUT]
    python benchmarks/transfers.py [SOURCE DRIVER] --device cuda

SOURCE is edited by DRIVER with the default method; without clips a second of the demonstration's photograph is both.
Counted is what the core moves; what plugins move for themselves stands below it. One *up* or *down* is one transfer of
a tensor, *reads* are numbers that Python waits for. A window goes up with its landmarks in one transfer, and the
default method looks at two windows, the source's and the driver's. The difference comes down weighed by its matte, as
code values of all planes, in one transfer. Spans are of eight frames at most: a frame has an eighth of a transfer.

On ``--device cuda`` nobody can tell who asked: copies are counted by PyTorch's profiler, the plugins' among them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import av
import numpy as np

HERE = Path(__file__).parents[1]
WAYS = ("up", "down", "read")


def second_of_portrait(path: Path) -> Path:
    """The photograph, filmed with a slow push-in, 24 frames of 320x240."""
    from skimage import data

    from dpe_toolkit.media import OutputSettings, VideoWriter
    from dpe_toolkit.testing import LAYOUTS, REC709, batch_from_rgb
    from dpe_toolkit.testing.demo import push_in

    views = np.stack([push_in(data.astronaut(), 60 + frame)[40:280, 140:460] for frame in range(24)])
    batch, layout = batch_from_rgb(views), LAYOUTS["yuv420p"]
    with VideoWriter(
        path, OutputSettings(), width=320, height=240, rate=batch.rate, layout=layout, color=REC709
    ) as writer:
        writer.write(batch)
    return path


def edit(source: Path, driver: Path, folder: Path, device: str) -> int:
    """Edits as the command line does, which older checkouts share, and gives the number of frames."""
    from dpe_toolkit.cli import app

    out = folder / "out.mp4"
    words = [source, driver, "-o", out, "--consent", "benchmark", "--cache-dir", folder / "cache", "--device", device]
    app(["edit", *map(str, words), "-q"], standalone_mode=False)
    with av.open(str(out)) as container:
        return container.streams.video[0].frames


def count_pretended(source: Path, driver: Path, folder: Path) -> dict[str, float]:
    """Transfers a frame on the pretended accelerator, of the core and of plugins."""
    from dpe_toolkit.testing import pretend_accelerator

    # By its path: another checkout has no such module, and all that it needs of one is the pretended device.
    spec = importlib.util.spec_from_file_location("transfers", HERE / "dpe_toolkit" / "testing" / "transfers.py")
    assert spec is not None
    assert spec.loader is not None
    counting = importlib.util.module_from_spec(spec)
    sys.modules["transfers"] = counting
    spec.loader.exec_module(counting)
    with pretend_accelerator(), counting.counted_transfers() as seen:
        frames = edit(source, driver, folder, "auto")
    counts: Counter[str] = Counter()
    for one in seen:
        counts[f"{'plugins' if one.is_plugins else 'core'} {one.way}"] += 1
    return {f"{owner} {way}": counts[f"{owner} {way}"] / frames for owner in ("core", "plugins") for way in WAYS}


def count_cuda(source: Path, driver: Path, folder: Path) -> dict[str, float]:
    """Copies a frame between the CPU and a CUDA device, whoever asked for them."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        frames = edit(source, driver, folder, "cuda")
    names = Counter(event.name for event in seen.events())
    ways = {"up": "HtoD", "down": "DtoH"}
    return {way: sum(n for name, n in names.items() if mark in name) / frames for way, mark in ways.items()}


def count_apart(source: Path, driver: Path, device: str, root: Path) -> dict[str, float]:
    """The counts of a checkout, in a process of its own."""
    paths = [root, *sorted(path for path in (root / "plugins").iterdir() if path.is_dir())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, str(source), str(driver), "--device", device, "--inside", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    counts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return counts


def measure(source: Path, driver: Path, device: str, old: Path | None) -> None:
    """Prints the counts, beside those of another checkout where there is one."""
    now = count_apart(source, driver, device, HERE)
    before = None if old is None else count_apart(source, driver, device, old)
    print("| transfers a frame | here |" + ("" if before is None else " before | ratio |"))
    print("|---|---|" + ("" if before is None else "---|---|"))
    for name, value in now.items():
        compared = ""
        if before is not None:
            ratio = f"{value / before[name]:.2f}" if before[name] else "-"
            compared = f" {before[name]:.2f} | {ratio} |"
        print(f"| {name} | {value:.2f} |{compared}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("driver", type=Path, nargs="?")
    parser.add_argument("--device", choices=("pretended", "cuda"), default="pretended")
    parser.add_argument("--vs", type=Path, help="another checkout")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside is not None:
        count = count_cuda if asked.device == "cuda" else count_pretended
        print(json.dumps(count(asked.source, asked.driver, asked.inside)))
    elif asked.source is None:
        with tempfile.TemporaryDirectory() as folder:
            clip = second_of_portrait(Path(folder) / "portrait.mp4")
            measure(clip, clip, asked.device, asked.vs)
    elif asked.driver is None:
        parser.error("a source needs a driver")
    else:
        measure(asked.source, asked.driver, asked.device, asked.vs)


if __name__ == "__main__":
    main()
