"""How many threads computation may take while a decoder and an encoder run beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["compute_threads", "cores"]


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def compute_threads(limit: int | None = None) -> Iterator[None]:
    """Bounds PyTorch's threads meanwhile: half of the cores, and never more than were set before.

    Decoding and encoding keep the other half busy. On two cores a convolution over eight native windows
    took 143 ms with one thread and 85 ms with two; while a video was encoded beside it 174 ms and 164 ms,
    so that a second thread only takes its time from the encoder. It can cost far more: OpenMP's threads
    wait for each other by spinning, and with other programs on both cores (load 5 to 8) the same render
    took 16 to 24 s with one thread and 77 to 98 s with two.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, limit or max(1, cores() // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
