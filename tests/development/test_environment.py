"""Making .venv and installing into it, by stand-ins for Python and pip."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from development import environment
from development.checkout import SetupError
from development.environment import Environment, PipError

posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script of a POSIX shell")


def stand_in(path: Path, script: str) -> Path:
    """A program at ``path`` that runs ``script``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def venv(tmp_path: Path) -> Environment:
    return Environment(tmp_path / ".venv")


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHON", "TORCH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.slow
def test_an_environment_is_made_once_and_kept(venv: Environment) -> None:
    venv.make()
    (venv.folder / "mine").touch()
    venv.make()
    assert (venv.folder / "mine").exists()
    assert subprocess.run([venv.python, "-m", "pip", "--version"], capture_output=True).returncode == 0


@posix
def test_a_python_without_venv_is_told_with_the_package_to_install(
    venv: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = "The virtual environment was not created successfully because ensurepip is not available."
    python = stand_in(tmp_path / "python", f'mkdir "$3"; echo "{said}"; exit 1')
    monkeypatch.setattr(environment.sys, "executable", str(python))
    with pytest.raises(
        SetupError, match=r"lacks a part of Python.*expected the modules venv.*apt install python3\.\d+-venv"
    ):
        venv.make()
    assert not venv.folder.exists(), "what is half made would be taken for whole"


@posix
def test_another_failure_of_venv_is_told_in_its_own_words(
    venv: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment.sys, "executable", str(stand_in(tmp_path / "python", "echo disk is full; exit 1")))
    with pytest.raises(SetupError, match=r"cannot be made:\ndisk is full\n.*run this again"):
        venv.make()


def test_a_folder_without_a_python_that_runs_is_not_touched(venv: Environment) -> None:
    venv.folder.mkdir()
    (venv.folder / "mine").touch()
    with pytest.raises(SetupError, match=r"has no Python that runs; expected a whole .*; remove .*\.venv"):
        venv.make()
    assert (venv.folder / "mine").exists()


@posix
def test_an_environment_of_an_old_python_is_refused(venv: Environment) -> None:
    stand_in(venv.python, "echo 3 10")
    with pytest.raises(SetupError, match=r"is of Python 3\.10; expected 3\.11 or newer; remove"):
        venv.make()


@posix
def test_an_environment_of_another_python_than_was_asked_for_is_refused(
    venv: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(venv.python, "echo 3 99")
    venv.make()
    monkeypatch.setenv("PYTHON", "python3")
    with pytest.raises(SetupError, match=r"is of Python 3\.99; expected 3\.\d+, which PYTHON names; remove"):
        venv.make()


@posix
def test_an_environment_that_can_have_no_pip_is_refused(venv: Environment) -> None:
    stand_in(venv.python, 'test "$1" = -c && echo 3 11')
    with pytest.raises(SetupError, match=r"has no pip; expected"):
        venv.make()


@posix
@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("OSError: [Errno 28] No space left on device", r"\nfree some disk space"),
        ("NewConnectionError: failed to resolve", "see that this machine reaches a package index"),
        ("ERROR: No matching distribution found for av==18", "see that the package index is reached and whole"),
        ("ERROR: ResolutionImpossible: for help visit", "see whether a constraint of your own"),
        ("error: subprocess-exited-with-error", r"remove .*\.venv first"),
    ],
)
def test_a_failure_of_pip_is_told_by_its_last_lines_and_what_to_do(venv: Environment, said: str, advice: str) -> None:
    stand_in(venv.python, f'for i in 1 2 3 4 5 6 7 8 9; do echo "line $i"; echo; done; echo "{said}" >&2; exit 1')
    with pytest.raises(PipError, match=advice) as caught:
        venv.pip("av")
    assert said in str(caught.value)
    assert "line 1" not in str(caught.value)


@posix
def test_large_downloads_are_told_and_small_ones_are_not(venv: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (
        "  Downloading torch-2.13.0-cp313-cp313-manylinux_2_28_x86_64.whl (526.1 MB)",
        "  Downloading a/b/nvidia_cublas-13.1.1.3-py3-none-any.whl (1.2 GB)",
        "  Downloading idna-3.20-py3-none-any.whl (60 kB)",
        "  Downloading rich-15.0-py3-none-any.whl (1.5 MB)",
        "Installing collected packages: torch, idna",
    )
    stand_in(venv.python, "\n".join(f"echo '{line}'" for line in lines))
    venv.pip("torch")
    assert capsys.readouterr().out.splitlines() == [
        "  downloading torch 2.13.0, 526.1 MB",
        "  downloading nvidia_cublas 13.1.1.3, 1.2 GB",
        "  installing 2 packages",
    ]


@posix
def test_all_is_installed_by_one_backend_and_the_same_constraints(venv: Environment, tmp_path: Path) -> None:
    stand_in(venv.python, f'echo "$@" >> "{tmp_path}/said"')
    venv.install("demo", tmp_path / "lock")
    backend, everything = (tmp_path / "said").read_text().splitlines()
    assert backend.endswith(f"install -c {tmp_path}/lock hatchling editables")
    assert f"-c {tmp_path}/lock --no-build-isolation -e .[default,demo] -e plugins/dpe_portrait" in everything
    assert everything.count(" -e ") == 9


@posix
@pytest.mark.parametrize(("group", "wanted"), [("demo", False), ("dev", True), ("docs", True)])
def test_the_demonstration_alone_does_without_research(
    venv: Environment, tmp_path: Path, group: str, wanted: bool
) -> None:
    stand_in(venv.python, f'echo "$@" >> "{tmp_path}/said"')
    venv.install(group, None)
    assert ("-e plugins/research" in (tmp_path / "said").read_text()) == wanted


def test_what_is_installed_is_remembered_until_a_manifest_changes(
    venv: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert venv.remembered() == {}
    venv.folder.mkdir()
    venv.remember(["demo", "dev"], "2.13.0+cpu")
    assert venv.remembered()["groups"] == ["demo", "dev"]
    other = tmp_path / "requirements.lock"
    other.write_text("av==1\n")
    monkeypatch.setattr(environment, "LOCK", other)
    assert venv.remembered() == {"torch": "2.13.0+cpu"}


def test_a_record_that_cannot_be_read_counts_as_none(venv: Environment) -> None:
    venv.folder.mkdir()
    (venv.folder / "dpe-setup.json").write_text("{")
    assert venv.remembered() == {}
