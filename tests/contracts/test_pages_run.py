"""The commands of the pages for editors and plugin authors, run in the order in which they stand."""

from __future__ import annotations

import json
import re
import shlex
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dpe_toolkit.cli import app
from dpe_toolkit.registry import load_registry
from dpe_toolkit.testing import LAYOUTS, REC709, acted_clip, batch_from_rgb, photograph_clip
from dpe_toolkit.testing.pictures import RgbPicture
from dpe_toolkit.video import OutputSettings, VideoWriter

ROOT = Path(__file__).parents[2]
NUM_FRAMES = 52
RATE = Fraction(25)
CLIPS = {"actor": photograph_clip, "performance": acted_clip, "smile": acted_clip, "shock": acted_clip}


def commands(page: str) -> list[list[str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines() if line.startswith("dpe ")]


def write(path: Path, pictures: RgbPicture) -> None:
    _, height, width, _ = pictures.shape
    with VideoWriter(
        path,
        OutputSettings(preset="ultrafast"),
        width=width,
        height=height,
        rate=RATE,
        layout=LAYOUTS["yuv420p"],
        color=REC709,
        audio=(),
        metadata={},
        start_frame=0,
    ) as writer:
        writer.write(batch_from_rgb(pictures, rate=RATE))


def cut() -> dict[str, object]:
    """A timeline of two shots of the actor."""

    def clip(name: str, start: int, length: int) -> dict[str, object]:
        moments = {
            key: {"OTIO_SCHEMA": "RationalTime.1", "rate": 25.0, "value": value}
            for key, value in (("start_time", start), ("duration", length))
        }
        reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "actor.mp4"}
        held = {"OTIO_SCHEMA": "TimeRange.1", **moments}
        return {"OTIO_SCHEMA": "Clip.1", "name": name, "media_reference": reference, "source_range": held}

    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip("sh010", 0, 8), clip("sh030", 8, 8)]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    return {"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the files lie that the pages take for granted."""
    place = tmp_path_factory.mktemp("pages")
    for name, make in CLIPS.items():
        write(place / f"{name}.mp4", make(NUM_FRAMES).pictures)
    (place / "cut.otio").write_text(json.dumps(cut()), encoding="utf-8")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/first-edit.md", "docs/plugins.md", "docs/blenders.md"])
def test_every_command_of_the_page_works(folder: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if page == "docs/blenders.md" and "poisson" not in load_registry().components("compositor"):
        pytest.skip("the compositors are not installed here")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for words in commands(page):
        result = CliRunner().invoke(app, words, env={"DPE_CACHE_DIR": str(folder / "cache"), "COLUMNS": "120"})
        # A machine may lack a device or a package and yet be well; the doctor then says so and leaves with 1.
        allowed = (0, 1) if words == ["doctor"] else (0,)
        if words[0] == "sync":
            # Photographs have no sound; tests/cli/test_sync.py has performances that do.
            assert "it has no sound" in result.stderr
            continue
        assert result.exit_code in allowed, f"dpe {' '.join(words)}\n{result.output}\n{result.stderr}"
    written = {words[words.index("-o") + 1] for words in commands(page) if "-o" in words}
    assert [name for name in written if not (folder / name).exists()] == []
