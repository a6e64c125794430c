"""The virtual environment of a checkout: made once, and installed into only when what is to be installed changes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from development.checkout import LOCK, ROOT, SetupError, distributions

__all__ = ["GROUPS", "OLDEST", "Environment", "PipError"]

OLDEST = (3, 11)
"""The first Python that the toolkit runs on."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "demo": ("default", "demo"),
    # All that the demonstration wants as well, so that the two never undo each other.
    "dev": ("default", "demo", "dev", "train", "color", "nle"),
    "docs": ("default", "demo", "docs"),
}
"""What is installed for which purpose: extras of the toolkit. The plugins come with each, but for `_NO_DEMO`."""

_NO_DEMO = frozenset({"research"})
"""Folders of plugins that bring large packages which the demonstration does not need."""

_BACKEND = ("hatchling", "editables")
_LAST_LINES = 12
_WORTH_TELLING_MB = 20.0
_PROBE_S = 8


class PipError(SetupError):
    """pip failed; ``said`` holds its output's last lines."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(f"pip could not install what is needed. It said last:\n{said}\n", "", _advice(said))


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment.

    Args:
        folder: where it lies, whether it is there yet or not.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.script("python")

    def script(self, name: str) -> Path:
        """A program that is installed in it."""
        windows = os.name == "nt"
        return self.folder / ("Scripts" if windows else "bin") / (f"{name}.exe" if windows else name)

    def make(self) -> None:
        """Makes it by the Python that runs this, unless it is there, and sees that it can be used.

        Raises:
            SetupError: it cannot be made, does not work, or is of another Python than ``PYTHON`` asks for.
        """
        if not self.folder.exists():
            _create(self.folder)
        found = self._version()
        remove = f"remove {self.folder} and run this again, which makes it anew"
        if found is None:
            raise SetupError(f"{self.folder} has no Python that runs", "a whole virtual environment", remove)
        if found < OLDEST:
            raise SetupError(f"{self.folder} is of Python {_dotted(found)}", f"{_dotted(OLDEST)} or newer", remove)
        # make hands PYTHON on only where somebody named one; that it is passed over in silence helps nobody.
        if os.environ.get("PYTHON") and found != sys.version_info[:2]:
            asked = _dotted(sys.version_info[:2])
            raise SetupError(f"{self.folder} is of Python {_dotted(found)}", f"{asked}, which PYTHON names", remove)
        if not self._runs("-m", "pip", "--version") and not self._runs("-m", "ensurepip"):
            raise SetupError(f"{self.folder} has no pip", "an environment that packages can be installed into", remove)

    def pip(self, *words: str) -> None:
        """``pip install`` with ``words``, telling of large downloads as they begin.

        Raises:
            PipError: it failed.
        """
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "install", *words]
        last: deque[str] = deque(maxlen=_LAST_LINES)
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as running:
            for line in running.stdout or ():
                last.append(line.rstrip())
                _tell(line)
        if running.returncode:
            raise PipError("\n".join(last))

    def offered(self, name: str, *words: str) -> list[str]:
        """The versions of a distribution that pip finds for this Python and machine, newest first.

        pip is asked, so that its indexes, proxies and certificates count. An index that does not answer has none.
        """
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", "index", "versions", name, *words]
        command += ["--retries", "0", "--timeout", str(_PROBE_S)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=8 * _PROBE_S)
        except subprocess.TimeoutExpired:
            return []
        found = re.search(r"^Available versions: (.*)$", done.stdout, flags=re.MULTILINE)
        return found.group(1).split(", ") if found else []

    def install(self, group: str, constraints: Path | None) -> None:
        """Installs all distributions of the checkout, as links to their sources.

        Args:
            group: one of `GROUPS`.
            constraints: file of the versions to take; None for the newest.
        """
        chosen = [] if constraints is None else ["-c", str(constraints)]
        # pip would fetch the newest build backend for each distribution; this way it is that of the lock, fetched once.
        self.pip(*chosen, *_BACKEND)
        extras = ",".join(GROUPS[group])
        folders = [folder for folder in distributions()[1:] if group != "demo" or folder.name not in _NO_DEMO]
        linked = [word for folder in folders for word in ("-e", folder.relative_to(ROOT).as_posix())]
        self.pip(*chosen, "--no-build-isolation", "-e", f".[{extras}]", *linked)

    def remembered(self) -> dict[str, object]:
        """What `remember` wrote, if what is to be installed is still the same; else only its ``torch``."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if record.get("digest") == _digest() else {"torch": record.get("torch")}

    def remember(self, groups: Iterable[str], torch: str | None) -> None:
        """Writes down what is installed, and which PyTorch of it was put there by set-up."""
        record = {"digest": _digest(), "groups": sorted(groups), "torch": torch}
        self._record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    @property
    def _record(self) -> Path:
        return self.folder / "dpe-setup.json"

    def _version(self) -> tuple[int, ...] | None:
        code = "import sys; print(*sys.version_info[:2])"
        try:
            done = subprocess.run([str(self.python), "-c", code], capture_output=True, text=True)
        except OSError:
            return None
        return None if done.returncode else tuple(int(word) for word in done.stdout.split())

    def _runs(self, *words: str) -> bool:
        return subprocess.run([str(self.python), *words], capture_output=True).returncode == 0


