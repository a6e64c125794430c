"""Where things lie in this checkout, and what its distributions say that they need."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["LOCK", "ROOT", "SetupError", "distributions", "local_names", "normal", "project", "requirements"]

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"


class SetupError(Exception):
    """What keeps a checkout from being set up, told as the toolkit tells its errors.

    Args:
        wrong: what was wrong, with the value that was seen.
        expected: what would have been right; empty where that goes without saying.
        action: what to do next.
    """

    def __init__(self, wrong: str, expected: str, action: str) -> None:
        told = "; ".join(part for part in (wrong, expected and f"expected {expected}", action) if part)
        # Where a part ends by the lines of another program, the next one begins a line.
        super().__init__(told.replace("\n; ", "\n"))


def distributions() -> list[Path]:
    """The folders of all distributions, the toolkit's own first."""
    return [ROOT, *(path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml")))]


def project(folder: Path) -> dict[str, Any]:
    """What the distribution in ``folder`` says of itself: its whole ``pyproject.toml``."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def normal(name: str) -> str:
    """The one spelling of a distribution's name, of a requirement's beginning too.

    Source: the packaging specifications, "Names and normalization".
    """
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0]).lower()


def local_names() -> set[str]:
    """The names of the distributions that are made here."""
    return {normal(project(folder)["project"]["name"]) for folder in distributions()}


def requirements() -> list[str]:
    """All that any distribution needs from elsewhere: to run, to be built, and by each of its extras. Sorted."""
    ours = local_names()
    found = {line for folder in distributions() for line in _asked_by(project(folder))}
    return sorted(line for line in found if normal(line) not in ours)


def _asked_by(manifest: dict[str, Any]) -> Iterator[str]:
    yield from manifest["build-system"]["requires"]
    yield from manifest["project"].get("dependencies", [])
    for lines in manifest["project"].get("optional-dependencies", {}).values():
        yield from lines
