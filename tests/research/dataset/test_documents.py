from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dpe_research.dataset import ClipMotion, ClipRecord, DatasetWriter
from dpe_research.dataset.settings import BuildSettings
from dpe_toolkit.cli import app
from tests.research.dataset.drawn import draft, motion, pictures

PACKAGE = Path(__file__).parents[3] / "plugins" / "research" / "dpe_research" / "dataset"
PAGE = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
OPTIONS = {
    "size": "size_px",
    "margin": "margin",
    "min-face": "min_face_px",
    "min-frames": "min_frames",
    "max-frames": "max_frames",
    "max-yaw": "max_yaw_deg",
    "max-pitch": "max_pitch_deg",
    "max-travel": "max_travel",
    "max-blur": "max_blur",
}


def section(heading: str) -> str:
    return PAGE.partition(heading)[2].partition("\n#")[0]


def test_the_page_explains_every_reason_to_drop_footage_and_no_other() -> None:
    told = set(re.findall(r"`([a-z]+-[a-z-]+|unreadable|blurred)`", section("### What is left out\n")))
    code = "".join((PACKAGE / f"{name}.py").read_text("utf-8") for name in ("candidates", "working", "stretches"))
    given = set(re.findall(r'"((?:[a-z]+-)+[a-z]+|unreadable|blurred)"', code))
    assert told == given - {"utf-8"}


@pytest.mark.parametrize(("option", "name"), OPTIONS.items())
def test_help_and_page_state_the_values_that_are_used(option: str, name: str) -> None:
    value = f"{BuildSettings.model_fields[name].default:g}"
    text = CliRunner().invoke(app, ["dataset", "build", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    line = next(line for line in text.splitlines() if f"--{option} " in line)
    assert re.search(rf"\b{re.escape(value)}\b", line)
    for stated in re.findall(rf"--{option} ([\d.]+\d)", PAGE):
        assert stated == value


def test_the_page_names_every_array_and_field() -> None:
    arrays = set(re.findall(r"^\| `(\w+)` \|", section("## The format\n"), flags=re.MULTILINE))
    assert arrays == set(ClipMotion.__slots__) - {"extra"}
    assert all(f"`{name}`" in section("## The format\n") for name in ClipRecord.model_fields)


def test_the_program_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DatasetWriter(tmp_path / "faces", "video", 256) as writer:
        writer.add(draft("a").model_copy(update={"split": "train"}), pictures("a", 8, 256), motion("a", 8))
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(program, "datasets.md", "exec"), found)
    assert tuple(found["pictures"].shape) == (2, 3, 256, 256)
    assert np.array_equal(found["motion"].pose_deg, motion("a", 8).pose_deg)