def _create(folder: Path) -> None:
    print(f"making {folder} by Python {_dotted(sys.version_info[:3])}", flush=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
    if done.returncode == 0:
        return
    # What is half made would be taken for an environment by the next run.
    shutil.rmtree(folder, ignore_errors=True)
    said = (done.stdout + done.stderr).strip()
    if re.search(r"ensurepip|No module named '?venv", said):
        package = f"python{_dotted(sys.version_info[:2])}-venv"
        raise SetupError(
            f"{sys.executable} lacks a part of Python that makes virtual environments",
            "the modules venv and ensurepip",
            f"install it (on Debian and Ubuntu: apt install {package}) or use another Python",
        )
    raise SetupError(f"{folder} cannot be made:\n{said}\n", "", "mend that, or use another Python, and run this again")


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)


def _digest() -> str:
    """Tells one state of the manifests and the lock from another, whenever their files were written."""
    seen = hashlib.sha256()
    for path in (LOCK, *(folder / "pyproject.toml" for folder in distributions())):
        seen.update(path.read_bytes() + b"\0")
    return seen.hexdigest()


def _tell(line: str) -> None:
    """Lets through what pip says of downloads that take a while, and of the work after them."""
    if found := re.match(r"\s*Downloading (?:\S*/)?([\w.]+?)-(\d\S*?)-\S+ \(([\d.]+) (MB|GB)\)", line):
        name, version, size, unit = found.groups()
        if float(size) >= _WORTH_TELLING_MB or unit == "GB":
            print(f"  downloading {name} {version}, {size} {unit}", flush=True)
    elif line.startswith("Installing collected packages"):
        print(f"  installing {line.count(',') + 1} packages", flush=True)


def _advice(said: str) -> str:
    if re.search(r"No space left|Errno 28", said):
        return "free some disk space and run this again: nothing that was fetched is fetched twice"
    if re.search(r"ConnectionError|NewConnectionError|Name or service|timed out|ProxyError|SSLError", said):
        return "see that this machine reaches a package index (pip config list shows which), and run this again"
    if "ResolutionImpossible" in said:
        return (
            "see whether a constraint of your own (pip config list shows them) contradicts requirements.lock or a "
            ".venv that was made by hand; without either, run: make lock"
        )
    if re.search(r"No matching distribution|Could not find a version", said):
        return (
            "see that the package index is reached and whole (pip config list shows which), and that it has packages "
            f"for this machine and Python {_dotted(sys.version_info[:2])}; README.md names those that are tested"
        )
    return f"mend that and run this again; if it stays, remove {ROOT / '.venv'} first"
