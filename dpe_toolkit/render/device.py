"""Where components run."""

from __future__ import annotations

import re

import torch

from dpe_toolkit.errors import OptionsError

__all__ = ["resolve_device"]

_FORM = re.compile(r"^(auto|cpu|mps|cuda(?::(\d{1,3}))?)$")


def resolve_device(name: str = "auto") -> torch.device:
    """The device called ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; ``auto`` takes the fastest there is.

    Raises:
        OptionsError: the name is none of these, or this machine has no such device.
    """
    match = _FORM.match(name.strip().lower())
    if match is None:
        raise OptionsError(f"device {name!r} is not known", "auto, cpu, cuda, cuda:N or mps", "correct --device")
    kind = match[1].partition(":")[0]
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda":
        return _cuda(name, int(match[2] or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise OptionsError("device 'mps' is asked for, but this machine has none", "auto or cpu", "correct --device")
    return torch.device(kind)


def _cuda(name: str, number: int) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number < count:
        return torch.device("cuda", number)
    seen = f"this machine has {count} CUDA devices" if count else "PyTorch sees no CUDA device here"
    raise OptionsError(
        f"device {name!r} is asked for, but {seen}",
        f"cuda:0 to cuda:{count - 1}" if count else "auto or cpu",
        "correct --device" if count else "use --device cpu, or install a PyTorch built for your GPU and its driver",
    )
