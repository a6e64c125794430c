from __future__ import annotations

import pytest
import torch

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.rendering import device, resolve_device
from dpe_toolkit.testing import pretend_accelerator


def machine(monkeypatch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(device, "device_fault", lambda name: "")


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "found"),
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
    monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, name: str, found: str
) -> None:
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert str(resolve_device(name)) == found


@pytest.mark.parametrize(
    ("cuda", "name", "words"),
    [
        (0, "gpu", "device 'gpu' is not known.*auto, cpu, cuda, cuda:N or mps"),
        (0, "cuda:x", "not known"),
        (2, "auto:1", "not known"),
        (2, "cpu:0", "not known"),
        (2, "mps:0", "not known"),
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


def test_auto_passes_over_a_gpu_that_this_pytorch_has_no_code_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine(monkeypatch, cuda=1, mps=True)
    faults = {"cuda:0": "CUDA error: no kernel image is available for execution on the device"}
    monkeypatch.setattr(device, "device_fault", lambda name: faults.get(name, ""))
    assert str(resolve_device("auto")) == "mps"
    assert "device cuda:0 is there and cannot be used, so another is taken: CUDA error: no kernel image" in caplog.text
    assert str(resolve_device("cuda")) == "cuda:0"
    machine(monkeypatch, cuda=2)
    monkeypatch.setattr(device, "device_fault", lambda name: faults.get(name, ""))
    assert str(resolve_device("auto")) == "cuda:1"


def test_what_a_device_cannot_do_is_told_in_pytorchs_words() -> None:
    assert device.device_fault("cpu") == ""
    assert "ipu" in device.device_fault("ipu").lower()
    with pretend_accelerator():
        assert device.device_fault("ipu") == ""
