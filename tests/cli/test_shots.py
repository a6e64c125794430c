"""How ``dpe plan`` tells what a timeline does to its pictures."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from dpe_toolkit.testing import NumberedClip, make_numbered_clip
from tests.cli.conftest import Dpe
from tests.conformance.scenes import clip, dissolve, gap, speed, track


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut")
    for name, lane in (("a.mkv", 0), ("b.mkv", 1)):
        make_numbered_clip(folder / name, NumberedClip(num_frames=40, lane=lane))
    make_numbered_clip(folder / "fast.mkv", NumberedClip(num_frames=40, rate=Fraction(50)))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(
        track(
            clip("a.mkv", 0, 10),
            dissolve(2, 2),
            clip("b.mkv", 10, 10, speed(-1)),
            clip("a.mkv", 5, 6, speed(2)),
            clip("b.mkv", 7, 3, speed(0)),
            clip("fast.mkv", 0, 10, rate=50),
            gap(2),
            dissolve(0, 2),
            clip("a.mkv", 30, 5),
        )
    )
    path = folder / "cut.otio"
    path.write_text(timeline.to_json_string())
    return path


def test_a_plan_tells_of_speeds_dissolves_and_gaps(dpe: Dpe, cut: Path) -> None:
    done = dpe("plan", cut)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for words in (
        "a.mkv from 8 dissolving into b.mkv from 21 backwards",
        "b.mkv from 17 backwards",
        "a.mkv from 5, 2 frames a frame",
        "b.mkv, frame 7 held",
        "fast.mkv from 0, 2 frames a frame",
        "black",
        "a.mkv from 30 fading in",
    ):
        assert words in text, text


def test_a_shot_is_picked_with_the_dissolves_that_it_takes_part_in(dpe: Dpe, cut: Path, tmp_path: Path) -> None:
    output = tmp_path / "b.mkv"
    done = dpe("render", cut, "-o", output, "--shot", "b", "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "b.mkv.edits.json").read_text())["num_frames"] == 12


def test_the_fit_may_be_typed_or_stand_in_the_project(dpe: Dpe, cut: Path) -> None:
    def fit(*words: str) -> tuple[str, str]:
        plan = json.loads(dpe("plan", cut, "--json", *words).stdout)
        return plan["fit"], plan["gaps"]

    assert fit() == ("fit", "black")
    assert fit("--fit", "fill", "--gaps", "transparent") == ("fill", "transparent")
    project = cut.with_name("other.toml")
    project.write_text('[picture]\nfit = "none"\n')
    assert fit("--project", str(project)) == ("none", "black")
