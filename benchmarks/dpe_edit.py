"""How long one expression edit takes: a plain DPE beside the toolkit's routes, in one table.

    python benchmarks/dpe_edit.py [--rounds 7] [--threads 2] [--compile] [--device cpu]

Weights are random (speed does not depend on them) and the plain implementation is the reference for
the errors. On a CPU each side runs in a process of its own, since memory settings are a process's:
the plain one keeps the defaults that a user has, ours calls ``keep_freed_memory`` as a program would.
The two take turns, so that a busy machine slows both alike; a ratio is the median over the rounds of
plain's time over ours in the same round. With ``--device cuda`` batches of 1, 8 and 32 are measured.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from plain_dpe import PlainDpe  # noqa: E402 - found through the line above

from dpe_toolkit.networks import (  # noqa: E402
    DpeEditor,
    DpeNetwork,
    EncodedSource,
    FastDpe,
    NetworkParams,
    keep_freed_memory,
)

# Multiply-adds count as two; the folded route does the same convolutions as the plain one.
ENCODER_GFLOP = 31.20
GENERATOR_GFLOP = 30.12
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
# Row: (cached source, cached driver).
CACHES = {
    "both encoded": (False, False),
    "driver code kept": (False, True),
    "source encoded once": (True, False),
    "both kept": (True, True),
}


def random_state(seed: int) -> dict[str, Tensor]:
    """A state whose flows and colours are as lively as a trained network's."""
    torch.manual_seed(seed)
    state = DpeNetwork(NetworkParams()).state_dict()
    for key, value in state.items():
        if key.endswith(".bias") and "modulation" not in key:
            value.normal_(std=0.1)
        elif ".to_flows." in key and key.endswith(".conv.weight"):
            value.mul_(0.2)
        elif ".to_rgbs." in key and key.endswith(".conv.0.weight"):
            value.mul_(0.35)
        elif key.startswith(("mlp_pose.2.weight", "mlp_exp.2.weight")):
            value.mul_(8.0)
    return state


def smooth_pictures(count: int, seed: int) -> Tensor:
    """(count, 3, 256, 256) in (-1, 1), with detail at three scales."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        torch.nn.functional.interpolate(
            torch.randn(count, 3, size, size, generator=generator) * share, size=256, mode="bicubic"
        )
        for size, share in ((4, 0.6), (16, 0.3), (64, 0.15))
    ]
    return torch.tanh(sum(layers[1:], layers[0]))


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """GFLOP a second of the fastest square matrix product tried."""
    size = 2048 if device.type == "cpu" else 8192
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / min(timed(lambda: left @ right, device) for _ in range(8)) / 1e9


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds that one call takes, the device's queue included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def routes(network: DpeNetwork, device: torch.device, *, compiled: bool) -> dict[tuple[str, str], DpeEditor]:
    """An editor for each dtype, and its compiled twin where asked for."""
    editors = {}
    for name, dtype in DTYPES.items():
        for mode in ("", " compiled") if compiled else ("",):
            fast = FastDpe(network, dtype=dtype).to(device)
            if mode:
                fast.compile_stages()
            editors[name, mode] = DpeEditor(fast, expression_branch="pose")
    return editors


def our_steps(editor: DpeEditor, source: Tensor, driver: Tensor) -> dict[str, Callable[[], Tensor]]:
    """One edit for each row of ``CACHES``."""
    encoded = editor.encode(source)
    latent = editor.encode(driver).latent

    def step(source: Tensor | EncodedSource, driver: Tensor) -> Callable[[], Tensor]:
        return lambda: editor.edit(source, driver)

    return {
        label: step(encoded if keeps_source else source, latent if keeps_driver else driver)
        for label, (keeps_source, keeps_driver) in CACHES.items()
    }


def serve(pipe: Connection, role: str, threads: int, compiled: bool) -> None:
    """A worker: makes its side ready, then runs what it is asked for and answers seconds or results."""
    if role == "ours":
        keep_freed_memory()
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    cpu = torch.device("cpu")
    state = random_state(0)
    source, driver = smooth_pictures(1, 1), smooth_pictures(1, 2)
    steps: dict[str, Callable[[], Tensor]] = {}
    if role == "plain":
        plain = PlainDpe(state)
        steps["plain"] = lambda: plain.edit(source, driver)
    else:
        network = DpeNetwork(NetworkParams())
        network.load_state_dict(state)
        for (dtype, mode), editor in routes(network, cpu, compiled=compiled).items():
            for label, run in our_steps(editor, source, driver).items():
                steps[f"{dtype}{mode}, {label}"] = run
    # The second call of each finds weights packed, graphs compiled and memory at hand.
    results = {name: [run().numpy() for _ in range(2)][-1] for name, run in steps.items()}
    pipe.send(results)
    while (asked := pipe.recv()) is not None:
        if asked in DTYPES:
            pipe.send(matrix_rate(cpu, DTYPES[asked]))
        else:
            pipe.send(timed(steps[asked], cpu))


def psnr_db(error: Tensor) -> float:
    """Against the range of 2 that pictures in [-1, 1] have."""
    return float(10 * torch.log10(4 / error.square().mean().clamp_min(1e-20)))


def gflop(label: str) -> float:
    """Work of one edit of a row."""
    keeps_source, keeps_driver = next(kept for name, kept in CACHES.items() if label.endswith(name))
    return GENERATOR_GFLOP + ENCODER_GFLOP * (2 - keeps_source - keeps_driver)


def compare_on_cpu(rounds: int, threads: int, *, compiled: bool) -> None:
    """Prints the table of the CPU."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    results: dict[str, Tensor] = {}
    workers = []
    for role in ("plain", "ours"):
        pipes[role], theirs = context.Pipe()
        worker = context.Process(target=serve, args=(theirs, role, threads, compiled), daemon=True)
        worker.start()
        workers.append(worker)
        # One side gets ready after the other, so that neither compiles or packs under load.
        results.update({name: torch.from_numpy(result) for name, result in pipes[role].recv().items()})

    def ask(role: str, what: str) -> float:
        pipes[role].send(what)
        answer: float = pipes[role].recv()
        return answer

    seconds: dict[str, list[float]] = {name: [] for name in results}
    rates: dict[str, list[float]] = {name: [] for name in DTYPES}
    for _ in range(rounds):
        for name, times in seconds.items():
            times.append(ask("plain" if name == "plain" else "ours", name))
        for name, values in rates.items():
            values.append(ask("ours", name))
    for role, worker in zip(pipes, workers, strict=True):
        pipes[role].send(None)
        worker.join()
    print_table(seconds, results, {name: max(values) for name, values in rates.items()})


