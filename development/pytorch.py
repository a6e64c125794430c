"""Which build of PyTorch is installed: the small one for CPUs, or the one with gigabytes of CUDA libraries."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from development.checkout import LOCK, SetupError, normal, requirements
from development.environment import Environment
from development.lockfile import pinned, read_pins

__all__ = ["Build", "Kind", "asked_kind", "install_build", "installed_build", "newest_version", "see_gpu", "settle"]

Kind = Literal["cpu", "cuda"]

PYTORCH_INDEX = "https://download.pytorch.org/whl"
CUDA_SIZE = "about 2.7 GB to download and 4.7 GB on disk"
CPU_SIZE = "about 0.2 GB to download"

# Run by the environment's Python. The module version.py holds only assignments; importing torch takes seconds. The
# version is that of the distribution, by which pip goes: the module may have a +cu130 that the distribution lacks.
_LOOK = """
import importlib.metadata, importlib.util, json, pathlib, runpy
found = importlib.util.find_spec("torch")
if found and found.origin:
    cuda = runpy.run_path(str(pathlib.Path(found.origin).with_name("version.py"))).get("cuda")
    told = importlib.metadata.distribution("torch")
    print(json.dumps([told.version, cuda, told.requires or []]))
"""


@dataclass(frozen=True, slots=True)
class Build:
    """A PyTorch that is installed."""

    version: str
    """With what stands after ``+``, if anything."""
    kind: Kind
    needs: tuple[str, ...]
    """Normal names of the distributions that it asks for."""


def asked_kind() -> Kind | None:
    """What the environment variable ``TORCH`` asks for; None where it asks for nothing.

    Raises:
        SetupError: it has another value, or asks for what this system has no build of.
    """
    asked = os.environ.get("TORCH", "")
    if not asked:
        return None
    if asked not in get_args(Kind):
        raise SetupError(f"TORCH is {asked!r}", "cpu or cuda", "leave it out to let the machine decide")
    if asked == "cuda" and platform.system() == "Darwin":
        raise SetupError("TORCH is 'cuda'", "cpu on macOS, where PyTorch has no CUDA", "leave it out")
    return "cuda" if asked == "cuda" else "cpu"


def see_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU with its driver."""
    if platform.system() == "Linux" and any(Path("/proc/driver/nvidia/gpus").glob("*")):
        return True
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "GPU " in done.stdout


