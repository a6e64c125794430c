"""Where components run."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import torch

from dpe_toolkit.core.errors import OptionsError, first_line

__all__ = ["DEVICES", "device_fault", "resolve_device"]

_log = logging.getLogger(__name__)

DEVICES: dict[str, Callable[[], int]] = {
    "cuda": lambda: torch.cuda.device_count() if torch.cuda.is_available() else 0,
    "mps": lambda: int(torch.backends.mps.is_available()),
}
"""Kinds of accelerators, the one that ``auto`` takes first in front, and how many of each this machine has."""

_FORM = re.compile(r"^([a-z]+)(?::(\d{1,3}))?$")


def resolve_device(name: str = "auto") -> torch.device:
    """The device called ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; ``auto`` takes the fastest that works.

    Raises:
        OptionsError: the name is none of these, or this machine has no such device.
    """
    match = _FORM.match(name.strip().lower())
    kind, number = (match[1], match[2]) if match else ("", None)
    if kind not in ("auto", "cpu", *DEVICES) or (number and kind != "cuda"):
        raise OptionsError(f"device {name!r} is not known", "auto, cpu, cuda, cuda:N or mps", "correct --device")
    if kind == "auto":
        return _fastest()
    if kind == "cuda":
        return _cuda(name, int(number or 0))
    if kind != "cpu" and not DEVICES[kind]():
        raise OptionsError(
            f"device {kind!r} is asked for, but this machine has none", "auto or cpu", "correct --device"
        )
    return torch.device(kind)


def device_fault(name: str) -> str:
    """Why a device that PyTorch sees cannot compute, in PyTorch's words; empty where it can.

    A build of PyTorch has code for some generations of GPUs, and sees the others too.
    """
    try:
        torch.ones(1, device=name).add(1).item()
    except (AssertionError, RuntimeError) as error:
        return first_line(error)
    return ""


def _fastest() -> torch.device:
    """The first device that computes, of the kinds in their order."""
    for kind, count in DEVICES.items():
        for number in range(count()):
            device = torch.device(kind, number) if kind == "cuda" else torch.device(kind)
            fault = device_fault(str(device))
            if not fault:
                return device
            _log.warning("device %s is there and cannot be used, so another is taken: %s", device, fault)
    return torch.device("cpu")


def _cuda(name: str, number: int) -> torch.device:
    count = DEVICES["cuda"]()
    if number < count:
        return torch.device("cuda", number)
    seen = f"this machine has {count} CUDA devices" if count else "PyTorch sees no CUDA device here"
    raise OptionsError(
        f"device {name!r} is asked for, but {seen}",
        f"cuda:0 to cuda:{count - 1}" if count else "auto or cpu",
        "correct --device" if count else "use --device cpu, or install a PyTorch built for your GPU and its driver",
    )