def print_table(seconds: dict[str, list[float]], results: dict[str, Tensor], rates: dict[str, float]) -> None:
    """One row for each route."""
    print("matrix product: " + ", ".join(f"{name} {rate:.0f} GFLOP/s" for name, rate in rates.items()))
    print("| edit of one frame | median ms | best ms | times plain | max error | PSNR dB | GFLOP | of matrix rate |")
    print("|---|---|---|---|---|---|---|---|")
    for name, times in seconds.items():
        ratio = statistics.median(plain / ours for plain, ours in zip(seconds["plain"], times, strict=True))
        error = (results[name] - results["plain"]).float()
        work = gflop("both encoded" if name == "plain" else name)
        share = work / min(times) / rates["bf16" if name.startswith("bf16") else "fp32"]
        quality = "reference | " if name == "plain" else f"{error.abs().max():.1e} | {psnr_db(error):.1f}"
        print(
            f"| {name} | {1e3 * statistics.median(times):.0f} | {1e3 * min(times):.0f} | {ratio:.2f} "
            f"| {quality} | {work:.1f} | {share:.0%} |"
        )


def measure_gpu(rounds: int) -> None:
    """Prints edits a second on a CUDA device, both pictures encoded, and the share of its matrix rate."""
    device = torch.device("cuda")
    network = DpeNetwork(NetworkParams())
    network.load_state_dict(random_state(0))
    reference = DpeEditor(FastDpe(network), expression_branch="pose")
    editors = routes(network, device, compiled=True)
    print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}")
    print("| batch | route | edits/s | max error | PSNR dB | of matrix rate |")
    print("|---|---|---|---|---|---|")
    for count in (1, 8, 32):
        source, driver = smooth_pictures(count, 1), smooth_pictures(count, 2)
        expected = reference.edit(source[:1], driver[:1])
        there, driving = source.to(device), driver.to(device)
        for (dtype, mode), editor in editors.items():
            if mode and dtype == "fp32":
                continue
            run = partial(editor.edit, there, driving)
            for _ in range(3):
                result = run()
            best = min(timed(run, device) for _ in range(rounds))
            error = result[:1].cpu() - expected
            share = gflop("both encoded") * count / best / matrix_rate(device, DTYPES[dtype])
            quality = f"{error.abs().max():.1e} | {psnr_db(error):.1f}"
            print(f"| {count} | {dtype}{mode} | {count / best:.1f} | {quality} | {share:.0%} |")


def main() -> None:
    """Reads the options and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="turns that each route takes")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of either side")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too (minutes on a CPU)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if options.device == "cuda":
        torch.set_grad_enabled(False)
        measure_gpu(options.rounds)
    else:
        compare_on_cpu(options.rounds, options.threads, compiled=options.compile)


if __name__ == "__main__":
    main()
