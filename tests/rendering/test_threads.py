from __future__ import annotations

import os

import pytest
import torch

from dpe_toolkit.rendering.threads import compute_threads, cores


def test_threads_are_bounded_inside_and_as_before_outside() -> None:
    before = torch.get_num_threads()
    with compute_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_threads_come_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), compute_threads(1):
        raise KeyError
    assert torch.get_num_threads() == before


def test_cores_are_counted_where_the_system_tells_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores() == (os.cpu_count() or 1)
