"""What this machine can do: device, codecs, plugins, model files."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import torch

from dpe_toolkit import __version__
from dpe_toolkit.core.errors import DpeError
from dpe_toolkit.delivery.folders import user_cache_dir
from dpe_toolkit.editing.components import Component, ComponentContext
from dpe_toolkit.editing.stages import MEASURE_KINDS
from dpe_toolkit.media import list_codecs
from dpe_toolkit.plans.edit import ComponentChoice
from dpe_toolkit.plugins import Registry
from dpe_toolkit.rendering import device

__all__ = ["Finding", "examine"]

_FORMATS_SHOWN = 4
_DRIVER_S = 20
_PACKAGES = ("torch", "numpy", "opencv-python-headless", "av", "opentimelineio", "pydantic", "pluggy")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    name: str
    state: Literal["ok", "absent", "broken"]
    """``absent``: this machine lacks it, and renders without it."""
    detail: str = ""


def examine(registry: Registry) -> list[Finding]:
    """Everything that was looked at; every component is made once, which checks the files that it needs."""
    return [*_system(), *_devices(), *_codecs(), *_plugins(registry), *_components(registry)]


def _system() -> Iterator[Finding]:
    yield Finding("system", "dpe_toolkit", "ok", __version__)
    yield Finding("system", "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("system", "cpu cores", "ok", str(os.cpu_count() or 1))
    yield Finding("system", "cache folder", "ok", str(user_cache_dir()))
    for name in _PACKAGES:
        try:
            yield Finding("package", name, "ok", f"{version(name)}{_torch_build() if name == 'torch' else ''}")
        except PackageNotFoundError:
            # OpenCV comes under several distribution names; what counts is that it imports.
            yield Finding("package", name, "absent", "another distribution may provide it")


def _devices() -> Iterator[Finding]:

    yield Finding("device", "cpu", "ok", f"{torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            known = torch.cuda.get_device_properties(number)
            yield _tried(f"cuda:{number}", f"{known.name}, {known.total_memory >> 20} MiB")
    else:
        yield Finding("device", "cuda", "absent", _why_no_cuda(torch.version.cuda, gpus=_nvidia_gpus()))
    if sys.platform == "darwin":
        yield _tried("mps", "Metal") if torch.backends.mps.is_available() else Finding("device", "mps", "absent")
    yield Finding("device", "auto", "ok", f"takes {device.resolve_device()}")


def _tried(name: str, what: str) -> Finding:
    """A device that PyTorch sees, after a sum on it."""
    fault = device.device_fault(name)
    if not fault:
        return Finding("device", name, "ok", what)
    return Finding("device", name, "absent", f"{what} is there, and this PyTorch cannot compute on it: {fault}")


def _torch_build() -> str:
    if torch.version.cuda:
        return f", built for CUDA {torch.version.cuda}"
    return f", built for ROCm {torch.version.hip}" if torch.version.hip else ", built for CPUs"


def _why_no_cuda(built: str | None, *, gpus: list[str]) -> str:
    if not gpus:
        return "no NVIDIA GPU is seen"
    if built is None:
        return f"PyTorch is built for CPUs, but there is {gpus[0]}; in a checkout, change that by: TORCH=cuda make demo"
    return f"PyTorch, built for CUDA {built}, cannot use {gpus[0]}; see by nvidia-smi whether the driver is new enough"


def _nvidia_gpus() -> list[str]:
    """The GPUs that NVIDIA's driver lists, whatever PyTorch can do with them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    words = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_DRIVER_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def _codecs() -> Iterator[Finding]:

    for codec in list_codecs():
        state: Literal["ok", "absent"] = "ok" if codec.available else "absent"
        yield Finding(codec.direction, codec.name, state, _shortened(codec.pixel_formats))


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FORMATS_SHOWN])
    return f"{shown} and {len(names) - _FORMATS_SHOWN} more" if len(names) > _FORMATS_SHOWN else shown


def _plugins(registry: Registry) -> Iterator[Finding]:
    for plugin in registry.plugins:
        detail = plugin.fault or f"{plugin.distribution} {plugin.version}"
        yield Finding("plugin", plugin.name, "broken" if plugin.fault else "ok", detail)


def _components(registry: Registry) -> Iterator[Finding]:

    context = ComponentContext(device=torch.device("cpu"))
    for plugin in registry.plugins:
        for entry in plugin.components:
            kind, name = entry.component.kind, entry.component.name
            choice = ComponentChoice(kind=kind, name=name, plugin=entry.plugin, version=entry.version)
            try:
                if (lacking := _lacking(entry.component)) is not None:
                    yield Finding(kind, name, "absent", lacking)
                    continue
                registry.create(choice, context)
            except DpeError as error:
                # What measures images may want weights or a package that only training or evaluation needs.
                yield Finding(kind, name, "absent" if kind in MEASURE_KINDS else "broken", str(error))
            else:
                yield Finding(kind, name, "ok", entry.component.summary)


def _lacking(component: Component[object]) -> str | None:
    """What a component needs that only a shot can name, such as weights; None where it needs nothing."""
    if component.space_of is None:
        return None
    try:
        component.space_of(component.options(), None)
    except DpeError as error:
        return f"{error.wrong}; {error.action}"
    return None