def installed_build(environment: Environment) -> Build | None:
    """The PyTorch that the environment's Python would import."""
    done = subprocess.run([str(environment.python), "-c", _LOOK], capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        return None
    version, cuda, needs = json.loads(done.stdout)
    return Build(version, "cuda" if cuda else "cpu", tuple(normal(line) for line in needs))


def settle(environment: Environment, ours: str | None) -> tuple[Path, str | None]:
    """Sees to it that the environment has a PyTorch, and says what all else is to be installed by.

    What somebody put there stays, of whatever version, unless ``TORCH`` asks for another build.

    Args:
        environment: to install into.
        ours: version of the PyTorch that set-up put there at an earlier time.

    Returns:
        The file of constraints for everything else; the version that set-up put there.
    """
    asked, there, locked = asked_kind(), installed_build(environment), pinned("torch")
    if there is not None:
        if asked in (None, there.kind) and there.version != ours:
            if _is_new_enough(there):
                return _around(environment, there), None
            if asked is None:
                raise _too_old(there)
        elif asked in (None, there.kind) and _release(there.version) == _release(locked):
            return LOCK, ours
    kind = asked or (there.kind if there else _kind_for_this_machine())
    install_build(environment, locked, kind, insist=asked is not None)
    made = installed_build(environment)
    if made is None or (asked and made.kind != asked):
        found = "no PyTorch" if made is None else f"a build for {made.kind} of PyTorch {made.version}"
        raise SetupError(
            f"pip's package index gave {found}", f"one for {kind}", "leave out TORCH, or use another index"
        )
    return LOCK, made.version


def install_build(environment: Environment, version: str, kind: Kind, *, insist: bool) -> None:
    """Installs PyTorch alone; what it needs comes with everything else.

    Args:
        environment: to install into.
        version: such as 2.13.0.
        kind: of the build.
        insist: whether another build will not do where this one cannot be had.
    """
    there = installed_build(environment)
    words = ["--no-deps"] if there is None else ["--no-deps", "--force-reinstall"]
    system = platform.system()
    if system == "Linux" and kind == "cpu":
        index = _index_of(environment, f"{version}+cpu", f"{PYTORCH_INDEX}/cpu")
        if index is not None:
            print(f"PyTorch {version}: the build for CPUs, {CPU_SIZE}", flush=True)
            environment.pip(*words, *index, f"torch=={version}+cpu")
            _remove_cuda(environment, there)
            return
        if insist:
            raise SetupError(
                f"no build for CPUs of PyTorch {version} can be had",
                f"that {PYTORCH_INDEX} is reached, or that pip's package index has torch {version}+cpu",
                "leave out TORCH=cpu to take the build that the package index has",
            )
        print(
            f"PyTorch {version}: the build with CUDA, {CUDA_SIZE}: one for CPUs is neither in pip's package index nor, "
            "as far as it is reached, in PyTorch's own",
            flush=True,
        )
    elif kind == "cuda":
        print(f"PyTorch {version}: the build with CUDA, {CUDA_SIZE}", flush=True)
    if system == "Windows" and kind == "cuda":
        # The common index has no build with CUDA for Windows.
        local = f"cu{''.join(pinned('cuda-toolkit').split('.')[:2])}"
        environment.pip(*words, "--index-url", f"{PYTORCH_INDEX}/{local}", f"torch=={version}+{local}")
        return
    # An index of one's own may have both builds, of which pip would take the one with something after the +.
    environment.pip(*words, f"torch=={version}" if system != "Linux" else f"torch=={version},!={version}+cpu")


def newest_version(environment: Environment) -> str:
    """The newest PyTorch of pip's package index, such as 2.13.0."""
    found = environment.offered("torch")
    if not found:
        raise SetupError("pip's package index has no torch", "one that has it", "see pip config list")
    return max((version.partition("+")[0] for version in found), key=_release)


def _kind_for_this_machine() -> Kind:
    return "cuda" if platform.system() != "Darwin" and see_gpu() else "cpu"


def _index_of(environment: Environment, version: str, address: str) -> list[str] | None:
    """What pip is to be told so that it finds the version: nothing, an index's address; None where it cannot."""
    for words in ([], ["--index-url", address]):
        if version in environment.offered("torch", *words):
            return words
    return None


def _around(environment: Environment, there: Build) -> Path:
    """Constraints that leave an installed PyTorch as it is, with whatever it was made for."""
    text = LOCK.read_text(encoding="utf-8")
    if there.version.partition("+")[0] == pinned("torch"):
        return LOCK
    print(f"PyTorch {there.version} is installed and stays; the tests ran with {pinned('torch')}", flush=True)
    apart = {"torch", *there.needs, *_cuda_names()}
    kept = [line for line in text.splitlines() if line.startswith("#") or normal(line) not in apart]
    path = environment.folder / "dpe-constraints.txt"
    path.write_text("\n".join([*kept, f"torch=={there.version}"]) + "\n", encoding="utf-8")
    return path


def _cuda_names() -> list[str]:
    """What only the build with CUDA asks for."""
    pins = read_pins(LOCK.read_text(encoding="utf-8"))
    return [name for name in pins if name.startswith(("nvidia-", "cuda-")) or name == "triton"]


def _remove_cuda(environment: Environment, there: Build | None) -> None:
    """Gives back the gigabytes that only a build with CUDA used."""
    if there is not None and there.kind == "cuda":
        command = [str(environment.python), "-m", "pip", "uninstall", "--yes", *_cuda_names()]
        if subprocess.run(command, capture_output=True).returncode:
            print("note: the CUDA libraries of the other build could not be removed", flush=True)


def _floor() -> str:
    floors = [line.partition(">=")[2] for line in requirements() if normal(line) == "torch"]
    return max((re.split(r"[,;]", text)[0].strip() for text in floors if text), key=_release)


def _is_new_enough(there: Build) -> bool:
    return _release(there.version) >= _release(_floor())


def _too_old(there: Build) -> SetupError:
    return SetupError(
        f"PyTorch {there.version} is installed",
        f"{_floor()} or newer",
        f"install a newer one yourself, or set TORCH={there.kind} to have {pinned('torch')} in its place",
    )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
