"""The page of examples: each of its sections followed word by word in an empty folder."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dpe_toolkit.media import probe
from tests.contracts.test_first_plugin import ROOT, checkout, shell, steps

__all__ = ["checkout"]  # the fixture

PAGE = (ROOT / "docs" / "more-plugins.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
"""Heading to what stands below it."""
FRAMES = 12


def seen_grain(said: str, folder: Path) -> None:
    assert checked(said, "refine", "grain_match")
    (refiner,) = components(folder / "grain.mp4", "refine")
    assert refiner["options"] == {"amount": 0.8}


def seen_matte(said: str, folder: Path) -> None:
    assert checked(said, "matte", "keep_colour")
    (matte,) = components(folder / "matte.mp4", "matte")
    assert matte["options"] == {"distance": 0.25, "feather_px": 4}


def seen_boxes(said: str, folder: Path) -> None:
    assert checked(said, "detector", "skin_box")
    ((_, printed),) = [step for step in all_steps(SECTIONS["A detector of boxes"]) if step[0] == "dpe plan --explain"]
    told = [" ".join(line.split()) for line in said.splitlines()]
    assert [line for line in printed.splitlines() if " ".join(line.split()) not in told] == []
    names = {one["kind"]: one["name"] for one in record(folder / "boxes.mp4")}
    assert (names["detector"], names["landmark"], names["generator"]) == ("skin_box", "face_mesh", "mesh")


def seen_layers(said: str, folder: Path) -> None:
    assert checked(said, "refine", "five_layers")
    for line in ("network: five layers", "licence: MIT", "original format: five_layers"):
        assert re.search(rf"^{line}$", said, flags=re.MULTILINE)
    (first,), (other,) = (components(folder / name, "refine") for name in ("net.mp4", "other.mp4"))
    assert first["options"] == {"net": "mine"}
    assert re.fullmatch(r"five_layers/1 net [0-9a-f]{16}", str(first["fingerprint"]))
    assert re.fullmatch(r"five_layers/1 net [0-9a-f]{16}", str(other["fingerprint"]))
    assert other["fingerprint"] != first["fingerprint"]


SEEN: Mapping[str, Callable[[str, Path], None]] = {
    "A restorer": seen_grain,
    "An occlusion matte": seen_matte,
    "A detector of boxes": seen_boxes,
    "Weights of five files": seen_layers,
}


def all_steps(section: str) -> list[tuple[str, str]]:
    return list(steps(section))


def record(video: Path) -> list[dict[str, object]]:
    """The components of the first shot, as the edits file has them."""
    shot = json.loads(video.with_name(f"{video.name}.edits.json").read_text(encoding="utf-8"))["shots"][0]
    found: list[dict[str, object]] = shot["components"]
    return found


def components(video: Path, kind: str) -> list[dict[str, object]]:
    assert probe(video).num_frames == FRAMES
    return [one for one in record(video) if one["kind"] == kind]


def checked(said: str, kind: str, name: str) -> bool:
    """The kit was run, and every check held."""
    found = re.search(rf"^{name} +{kind} +{name} +(\d+) of (\d+) .* ok", said, flags=re.MULTILINE)
    return found is not None and found[1] == found[2] != "0"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are those of a POSIX shell")
@pytest.mark.parametrize("section", SEEN)
def test_the_example_works_as_it_stands(section: str, tmp_path: Path, checkout: Path) -> None:
    environment = shell(tmp_path, checkout) | {"DPE_WEIGHTS": str(tmp_path / "weights")}
    here = tmp_path / "empty"
    here.mkdir()
    said, places = [], [here]
    for title, text in all_steps(SECTIONS[section]):
        if title.startswith("dpe "):
            continue  # what a command prints
        if title:
            (places[-1] / title).write_text(text, encoding="utf-8")
            continue
        script = f"set -e\n{text}\npwd"
        done = subprocess.run(["bash", "-c", script], cwd=places[-1], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        *lines, place = done.stdout.rstrip("\n").split("\n")
        places.append(Path(place))
        said.append("\n".join(lines))
    whole = "\n".join(said)
    assert re.search(r"^2[0-9] passed", whole, flags=re.MULTILINE)
    SEEN[section](whole, places[1])


def test_every_section_with_code_is_followed() -> None:
    assert {name for name, text in SECTIONS.items() if "```" in text} == SEEN.keys()
