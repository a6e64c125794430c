from __future__ import annotations

import pytest
import torch

from dpe_toolkit.errors import OptionsError
from dpe_toolkit.render import resolve_device


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "device"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (2, False, "auto", "cuda:0"),
        (2, False, "cuda:1", "cuda:1"),
        (2, False, "CPU", "cpu"),
        (0, True, "mps", "mps"),
    ],
)
def test_a_device_is_found_by_name(
    monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, name: str, device: str
) -> None:
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert str(resolve_device(name)) == device


@pytest.mark.parametrize(
    ("cuda", "name", "words"),
    [
        (0, "gpu", "device 'gpu' is not known.*auto, cpu, cuda, cuda:N or mps"),
        (0, "cuda:x", "not known"),
        (0, "cuda", "PyTorch sees no CUDA device here.*use --device cpu"),
        (2, "cuda:2", "this machine has 2 CUDA devices.*cuda:0 to cuda:1"),
        (0, "mps", "this machine has none"),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, cuda: int, name: str, words: str
) -> None:
    machine(monkeypatch, cuda=cuda)
    with pytest.raises(OptionsError, match=words):
        resolve_device(name)
