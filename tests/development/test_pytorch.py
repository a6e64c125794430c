"""Which build of PyTorch set-up takes, by stand-ins for pip, GPU and system."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from development import pytorch
from development.checkout import LOCK, SetupError
from development.environment import Environment
from development.lockfile import pinned, read_pins
from development.pytorch import Build

VERSION = pinned("torch")
ELSEWHERE = "--index-url"


@dataclass
class Machine:
    """A machine that has nothing but what a test gives it."""

    environment: Environment
    there: Build | None = None
    """What is installed."""
    offered: tuple[str, ...] = (VERSION,)
    """What pip finds by itself."""
    offered_elsewhere: tuple[str, ...] = ()
    """What PyTorch's own index has."""
    installs: list[tuple[str, ...]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def pip(self, _environment: Environment, *words: str) -> None:
        self.installs.append(words)
        local = [word.partition("==")[2].split(",")[0] for word in words if word.startswith("torch==")]
        (version,) = local
        plain_is_cuda = pytorch.platform.system() == "Linux"
        kind = "cuda" if "+cu" in version or ("+" not in version and plain_is_cuda) else "cpu"
        self.there = Build(version, "cpu" if "+cpu" in version else kind, ("sympy",))

    def run(self, command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        if "versions" in command:
            found = self.offered_elsewhere if ELSEWHERE in command else self.offered
            said = f"torch\nAvailable versions: {', '.join(found)}\n" if found else ""
            return subprocess.CompletedProcess(command, int(not found), said, "")
        assert "uninstall" in command
        self.removed += command
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(Environment(tmp_path))
    monkeypatch.delenv("TORCH", raising=False)
    monkeypatch.setattr(Environment, "pip", lambda *words: made.pip(*words))
    monkeypatch.setattr(pytorch.subprocess, "run", made.run)
    monkeypatch.setattr(pytorch, "installed_build", lambda _environment: made.there)
    monkeypatch.setattr(pytorch, "see_gpu", lambda: False)
    monkeypatch.setattr(pytorch.platform, "system", lambda: "Linux")
    return made


def test_without_a_gpu_the_build_for_cpus_comes_from_pytorchs_index(machine: Machine) -> None:
    machine.offered_elsewhere = (f"{VERSION}+cpu",)
    assert pytorch.settle(machine.environment, None) == (LOCK, f"{VERSION}+cpu")
    address = "https://download.pytorch.org/whl/cpu"
    assert machine.installs == [("--no-deps", ELSEWHERE, address, f"torch=={VERSION}+cpu")]


def test_a_build_for_cpus_that_pip_finds_by_itself_is_preferred(machine: Machine) -> None:
    machine.offered = machine.offered_elsewhere = (f"{VERSION}+cpu", VERSION)
    pytorch.settle(machine.environment, None)
    assert machine.installs == [("--no-deps", f"torch=={VERSION}+cpu")]


def test_where_no_build_for_cpus_can_be_had_the_size_of_the_other_is_told_first(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    installing = machine.pip
    machine.pip = lambda *words: (said.append(capsys.readouterr().out), installing(*words))[1]  # type: ignore[method-assign]
    assert pytorch.settle(machine.environment, None) == (LOCK, VERSION)
    assert machine.installs == [("--no-deps", f"torch=={VERSION},!={VERSION}+cpu")]
    assert "GB to download and" in said[0]


def test_where_the_build_for_cpus_was_asked_for_the_other_is_not_put_in_its_place(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH", "cpu")
    with pytest.raises(SetupError, match=r"no build for CPUs of PyTorch .* expected that https.*; leave out TORCH=cpu"):
        pytorch.settle(machine.environment, None)
    assert machine.installs == []


def test_with_a_gpu_the_build_with_cuda_is_taken(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch, "see_gpu", lambda: True)
    machine.offered = (f"{VERSION}+cpu", VERSION)
    pytorch.settle(machine.environment, None)
    assert machine.installs == [("--no-deps", f"torch=={VERSION},!={VERSION}+cpu")]


def test_on_windows_cuda_comes_from_pytorchs_index(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch.platform, "system", lambda: "Windows")
    monkeypatch.setenv("TORCH", "cuda")
    pytorch.settle(machine.environment, None)
    ((*_, index, requirement),) = machine.installs
    assert index.startswith("https://download.pytorch.org/whl/cu1")
    assert requirement == f"torch=={VERSION}+{index.rpartition('/')[2]}"


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_elsewhere_the_common_build_is_the_one_for_cpus(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(pytorch.platform, "system", lambda: system)
    pytorch.settle(machine.environment, None)
    assert machine.installs == [("--no-deps", f"torch=={VERSION}")]


@pytest.mark.parametrize(
    ("system", "value", "message"),
    [
        ("Linux", "gpu", "TORCH is 'gpu'; expected cpu or cuda; leave it out"),
        ("Darwin", "cuda", "TORCH is 'cuda'; expected cpu on macOS"),
    ],
)
def test_a_build_that_there_is_not_is_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, system: str, value: str, message: str
) -> None:
    monkeypatch.setattr(pytorch.platform, "system", lambda: system)
    monkeypatch.setenv("TORCH", value)
    with pytest.raises(SetupError, match=message):
        pytorch.settle(machine.environment, None)


def test_a_pytorch_that_somebody_installed_stays_with_what_it_needs(machine: Machine) -> None:
    machine.there = Build("2.10.0+cu126", "cuda", ("sympy", "filelock"))
    path, ours = pytorch.settle(machine.environment, None)
    assert (ours, machine.installs) == (None, [])
    pins = read_pins(path.read_text(encoding="utf-8"))
    assert pins["torch"] == "2.10.0+cu126"
    assert not {"sympy", "filelock", "triton", "nvidia-nccl-cu13"} & pins.keys()
    assert pins["numpy"] == pinned("numpy")


def test_a_pytorch_of_the_locks_version_stays_without_a_word(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.there = Build(f"{VERSION}+cu126", "cuda", ())
    assert pytorch.settle(machine.environment, None) == (LOCK, None)
    assert (machine.installs, capsys.readouterr().out) == ([], "")


def test_a_pytorch_that_is_too_old_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.there = Build("1.13.1", "cpu", ())
    with pytest.raises(SetupError, match=r"PyTorch 1\.13\.1 is installed; expected 2\.\d+ or newer; .*TORCH=cpu"):
        pytorch.settle(machine.environment, None)
    monkeypatch.setenv("TORCH", "cpu")
    machine.offered = (f"{VERSION}+cpu",)
    pytorch.settle(machine.environment, None)
    assert machine.installs == [("--no-deps", "--force-reinstall", f"torch=={VERSION}+cpu")]


def test_a_pytorch_of_set_up_follows_the_lock_and_keeps_its_kind(machine: Machine) -> None:
    machine.there = Build("2.12.0", "cuda", ())
    assert pytorch.settle(machine.environment, "2.12.0") == (LOCK, VERSION)
    assert machine.there.kind == "cuda"


def test_the_other_build_takes_the_place_of_one_that_is_there(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.there, machine.offered = Build(VERSION, "cuda", ()), (f"{VERSION}+cpu", VERSION)
    monkeypatch.setenv("TORCH", "cpu")
    assert pytorch.settle(machine.environment, None) == (LOCK, f"{VERSION}+cpu")
    assert machine.installs == [("--no-deps", "--force-reinstall", f"torch=={VERSION}+cpu")]
    assert {"triton", "nvidia-cublas"} <= set(machine.removed)


def test_an_index_that_gives_another_build_than_was_asked_for_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH", "cuda")
    machine.pip = lambda *_words: setattr(machine, "there", Build(f"{VERSION}+cpu", "cpu", ()))  # type: ignore[method-assign]
    with pytest.raises(SetupError, match=r"gave a build for cpu of PyTorch .* expected one for cuda"):
        pytorch.settle(machine.environment, None)


def test_the_newest_release_is_found_among_all_builds(machine: Machine) -> None:
    machine.offered = ("2.9.1", "2.13.0+cpu", "2.13.0", "2.10.0")
    assert pytorch.newest_version(machine.environment) == "2.13.0"
    machine.offered = ()
    with pytest.raises(SetupError, match="pip's package index has no torch"):
        pytorch.newest_version(machine.environment)


def test_the_version_is_the_one_that_pip_goes_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "torch/__init__.py": "raise ImportError",
        "torch/version.py": "__version__ = '2.14.1+cu130'\ncuda = '13.0'",
        "torch-2.14.1.dist-info/METADATA": "Name: torch\nVersion: 2.14.1\nRequires-Dist: Sym_Py>=1\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert pytorch.installed_build(Environment(Path(sys.prefix))) == Build("2.14.1", "cuda", ("sym-py",))


def gpu_listing(code: int, said: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda command, **_options: subprocess.CompletedProcess(command, code, said, "")


@pytest.mark.parametrize(
    ("code", "said", "seen"),
    [(0, "GPU 0: NVIDIA H100 (UUID: GPU-1)\n", True), (0, "", False), (9, "GPU access blocked", False)],
)
def test_a_gpu_is_seen_where_its_program_lists_one(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str, seen: bool
) -> None:
    monkeypatch.setattr(pytorch.platform, "system", lambda: "Windows")
    monkeypatch.setattr(pytorch.shutil, "which", lambda name: name)
    monkeypatch.setattr(pytorch.subprocess, "run", gpu_listing(code, said))
    assert pytorch.see_gpu() is seen


def test_no_gpu_is_seen_without_the_program_that_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch.platform, "system", lambda: "Windows")
    monkeypatch.setattr(pytorch.shutil, "which", lambda _name: None)
    assert pytorch.see_gpu() is False


@pytest.mark.smoke
def test_the_pytorch_that_runs_this_is_seen_as_it_is() -> None:
    import torch

    build = pytorch.installed_build(Environment(Path(sys.prefix)))
    assert build is not None
    assert (build.version, build.kind) == (importlib.metadata.version("torch"), "cuda" if torch.version.cuda else "cpu")
    assert "sympy" in build.needs
