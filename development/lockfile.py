"""The lock: one version of everything that set-up installs, for all systems and interpreters.

It is given to pip as constraints. So what stands in it is installed only where something asks for it, as the CUDA
libraries are by one of the builds of PyTorch and not by the other.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from development.checkout import LOCK, ROOT, SetupError, normal, requirements

__all__ = ["HELD", "pinned", "read_pins", "write_lock"]

_UV = "uv==0.13.9"
_TOOLS = ROOT / ".tools"
_OLDEST = "3.11"

HELD = {
    # Another release is gigabytes for everybody who follows and another rounding in every picture that tests know:
    # changed on purpose, here, and not by the way.
    "torch": "==2.13.0",
    # Later ones say that they are for Pythons before 3.11, which uv does not read and pip refuses.
    "backports-strenum": "<1.3",
}
"""Names whose newest version is not taken, to what is taken."""

_HEADER = """\
# One version of everything that set-up installs, that with which the tests ran: for Python 3.11 and newer, on Linux,
# macOS and Windows. Made by `make lock` out of every pyproject.toml, and not edited by hand.
# Used as constraints (pip install -c): a line is installed only where something asks for it. There are no hashes,
# because one version of PyTorch comes as different files from the two places that have it.
"""


def read_pins(text: str) -> dict[str, str]:
    """Normal names to versions, as the text of a lock has them."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.MULTILINE)
    return {normal(name): version for name, version in found}


def pinned(name: str) -> str:
    """The version that the lock has of a distribution."""
    return read_pins(LOCK.read_text(encoding="utf-8"))[normal(name)]


def write_lock(upgrade: Sequence[str] = ()) -> None:
    """Writes the lock anew.

    Args:
        upgrade: names to take the newest version of, or ``all``; others stay as they are while they fit.

    Raises:
        SetupError: uv cannot be had, or the requirements contradict each other.
    """
    asked = [*requirements(), *(f"{name}{versions}" for name, versions in HELD.items())]
    words = ["pip", "compile", "--quiet", "--universal", "--python-version", _OLDEST, "--fork-strategy", "fewest"]
    # Neither the index of whoever runs this nor a folder of theirs may decide, or be told to everybody.
    words += ["--no-config", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    words += ["--upgrade"] if "all" in upgrade else [word for name in upgrade for word in ("--upgrade-package", name)]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / LOCK.name
        if LOCK.exists():
            shutil.copyfile(LOCK, made)
        command = [str(_uv()), *words, "--output-file", str(made), "-"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
        done = subprocess.run(command, input="\n".join(asked), text=True, capture_output=True, env=clean)
        if done.returncode:
            raise SetupError(
                f"no set of versions was found:\n{done.stderr.strip()}\n",
                "requirements that can be met together, and a package index that is reached",
                "change the pyproject.toml files, or development/lockfile.py where it holds a version",
            )
        LOCK.write_text(_HEADER + made.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")


def _uv() -> Path:
    """The program uv: the one that is installed, else one in a folder of its own."""
    if found := shutil.which("uv"):
        return Path(found)
    binaries = _TOOLS / ("Scripts" if os.name == "nt" else "bin")
    program = binaries / ("uv.exe" if os.name == "nt" else "uv")
    if not program.exists():
        for command in (
            [sys.executable, "-m", "venv", str(_TOOLS)],
            [str(binaries / "python"), "-m", "pip", "install", "-q", _UV],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                said = (done.stderr or done.stdout).strip()
                raise SetupError(f"{_UV} cannot be installed: {said}", "a package index that has it", "install uv")
    return program
