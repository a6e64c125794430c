from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from tests.cli.conftest import Dpe
from tests.cli.test_conform import clips_of, save
from tests.cli.test_shot_files import stretch


def clip(url: str, length: int = 10) -> Any:
    return otio.schema.Clip(url, otio.schema.ExternalReference(url, stretch(0, length)), stretch(2, 5))


@pytest.fixture
def footage(media: Path, tmp_path: Path) -> Path:
    for place in ("here/day1", "here/day2"):
        (tmp_path / place).mkdir(parents=True)
    shutil.copy(media / "face.mkv", tmp_path / "here" / "day1" / "Face.mkv")
    return tmp_path


def relinked(dpe: Dpe, footage: Path, *clips: Any) -> tuple[int, list[str]]:
    held = save(footage / "cut.otio", *clips)
    done = dpe("relink", held, "--search", footage / "here", "-o", footage / "new.otio", "--json")
    return done.returncode, [one["status"] for one in json.loads(done.stdout)["media"]]


def test_media_are_found_by_name_and_length(dpe: Dpe, footage: Path) -> None:
    code, statuses = relinked(
        dpe, footage, clip("file:///gone/face.mkv"), clip("/gone/other.mkv"), clip("face.mkv", 99)
    )
    assert (code, statuses) == (2, ["found", "missing", "missing"])
    assert [one.media_reference.target_url for one in clips_of(footage / "new.otio")] == [
        "here/day1/Face.mkv",
        "/gone/other.mkv",
        "face.mkv",
    ]


def test_what_is_in_place_stays_and_two_of_a_name_are_not_guessed(dpe: Dpe, footage: Path) -> None:
    shutil.copy(footage / "here/day1/Face.mkv", footage / "here/day2/face.mkv")
    code, statuses = relinked(dpe, footage, clip("here/day1/Face.mkv"), clip("/gone/face.mkv"))
    assert (code, statuses) == (2, ["in place", "ambiguous"])
    (footage / "here/day2/face.mkv").write_text("no film")
    assert relinked(dpe, footage, clip("/gone/face.mkv")) == (0, ["found"])


def test_a_search_folder_that_is_none_is_refused(dpe: Dpe, footage: Path) -> None:
    held = save(footage / "cut.otio", clip("face.mkv"))
    done = dpe("relink", held, "--search", footage / "no", "-o", footage / "new.otio")
    assert (done.returncode, "it is no folder" in done.stderr) == (2, True)
