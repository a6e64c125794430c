"""Each edited shot becomes media of its own, and a timeline shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

from dpe_toolkit.timing import Span
from dpe_toolkit.video import VideoReader, probe
from tests.cli.conftest import Dpe


def stretch(start: float, length: float, rate: float = 25.0) -> Any:
    time = otio.opentime.RationalTime
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def cut(folder: Path, media: Path, first: int = 1000) -> Path:
    """Three clips of ``face.mkv``: plain, edited at double speed, and plain, with a dissolve between the last two.

    ``first`` is the frame number at which the timeline lets the media begin.
    """

    def clip(name: str, start: int, length: int) -> Any:
        reference = otio.schema.ExternalReference((media / "face.mkv").as_uri(), stretch(first, 10))
        return otio.schema.Clip(name, reference, stretch(first + start, length))

    time = otio.opentime.RationalTime
    made = otio.schema.Timeline("cut")
    track = otio.schema.Track("V1")
    track.extend([clip("one", 0, 2), clip("two", 3, 4), clip("three", 4, 4)])
    track[1].effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    track.insert(2, otio.schema.Transition("x", "SMPTE_Dissolve", in_offset=time(1, 25), out_offset=time(1, 25)))
    made.tracks.append(track)
    made.to_json_file(str(folder / "plain.otio"))
    return folder / "plain.otio"


@pytest.fixture
def linked(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    words = ("--clip", "two", "--driver", media / "face.mkv", "--consent", "given", "-o", tmp_path / "cut.otio")
    assert dpe("link", cut(tmp_path, media), *words).returncode == 0
    return tmp_path / "cut.otio"


def two(path: Path) -> Any:
    (track,) = otio.adapters.read_from_file(str(path)).tracks
    assert [type(item).__name__ for item in track] == ["Clip", "Clip", "Transition", "Clip"]
    return track[1]


def test_a_shot_becomes_media_with_handles_beside_its_original(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    before = two(linked)
    words = ("--per-shot", tmp_path / "shots", "--handles", "2", "--template", "{shot}.mkv")
    done = dpe("render", linked, *words, "-o", tmp_path / "edited.otio")
    assert done.returncode == 0, done.stderr
    assert "handles of 2 and 2 frames" in done.stderr.replace("\n", " ")
    assert sorted(path.name for path in (tmp_path / "shots").iterdir()) == ["two.mkv", "two.mkv.edits.json"]
    clip = two(tmp_path / "edited.otio")
    assert clip.active_media_reference_key == "dpe_edited"
    assert clip.source_range == before.source_range
    assert [effect.time_scalar for effect in clip.effects] == [0.5]
    original = clip.media_references()["DEFAULT_MEDIA"]
    assert original.target_url == before.media_reference.target_url
    held = clip.media_reference
    # At half speed the clip and the dissolve's handle show frames 3 and 4 and 5.
    assert (held.target_url, held.available_range) == ("shots/two.mkv", stretch(1001, 7))
    assert probe(tmp_path / "shots" / "two.mkv").num_frames == 7
    (identity,) = clip.metadata["dpe"]["rendered"]["ids"]
    assert clip.metadata["dpe"]["rendered"]["effect"]["id"] == identity
    assert [marker.name for marker in clip.markers] == [f"dpe-edited:{identity}"]


def test_the_new_timeline_shows_the_edit_without_making_it_again(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    assert dpe("render", linked, "-o", tmp_path / "whole.mkv", "-q").returncode == 0
    words = ("--per-shot", tmp_path / "shots", "--template", "{shot}.mkv", "-o", tmp_path / "edited.otio")
    done = dpe("render", linked, *words)
    assert done.returncode == 0, done.stderr
    plan = json.loads(dpe("plan", tmp_path / "edited.otio", "--json").stdout)
    assert plan["problems"] == []
    assert all(shot["edit"] is None for shot in plan["shots"])
    done = dpe("render", tmp_path / "edited.otio", "-o", tmp_path / "again.mkv", "-q")
    assert done.returncode == 0, done.stderr
    frames = []
    for name in ("whole", "again"):
        with VideoReader(tmp_path / f"{name}.mkv") as reader:
            frames.append(reader.read(Span(0, reader.info.num_frames)).planes)
    for plane, other in zip(*frames, strict=True):
        assert np.count_nonzero(plane != other) < 1e-4 * plane.size
        assert int(np.abs(plane.astype(int) - other).max()) <= 1
    assert probe(tmp_path / "shots" / "two.mkv").num_frames == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "edited.mov"), "with --per-shot, -o names the timeline"),
        (("--frames", "0:2"), "--frames does not go with --per-shot"),
        (("--codec", "png"), "--codec png does not go with --per-shot"),
        (("--pass-through",), "--pass-through does not go with --per-shot"),
        (("--shot", "one"), "no shot is left that is edited"),
        (("--template", "{what}"), "--template has a field 'what'"),
    ],
)
def test_what_does_not_go_together_is_refused(dpe: Dpe, linked: Path, words: tuple[str, ...], message: str) -> None:
    done = dpe("render", linked, "--per-shot", linked.parent / "shots", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (linked.parent / "shots").exists()


def test_a_folder_that_cannot_be_made_is_told(dpe: Dpe, linked: Path) -> None:
    done = dpe("render", linked, "--per-shot", linked.parent / "no" / "shots")
    assert done.returncode == 2
    assert "the folder cannot be made" in done.stderr


def test_media_are_never_replaced(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    (tmp_path / "face.mkv").write_bytes((media / "face.mkv").read_bytes())
    words = ("--clip", "two", "--driver", tmp_path / "face.mkv", "--consent", "given", "-o", tmp_path / "cut.otio")
    assert dpe("link", cut(tmp_path, tmp_path), *words).returncode == 0
    done = dpe("render", tmp_path / "cut.otio", "--per-shot", tmp_path, "--template", "{source}.mkv")
    assert done.returncode == 2
    assert "the output is a file that is read" in done.stderr


def test_a_render_needs_an_output(dpe: Dpe, linked: Path) -> None:
    done = dpe("render", linked)
    assert (done.returncode, "no output is named" in done.stderr) == (2, True)
