"""Each edited shot becomes media of its own, and a timeline shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

import dpe_toolkit.rendering
from dpe_toolkit.core.errors import RenderError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.media import VideoReader, probe
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
    assert all(take["edit"] is None for take in plan["takes"])
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
    assert "the new timeline is a file that the timeline reads" in done.stderr


@pytest.fixture
def pair(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    """A cut whose first and second clip are edited."""
    held = cut(tmp_path, media)
    for name in ("one", "two"):
        words = ("--clip", name, "--driver", media / "face.mkv", "--consent", "given", "-o", tmp_path / "pair.otio")
        assert dpe("link", held, *words).returncode == 0
        held = tmp_path / "pair.otio"
    return held


class Stop:
    """A render that stops at one file, and says which files it began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self.at = ""
        whole = dpe_toolkit.rendering.render_plan

        def render_plan(plan: Any, output: Path, **more: Any) -> Any:
            self.begun.append(output.name)
            if output.name == self.at:
                raise RenderError("the disk is full", "room", "make room", path=output)
            return whole(plan, output, **more)

        monkeypatch.setattr(dpe_toolkit.rendering, "render_plan", render_plan)


def test_a_render_that_stopped_keeps_what_it_finished_and_goes_on(
    dpe: Dpe, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, folder, target = Stop(monkeypatch), pair.parent / "shots", pair.parent / "edited.otio"
    words = ("render", pair, "--per-shot", folder, "--template", "{shot}.mkv", "-o", target)
    stop.at = "two.mkv"
    done = dpe(*words)
    assert done.returncode == 1
    assert "1 of 2 files are finished and stay: one.mkv. No timeline names them yet" in done.stderr
    assert not target.exists()
    assert not (folder / "two.mkv").exists()
    stop.at, stop.begun = "", []
    done = dpe(*words)
    assert done.returncode == 0, done.stderr
    assert stop.begun == ["two.mkv"]
    assert "kept, since it was finished" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == [
        "one.mkv", "one.mkv.edits.json", "two.mkv", "two.mkv.edits.json"
    ]  # fmt: skip
    stop.begun = []
    assert dpe(*words).returncode == 0
    assert stop.begun == ["one.mkv", "two.mkv"], "a render that came to its end is made anew"


@pytest.mark.parametrize("change", ["strength", "file", "note"])
def test_what_was_finished_otherwise_is_rendered_again(
    dpe: Dpe, pair: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    stop, folder = Stop(monkeypatch), pair.parent / "shots"
    words = ["render", pair, "--per-shot", folder, "--template", "{shot}.mkv", "-q"]
    stop.at = "two.mkv"
    assert dpe(*words).returncode == 1
    if change == "strength":
        words += ["--expression", "0.5"]
    elif change == "file":
        (folder / "one.mkv").write_bytes(b"somebody else's")
    else:
        (folder / ".dpe_unfinished.json").write_text("[")
    stop.begun = []
    assert dpe(*words).returncode == 1
    assert stop.begun == ["one.mkv", "two.mkv"]


def test_the_timeline_is_written_in_any_format_and_says_what_it_loses(dpe: Dpe, linked: Path, tmp_path: Path) -> None:
    pytest.importorskip("otio_fcp_adapter")
    words = ("--per-shot", tmp_path / "shots", "--template", "{shot}.mkv", "--format", "fcp7")
    done = dpe("render", linked, *words)
    assert done.returncode == 0, done.stderr
    assert "a Final Cut Pro 7 XML does not keep effects" in done.stderr
    (track,) = otio.adapters.read_from_file(str(tmp_path / "shots" / "cut.xml"), "fcp_xml").video_tracks()
    clips = [item for item in track if isinstance(item, otio.schema.Clip)]
    assert Path(clips[1].media_reference.target_url.removeprefix("file://")) == tmp_path / "shots" / "two.mkv"
    assert [marker.name.split(":")[0] for marker in clips[1].markers] == ["dpe-edited"]


def test_a_format_that_cannot_be_written_is_told_before_anything_is_rendered(
    dpe: Dpe, linked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("otio_fcp_adapter")

    def fail(*words: object, **more: object) -> None:
        raise ValueError("no such thing\nand more")

    monkeypatch.setattr(otio.adapters, "write_to_file", fail)
    stop = Stop(monkeypatch)
    done = dpe("render", linked, "--per-shot", linked.parent / "shots", "-o", linked.parent / "edited.xml")
    assert done.returncode == 2
    assert "otio-fcp-adapter cannot write it: no such thing. Expected: a timeline that a" in done.stderr
    assert stop.begun == []
    assert not (linked.parent / "edited.xml").exists()


def test_a_render_needs_an_output(dpe: Dpe, linked: Path) -> None:
    done = dpe("render", linked)
    assert (done.returncode, "no output is named" in done.stderr) == (2, True)
