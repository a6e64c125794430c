"""A new kind of component is a row, its protocol and its use: three files, counted in a copy of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from dpe_toolkit.editing.stages import STAGES, stage_of
from dpe_toolkit.hookspecs import HookSpecs
from tests.cli.strangers import install

PACKAGE = Path(__file__).parents[2] / "dpe_toolkit"
ROW = """
TOY: Stage[Toy] = Stage(
    kind="toy",
    protocol_path=f"{_PROTOCOLS}:Toy",
    hook="dpe_register_toys",
    plural="Toys",
    words="What rings while the face is drawn.",
    runs="render",
    optional=True,
)
STAGES: tuple"""
PROTOCOL = '''

@runtime_checkable
class Toy(Protocol):
    """Rings."""

    def ring(self) -> str:
        """How it sounds."""
        ...
'''
USE = '''

def ring_toy(pool: ComponentPool, choice: ComponentChoice, clip: str) -> str:
    """How the toy of a shot sounds."""
    from dpe_toolkit.editing.stages import TOY

    return pool.get(TOY, choice, clip).ring()
'''
PATCH: Mapping[str, tuple[tuple[str, str], ...]] = {
    "editing/stages.py": (
        ("\nSTAGES: tuple", ROW),
        ("    DETECTOR,\n    LANDMARK,", "    DETECTOR,\n    TOY,\n    LANDMARK,"),
    ),
    "editing/protocols.py": (("", PROTOCOL),),
    "analysis/clip.py": (("", USE),),
}
"""File to what is replaced in it; nothing means the end."""

PLUGIN = """
from dpe_toolkit.api import Component, NoOptions, hookimpl

DPE_API_VERSION = 1


class Bell:
    def ring(self):
        return "ding"


@hookimpl
def dpe_register_toys():
    return [Component(kind="toy", name="bell", summary="A bell.", create=lambda options, context: Bell())]
"""

SCRIPT = """
import json, torch
from typer.testing import CliRunner
from dpe_toolkit.analysis.clip import ring_toy
from dpe_toolkit.analysis.pool import ComponentPool
from dpe_toolkit.cli import app
from dpe_toolkit.planning.components import choose_components
from dpe_toolkit.plugins import load_registry
from dpe_toolkit.timeline.effect import EffectSpec

registry = load_registry()
effect = EffectSpec.model_validate({"id": "e", "components": {"toy": "bell"}})
chosen = choose_components(registry, {"default": registry.defaults, "effect": effect.components}, {}, where="shot")
choice = chosen.choices["toy"]
run = lambda *words: CliRunner().invoke(app, words, env={"COLUMNS": "200"}).output
print(json.dumps({
    "problems": [str(one) for one in chosen.problems],
    "plugin": choice.plugin,
    "rings": ring_toy(ComponentPool(registry, torch.device("cpu")), choice, "shot"),
    "listed": run("plugins", "list"),
    "help": run("plan", "--help"),
    "schema": json.loads(run("plugins", "schema"))["properties"]["components"]["properties"]["toy"],
}))
"""


def patched(folder: Path) -> Path:
    """A copy of the package with the toy kind in it."""
    copy = folder / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in PATCH.items():
        text = (copy / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"{name} no longer has {old!r}"
            text = text.replace(old, new, 1) if old else text + new
        (copy / name).write_text(text, encoding="utf-8")
    return copy


@pytest.mark.slow
def test_a_toy_kind_needs_three_files_and_is_listed_registered_planned_and_in_help(tmp_path: Path) -> None:
    copy = patched(tmp_path)
    changed = [
        path for path in copy.rglob("*.py") if path.read_bytes() != (PACKAGE / path.relative_to(copy)).read_bytes()
    ]
    assert len(changed) == len(PATCH) <= 3
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "toy_shop", PLUGIN)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{tmp_path / 'site'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["problems"], told["plugin"], told["rings"]) == ([], "toy_shop", "ding")
    assert " toy " in told["listed"]
    assert "--toy" in told["help"]
    assert "What rings while the face is drawn." in told["help"]
    assert told["schema"]["enum"] == ["bell"]


def test_here_there_is_no_toy() -> None:
    assert stage_of("toy") is None
    assert not hasattr(HookSpecs, "dpe_register_toys")


def test_each_row_names_a_protocol_that_can_be_asked_and_a_hook_of_its_own() -> None:
    assert [row.kind for row in STAGES if not getattr(row.protocol, "_is_runtime_protocol", False)] == []
    assert len({row.kind for row in STAGES}) == len({row.hook for row in STAGES}) == len(STAGES)
    assert [row.hook for row in STAGES if not hasattr(HookSpecs, row.hook)] == []
