"""How long one training step takes and what it is spent on, for any preset.

    python benchmarks/train_step.py [--preset paper] [--batch 2] [--steps 3] [--threads 2] [--device cpu]
        [--set compute.precision=bf16-mixed ...]

Pictures are noise and weights are random: speed depends on neither. VGG-19 is one with random weights where its
own are not installed, and a regressor that is not installed is left out; both are said. A GPU takes the preset's
batch, a CPU a batch of 2 unless told otherwise. Times are medians over the steps after the first.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

sys.path[:0] = [str(Path(__file__).parent.parent)]

from dpe_research.training import (  # noqa: E402
    Judges,
    Objective,
    PairBatch,
    Players,
    TrainingConfig,
    accumulate_gradients,
    load_config,
    load_judges,
    make_fabric,
    parse_setting,
)
from dpe_research.training.processes import FabricRunner  # noqa: E402
from dpe_research.training.state import TrainingState  # noqa: E402
from dpe_toolkit.core.errors import TrainingError  # noqa: E402 - found through the line above
from dpe_toolkit.editing.measures import FaceReading  # noqa: E402
from dpe_toolkit.networks import keep_freed_memory  # noqa: E402
from dpe_toolkit.plugins import load_registry  # noqa: E402

R = TypeVar("R")
CPU_BATCH = 2
CPU_TIME = "CPU time"
VGG_CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)
VGG_TAPS = (0, 3, 6, 11, 16)


class RandomVgg(nn.Module):
    """VGG-19 up to relu5_1, as the perceptual loss takes it, with random weights."""

    def __init__(self) -> None:
        super().__init__()
        inside = [3, *[wide for wide in VGG_CHANNELS if wide]]
        convs = pairwise(inside)
        self.layers = nn.ModuleList(
            nn.Conv2d(*next(convs), 3, padding=1) if wide else nn.MaxPool2d(2) for wide in VGG_CHANNELS
        )

    def features(self, pictures: Tensor) -> Sequence[Tensor]:
        maps = []
        for place, layer in enumerate(self.layers):
            pictures = layer(pictures)
            pictures = pictures if isinstance(layer, nn.MaxPool2d) else torch.relu(pictures)
            if place in VGG_TAPS:
                maps.append(pictures)
        return maps


class Clock:
    """Seconds by part; waits for the device before and after each."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)

    def wait(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def timed(self, part: str, function: Callable[..., R]) -> Callable[..., R]:
        def run(*inputs: object, **named: object) -> R:
            start = self.wait()
            result = function(*inputs, **named)
            self.seconds[part] += self.wait() - start
            return result

        return run


class TimedJudge:
    """A regressor or feature network under the clock."""

    expression_size = 0

    def __init__(self, clock: Clock, judge: object) -> None:
        if hasattr(judge, "features"):
            self.features: Callable[..., Sequence[Tensor]] = clock.timed("perceptual features", judge.features)
        if hasattr(judge, "read"):
            self.read: Callable[..., FaceReading] = clock.timed("regressor", judge.read)


class TimedRunner(FabricRunner):
    def __init__(self, clock: Clock, fabric: object) -> None:
        super().__init__(fabric)  # type: ignore[arg-type] # what make_fabric gave
        self._timed = clock.timed("backward", super().backward)

    def backward(self, loss: Tensor) -> None:
        self._timed(loss)

    def autocast(self) -> AbstractContextManager[object]:
        return super().autocast()


def judges_for(config: TrainingConfig, device: torch.device) -> tuple[TrainingConfig, Judges, list[str]]:
    """The judges that are installed, what stands in for the others, and the configuration without the rest."""
    registry, notes = load_registry(), []
    features: object = None
    regressor: object = None
    if config.compares_features:
        try:
            alone = config.model_copy(update={"expression": config.expression.model_copy(update={"weight": 0.0})})
            features = load_judges(alone, registry, device).features
        except TrainingError:
            notes.append(f"features {config.perceptual.features!r} are not installed: a random VGG-19 stands in")
            features = RandomVgg().to(device).requires_grad_(False)
    if config.reads_faces:
        try:
            without = config.model_copy(update={"perceptual": config.perceptual.model_copy(update={"weight": 0.0})})
            regressor = load_judges(without, registry, device).regressor
        except TrainingError:
            notes.append(f"regressor {config.expression.regressor!r} is not installed: its term is left out")
            off = {name: getattr(config, name).model_copy(update={"weight": 0.0}) for name in ("expression", "pose")}
            config = config.model_copy(update=off)
    return config, Judges(regressor, features), notes  # type: ignore[arg-type] # found by name


def noise(config: TrainingConfig, device: torch.device, dtype: torch.dtype) -> PairBatch:
    size, count = config.network.size, config.data.batch_size
    pictures = torch.rand(2, count, 3, size, size, device=device, dtype=dtype) * 2 - 1
    mesh = torch.rand(count, 478, 3, device=device) * size * 0.6 + size * 0.2
    return PairBatch(pictures[0], pictures[1], mesh, mesh)


def measure(config: TrainingConfig, num_steps: int) -> tuple[list[float], dict[str, float], torch.device, list[str]]:
    fabric = make_fabric(config.compute)
    config, judges, notes = judges_for(config, fabric.device)
    clock = Clock(fabric.device)
    timed = Judges(
        None if judges.regressor is None else TimedJudge(clock, judges.regressor),  # type: ignore[arg-type] # alike
        None if judges.features is None else TimedJudge(clock, judges.features),  # type: ignore[arg-type] # alike
    )
    state = TrainingState(config, fabric)
    inner = state.enter(config.stages[0])
    adversary = None if inner.adversary is None else clock.timed("discriminator forward", inner.adversary)
    players = Players(clock.timed("cycle forward", inner.edits), adversary, inner.discriminator)
    objective, runner = Objective(config, timed), TimedRunner(clock, fabric)
    batch = noise(config, fabric.device, next(state.network.parameters()).dtype)
    steps, parts = [], defaultdict(list)
    for step in range(num_steps + 1):
        clock.seconds.clear()
        start, started_cpu = clock.wait(), time.process_time()
        state.clear_gradients()
        accumulate_gradients(players, objective, batch, step=step, runner=runner)
        clock.timed("optimisers and average", state.apply_gradients)()
        whole = clock.wait() - start
        if step == 0 and num_steps:
            continue
        steps.append(whole)
        clock.seconds["the rest"] = whole - sum(clock.seconds.values())
        clock.seconds[CPU_TIME] = time.process_time() - started_cpu
        for part, seconds in clock.seconds.items():
            parts[part].append(seconds)
    return steps, {part: statistics.median(seconds) for part, seconds in parts.items()}, fabric.device, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int, default=3, help="0 measures the first step alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    arguments = parser.parse_args()
    values: dict[str, object] = {"compute.accelerator": arguments.device, "compute.threads": arguments.threads}
    on_gpu = arguments.device == "cuda" or (arguments.device == "auto" and torch.cuda.is_available())
    if arguments.batch or not on_gpu:
        values["data.batch_size"] = arguments.batch or CPU_BATCH
    config = load_config(arguments.preset, {**values, **dict(map(parse_setting, arguments.settings))})
    keep_freed_memory()
    steps, parts, device, notes = measure(config, arguments.steps)
    cpu = parts.pop(CPU_TIME)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{arguments.threads} CPU threads"
    print(f"preset {arguments.preset}, {config.data.batch_size} pairs a step, {config.compute.precision}, on {name}")
    for note in notes:
        print(note)
    whole = statistics.median(steps)
    if device.type == "cpu":
        print(f"{cpu:.3f} s of CPU time a step, which other programs on the machine change less")
    print(f"{whole:.3f} s a step, {1 / whole:.3f} steps a second, {config.data.batch_size / whole:.2f} pairs a second")
    for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {part:24} {seconds:9.3f} s {seconds / whole:6.1%}")
    if device.type == "cuda":
        print(f"most GPU memory: {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB")
    else:
        print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


if __name__ == "__main__":
    main()
