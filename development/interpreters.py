"""The Pythons that the toolkit is tested with, and where this machine has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from development.checkout import ROOT, SetupError

__all__ = ["TESTED", "find_interpreter", "try_in_clones"]

TESTED = ("3.11", "3.12", "3.13")


def find_interpreter(version: str) -> Path | None:
    """The interpreter of a version such as 3.12; None where none runs.

    A name on the path need not run: pyenv puts there names of versions that are not chosen.
    """
    for command in _candidates(version):
        code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
        try:
            done = subprocess.run([*command, "-c", code], capture_output=True, text=True)
        except OSError:
            continue
        found, _, path = done.stdout.strip().partition(" ")
        if done.returncode == 0 and found == version:
            return Path(path)
    return None


def _candidates(version: str) -> Iterator[list[str]]:
    yield [f"python{version}"]
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
        for path in sorted(Path(root).glob(f"versions/{version}*/bin/python"), reverse=True):
            yield [str(path)]
    if os.name == "nt":
        yield ["py", f"-{version}"]


def try_in_clones(leave_out: str) -> None:
    """Sets up, renders the demonstration and runs the short tests by every other tested Python that is here.

    Each works in a clone of the last commit with nothing beside it, so that no file counts which only this checkout
    has. Pythons that are not here are named.

    Args:
        leave_out: version that the whole test suite ran with.

    Raises:
        SetupError: a step failed by one of them.
    """
    told, failed = [], []
    for version in TESTED:
        if version == leave_out:
            continue
        python = find_interpreter(version)
        if python is None:
            told.append(f"Python {version}: not on this machine, so nothing was tried")
            continue
        print(f"== Python {version}, in a clone", flush=True)
        begun = time.monotonic()
        code = _smoke_in_clone(python)
        told.append(f"Python {version}: {'failed' if code else 'passed'} after {time.monotonic() - begun:.0f} s")
        failed += [version] if code else []
    print("\n".join(told), flush=True)
    if failed:
        raise SetupError(f"the short tests failed by Python {', '.join(failed)}", "", "see what they said above")


def _smoke_in_clone(python: Path) -> int:
    # PYTHON would be taken for that of the clone.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    with tempfile.TemporaryDirectory(prefix="dpe-clone-") as folder:
        clone = Path(folder) / "dpe_toolkit"
        cloned = subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)])
        if cloned.returncode:
            return cloned.returncode
        return subprocess.run([str(python), "make.py", "smoke"], cwd=clone, env=environment).returncode
