"""``dpe sync``, ``dpe link --sync`` and ``dpe faces``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.media import VideoReader
from tests.cli.conftest import Dpe
from tests.conformance.scenes import clip, track
from tests.media.sound.test_sync import RATE_HZ, film, speech


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut")
    scene = speech(9, 1)
    film(folder / "clip.mkv", scene)
    film(folder / "driver.mkv", scene[: 8 * RATE_HZ], rate=50)
    film(folder / "late.mkv", scene[2 * RATE_HZ :])
    film(folder / "stranger.mkv", speech(9, 5))
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track(clip("clip.mkv", 50, 100), clip("clip.mkv", 0, 100)))
    (folder / "cut.otio").write_text(timeline.to_json_string())
    return folder


def test_sync_says_where_the_driver_begins(dpe: Dpe, cut: Path) -> None:
    done = dpe("sync", cut / "cut.otio", cut / "driver.mkv", "--clip", "clip#1")
    assert done.returncode == 0, done.stderr
    assert "driver.mkv is in sync with clip#1 from 2.0" in done.stdout
    assert "frame 100 (confidence 0." in done.stdout


def test_sync_of_two_films_needs_no_timeline(dpe: Dpe, cut: Path) -> None:
    done = dpe("sync", cut / "clip.mkv", cut / "late.mkv")
    assert "late.mkv begins 2.0" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cut.otio", "driver.mkv", "--clip", "clop"), "there is no picture clip 'clop'"),
        (("cut.otio", "driver.mkv"), "it has 2 clips"),
        (("cut.otio", "driver.mkv", "--clip", "clip"), "2 clips are called 'clip'"),
        (("clip.mkv", "driver.mkv", "--clip", "clip"), "SOURCE is no timeline"),
        (("clip.mkv", "stranger.mkv"), "hardly better than elsewhere"),
    ],
)
def test_sync_refuses_what_it_cannot_tell(dpe: Dpe, cut: Path, words: tuple[str, ...], message: str) -> None:
    done = dpe("sync", *(cut / word if word.endswith((".mkv", ".otio")) else word for word in words))
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())


def link(dpe: Dpe, cut: Path, driver: str, *more: object) -> Any:
    words = ("link", cut / "cut.otio", "--clip", "clip#1", "--driver", cut / driver, "--sync", "-o", cut / "v.otio")
    return dpe(*words, *more)


def start_of(cut: Path) -> float:
    (shot,) = json.loads((cut / "v.dpe.json").read_text())["shots"]
    return float(shot["effect"]["driving"]["start"]["value"])


def test_a_linked_driver_may_be_put_in_sync(dpe: Dpe, cut: Path) -> None:
    done = link(dpe, cut, "driver.mkv")
    assert done.returncode == 0, done.stderr
    assert start_of(cut) == 100
    assert "the driver's frame 100 is the clip's first" in done.stderr


def test_a_part_of_a_clip_is_put_in_sync_with_its_own_first_frame(dpe: Dpe, cut: Path) -> None:
    assert link(dpe, cut, "late.mkv", "--frames", "25:75").returncode == 0
    assert start_of(cut) == 25


def test_a_start_beside_sync_is_refused(dpe: Dpe, cut: Path) -> None:
    assert "--start and --sync are both given" in " ".join(link(dpe, cut, "driver.mkv", "--start", "1s").stderr.split())


@pytest.mark.slow
def test_a_sheet_shows_who_is_seen_and_how_to_choose_him(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    timeline = otio.schema.Timeline("cut")
    timeline.tracks.append(track(clip(media / "face.mkv", 0, 6), clip(media / "room.mkv", 0, 3)))
    (tmp_path / "cut.otio").write_text(timeline.to_json_string())
    done = dpe("faces", tmp_path / "cut.otio", "-o", tmp_path / "sheet.png", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "face, source" in done.stdout
    assert "track:" in done.stdout
    assert "room" not in done.stdout
    with VideoReader(tmp_path / "sheet.png") as reader:
        assert (reader.info.width, reader.info.height) == (192, 236)
    for words, message in (
        (("-o", tmp_path / "sheet.jpg"), "a name in .png"),
        (("-o", tmp_path / "s.png", "--shot", "nobody"), "no shot is called 'nobody'"),
        (("-o", tmp_path / "s.png", "--shot", "room"), "nobody is seen in these shots"),
    ):
        assert message in " ".join(dpe("faces", tmp_path / "cut.otio", "--quiet", *words).stderr.split())
