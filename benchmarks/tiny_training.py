"""Preset `tiny` from nothing to a report, and what it is without two of its terms.

    python benchmarks/tiny_training.py FOLDER [--ablations] [--set NAME=VALUE]...

Renders the synthetic set, trains, and evaluates on people left out against the untrained network, each by the commands
that docs/training.md names, and prints the wall time of each. With --ablations the same run is made twice more, without
self-reconstructions and without the expression loss, and all stand in one report. A run that was stopped goes on where
it was. --set is given to every training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

SET = ("--repertoire", "strong", "--reach", "0.6", "--face-size", "0.8")
WITHOUT = {
    "no self-reconstructions": ("reconstruction.own=0", "parts.own=0"),
    "no expression loss": ("expression.weight=0",),
}
"""Row of the report to what its run changes."""


def run(what: str, *words: str) -> None:
    """A command of the program, and how long it took."""
    begun_s = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", "dpe_toolkit", *words], check=False).returncode
    if code:
        raise SystemExit(code)
    print(f"{what}: {(time.perf_counter() - begun_s) / 60:.1f} min", flush=True)


def train(folder: Path, data: Path, name: str, values: tuple[str, ...]) -> Path:
    """The weights of a run, made where they are not there yet."""
    weights = folder / name.replace(" ", "_") / "weights.safetensors"
    if not weights.is_file():
        settings = [word for value in values for word in ("--set", value)]
        where = ("--config", "tiny", "--data", str(data), "-o", str(weights.parent))
        run(f"train {name}", "train", *where, "--resume", *settings)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ablations", action="store_true")
    parser.add_argument("--set", action="append", default=[], dest="values", metavar="NAME=VALUE")
    asked = parser.parse_args()
    data, values = asked.folder / "set", tuple(asked.values)
    run("set", "dataset", "synth", "-o", str(data), *SET)
    weights = train(asked.folder, data, "tiny", values)
    compared = []
    for name, changed in WITHOUT.items() if asked.ablations else ():
        compared += ["--compare", f"{name}={train(asked.folder, data, name, (*values, *changed))}"]
    judged = ("--data", str(data), "--weights", str(weights), "--baseline", "untrained", *compared)
    run("report", "evaluate", "synthetic", *judged, "-o", str(asked.folder / "report"))


if __name__ == "__main__":
    main()
