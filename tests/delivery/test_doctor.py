from __future__ import annotations

import subprocess
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import torch

from dpe_toolkit.delivery import doctor


def driver(monkeypatch: pytest.MonkeyPatch, said: str, code: int = 0) -> None:
    """A machine on which NVIDIA's program says ``said``."""
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name)
    done = subprocess.CompletedProcess([], code, said, "")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_words, **_options: done)


def device(name: str) -> doctor.Finding:
    return next(finding for finding in doctor._devices() if finding.name == name)


@pytest.fixture(autouse=True)
def _no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_a_gpu_that_this_pytorch_is_not_built_for_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, "NVIDIA H100\nNVIDIA H100\n")
    monkeypatch.setattr(torch.version, "cuda", None)
    found = device("cuda")
    assert found.state == "absent"
    assert found.detail.startswith("PyTorch is built for CPUs, but there is NVIDIA H100; ")
    assert found.detail.endswith("TORCH=cuda make demo")


def test_a_gpu_that_pytorch_cannot_use_points_to_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, "NVIDIA H100\n")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert device("cuda").detail.startswith("PyTorch, built for CUDA 13.0, cannot use NVIDIA H100; see by nvidia-smi")


@pytest.mark.parametrize(("said", "code"), [("", 0), ("NVIDIA-SMI has failed", 9)])
def test_a_machine_without_a_gpu_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch, said: str, code: int) -> None:
    driver(monkeypatch, said, code)
    assert device("cuda").detail == "no NVIDIA GPU is seen"
    monkeypatch.setattr(doctor.shutil, "which", lambda _name: None)
    assert device("cuda").detail == "no NVIDIA GPU is seen"


def test_a_driver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_words: object, **options: float) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", options["timeout"])

    driver(monkeypatch, "")
    monkeypatch.setattr(doctor.subprocess, "run", hang)
    assert device("cuda").detail == "no NVIDIA GPU is seen"


@pytest.mark.parametrize(
    ("cuda", "hip", "told"),
    [("13.0", None, "built for CUDA 13.0"), (None, "6.4", "built for ROCm 6.4"), (None, None, "built for CPUs")],
)
def test_the_build_of_pytorch_is_told(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, hip: str | None, told: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", hip)
    (found,) = (finding for finding in doctor._system() if finding.name == "torch")
    # The module may call itself 2.13.0+cu130 where the distribution is 2.13.0, which is what pip goes by.
    assert found.detail == f"{version('torch')}, {told}"


def test_a_gpu_that_cannot_compute_is_told_and_what_auto_takes_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SimpleNamespace(name="NVIDIA GeForce GTX 680", total_memory=2 << 30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _number: known)
    monkeypatch.setattr("dpe_toolkit.rendering.device.device_fault", lambda name: "no kernel image is available")
    assert device("cuda:0").state == "absent"
    assert device("cuda:0").detail.startswith("NVIDIA GeForce GTX 680, 2048 MiB is there, and this PyTorch cannot")
    assert device("auto").detail == "takes cpu"
    monkeypatch.setattr("dpe_toolkit.rendering.device.device_fault", lambda name: "")
    assert (device("cuda:0").state, device("auto").detail) == ("ok", "takes cuda:0")
