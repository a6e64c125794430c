"""Modules and names that docs, docstrings and messages speak of are there."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"\b(?:dpe_toolkit|dpe_research|dpe_face_mesh|dpe_portrait)(?:\.[A-Za-z_]\w*)+")
_PLACES = ("dpe_toolkit", "plugins", "docs", "benchmarks", "development", ".github")
FORMER = {f"dpe_toolkit.{name}" for name in ("codes", "components", "dataset", "errors", "registry", "video")}
"""What the pages below may say that it has gone."""
TELL_OF_FORMER = {"CHANGELOG.md", "migration.md"}
NO_MODULE = {"dpe_toolkit.flags", "dpe_toolkit.plugins"}
"""Keys that look like one: of a command's notes, and of the group of entry points, which is a module besides."""


def texts() -> list[Path]:
    found = [path for place in _PLACES for path in (ROOT / place).rglob("*")]
    files = [*found, *ROOT.glob("*.md"), *ROOT.glob("*.toml")]
    return sorted(path for path in files if path.suffix in {".py", ".md", ".txt", ".toml", ".yml"})


@cache
def is_there(name: str) -> bool:
    """It is a module, or an attribute, a field or an annotated name of something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            held: object = import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(held, part):
                return part in {*getattr(held, "model_fields", ()), *getattr(held, "__annotations__", ())}
            held = getattr(held, part)
        return True
    return False


def test_every_dotted_name_that_is_written_somewhere_is_there() -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in texts()
        for name in _NAME.findall(path.read_text(encoding="utf-8"))
        if name not in NO_MODULE and not (name in FORMER and path.name in TELL_OF_FORMER) and not is_there(name)
    }
    assert missing == set()


@pytest.mark.parametrize("name", sorted(FORMER))
def test_what_has_gone_is_not_there(name: str) -> None:
    assert not is_there(name)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("dpe_toolkit.plans.model.RenderPlan.problems", True),
        ("dpe_toolkit.api.Stage", False),
        ("dpe_toolkit.video", False),
        ("dpe_toolkit.registry.plugins", False),
        ("dpe_toolkit.plans.model.RenderPlan.inner", False),
    ],
)
def test_a_name_that_is_not_there_is_seen(name: str, there: bool) -> None:
    assert is_there(name) is there
