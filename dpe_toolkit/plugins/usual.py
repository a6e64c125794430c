"""Which distributions the toolkit itself installs along, so that their components are what is taken by default."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

__all__ = ["DEFAULT_EXTRA", "default_distributions", "plain_name"]

_DISTRIBUTION = "dpe-toolkit"
DEFAULT_EXTRA = f"{_DISTRIBUTION}[default]"
"""What to install for components that work when nobody names one."""
_FOR_DEFAULT = re.compile(r"extra\s*==\s*['\"]default['\"]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def plain_name(distribution: str) -> str:
    """A distribution's name in the one spelling by which names are compared."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def default_distributions() -> frozenset[str]:
    """Names, as `plain_name` spells them, of what the toolkit's own extra ``default`` installs.

    A checkout that is not installed is asked by its ``pyproject.toml``. Where neither is there, no plugin is usual,
    and components must be named.
    """
    try:
        stated = metadata.requires(_DISTRIBUTION) or []
        wanted = [text for text in stated if _FOR_DEFAULT.search(text.partition(";")[2])]
    except metadata.PackageNotFoundError:
        wanted = _of_checkout()
    return frozenset(plain_name(found[0]) for text in wanted if (found := _NAME.match(text)))


def _of_checkout() -> list[str]:
    try:
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return list(project["optional-dependencies"]["default"]) if project["name"] == _DISTRIBUTION else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
