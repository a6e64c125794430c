from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "dpe_toolkit" / "plugins" / "scaffold" / "templates" / "common" / "pyproject.toml.txt"
MANIFESTS = [ROOT / "pyproject.toml", *sorted((ROOT / "plugins").glob("*/pyproject.toml")), TEMPLATE]
# Their interfaces move: a major version that has not been run is not taken.
MOVING = {
    "ai-edge-litert",
    "av",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "opentimelineio",
    "pydantic",
    "typer",
}


def requirements() -> Iterator[tuple[Path, Requirement]]:
    for path in MANIFESTS:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for text in chain(project["dependencies"], *project.get("optional-dependencies", {}).values()):
            yield path, Requirement(text)


def test_a_package_is_asked_for_in_the_same_versions_everywhere() -> None:
    found: dict[str, dict[str, list[str]]] = {}
    for path, wanted in requirements():
        found.setdefault(wanted.name, {}).setdefault(str(wanted.specifier), []).append(path.parent.name)
    assert not {name: versions for name, versions in found.items() if len(versions) > 1}


def test_a_package_whose_interface_moves_has_a_ceiling() -> None:
    ceilings = {
        wanted.name: any(bound.operator == "<" for bound in wanted.specifier)
        for _, wanted in requirements()
        if wanted.name in MOVING
    }
    assert ceilings == dict.fromkeys(MOVING, True)
