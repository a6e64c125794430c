"""Edits go on into the next cut, through the formats that editing programs write."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.timeline import EditedMedia, write_relinked
from dpe_toolkit.timeline.convert import as_plain
from dpe_toolkit.timeline.formats import FORMATS
from tests.cli.conftest import Dpe
from tests.cli.test_shot_files import stretch

ADAPTERS = [kind for kind in FORMATS.values() if kind.adapter]


def clip(name: str, media: str, start: int, length: int) -> Any:
    reference = otio.schema.ExternalReference(media, stretch(0, 100))
    return otio.schema.Clip(name, reference, stretch(start, length))


def save(path: Path, *clips: Any) -> Path:
    made = otio.schema.Timeline("cut")
    track = otio.schema.Track("V1")
    track.extend(clips)
    made.tracks.append(track)
    made.to_json_file(str(path))
    return path


def clips_of(path: Path) -> list[Any]:
    return list(otio.adapters.read_from_file(str(path)).find_clips())


def effects_of(path: Path) -> dict[str, Any]:
    held = clips_of(path)
    return {
        one.name: as_plain(effect.metadata["dpe"]) for one in held for effect in one.effects if "dpe" in effect.metadata
    }


@pytest.fixture
def old(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    """Three clips, the first two edited; the driver begins at its frame 5."""
    one, two, three = (tmp_path / f"{name}.mov" for name in ("a", "b", "c"))
    held = save(
        tmp_path / "plain.otio",
        clip("one", one.as_uri(), 10, 20),
        clip("two", two.as_uri(), 30, 20),
        clip("three", three.as_uri(), 0, 20),
    )
    for name in ("one", "two"):
        words = ("--clip", name, "--driver", media / "face.mkv", "--start", "5", "--consent", "given")
        assert dpe("link", held, *words, "-o", tmp_path / "old.otio").returncode == 0
        held = tmp_path / "old.otio"
    return held


def conform(dpe: Dpe, old: Path, new: Path, output: str = "out.otio") -> tuple[int, list[dict[str, Any]]]:
    done = dpe("conform", old, new, "-o", old.parent / output, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["shots"]


def edited(old: Path) -> list[Any]:
    return [one.deepcopy() for one in clips_of(old)]


def test_a_cut_that_stayed_keeps_its_edits(dpe: Dpe, old: Path) -> None:
    code, shots = conform(dpe, old, old)
    assert (code, [shot["status"] for shot in shots], shots[0]["by"]) == (0, ["kept", "kept"], "effect")
    assert {name: held["id"] for name, held in effects_of(old.parent / "out.otio").items()} == {
        name: held["id"] for name, held in effects_of(old).items()
    }


def test_a_trimmed_clip_keeps_its_performance_in_place(dpe: Dpe, old: Path) -> None:
    one, two, three = edited(old)
    one.source_range = stretch(14, 16)
    _, shots = conform(dpe, old, save(old.parent / "new.otio", three, one, two))
    assert [shot["status"] for shot in shots] == ["moved", "moved"]
    assert shots[0]["detail"] == "0.800 s later in the cut; begins 0.160 s later in its media; 0.160 s shorter"
    held = effects_of(old.parent / "out.otio")
    assert held["one"]["driving"]["start"]["value"] == 9
    assert held["two"]["driving"]["start"]["value"] == 5


def test_bare_clips_are_found_by_marker_else_by_their_media(dpe: Dpe, old: Path) -> None:
    one, two, three = edited(old)
    for held in (one, two):
        held.effects[:] = []
    two.markers[:] = []
    code, shots = conform(dpe, old, save(old.parent / "new.otio", one, two, three))
    assert (code, [(shot["status"], shot["by"]) for shot in shots]) == (0, [("kept", "marker"), ("kept", "media")])
    assert set(effects_of(old.parent / "out.otio")) == {"one", "two"}


def test_what_is_gone_or_not_clear_is_told_and_not_guessed(dpe: Dpe, old: Path) -> None:
    _, two, three = edited(old)
    two.effects[:], two.markers[:] = [], []
    again = two.deepcopy()
    again.name = "again"
    code, shots = conform(dpe, old, save(old.parent / "new.otio", two, again, three))
    assert (code, [shot["status"] for shot in shots]) == (2, ["lost", "ambiguous"])
    assert shots[0]["detail"] == "no clip shows its part of 'a.mov'"
    assert shots[1]["clips"] == ["two", "again"]
    assert effects_of(old.parent / "out.otio") == {}
    done = dpe("conform", old, old.parent / "new.otio", "-o", old.parent / "out.otio")
    assert "0 kept, 0 moved, 1 lost, 1 ambiguous" in done.stderr


@pytest.fixture
def relinked(old: Path) -> Path:
    """The cut in which an edited file with handles of 2 and 4 frames stands in for the first clip's."""
    identity = effects_of(old)["one"]["id"]
    media = EditedMedia(
        clip_index=0,
        path=old.parent / "one_edited.mov",
        start_s=Fraction(8, 25),
        num_frames=26,
        rate=Fraction(25),
        lead=2,
        tail=4,
        ids=(identity,),
    )
    return write_relinked(old, old.parent / "relinked.otio", [media])


@pytest.mark.parametrize(
    ("url", "start", "kept"),
    [("a.mov", 9, True), ("one_edited.mov", 9, True), ("one_edited.mov", 4, False), ("a.mov", 4, False)],
)
def test_edited_media_are_shown_where_they_have_the_frames(
    dpe: Dpe, relinked: Path, url: str, start: int, *, kept: bool
) -> None:
    new = save(relinked.parent / "new.otio", clip("one", url, start, 20), clip("two", "b.mov", 30, 20))
    code, shots = conform(dpe, relinked, new)
    assert (code, [shot["status"] for shot in shots]) == (0, ["moved", "kept"])
    found = clips_of(relinked.parent / "out.otio")
    (marker,) = found[0].markers
    assert marker.name.startswith("dpe-edited:" if kept else "dpe:")
    assert (found[0].active_media_reference_key == "dpe_edited") is kept
    assert ("one" in effects_of(relinked.parent / "out.otio")) is not kept
    assert ("its edited media lack frames: render it again" in shots[0]["detail"]) is not kept
    if not kept:
        assert found[0].media_reference.target_url.endswith("a.mov")


@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda kind: kind.name)
def test_edits_are_found_in_what_other_programs_write(dpe: Dpe, old: Path, kind: Any) -> None:
    if kind.adapter not in otio.adapters.available_adapter_names():
        pytest.skip(f"{kind.package} is not installed")
    code, _ = conform(dpe, old, old, f"new{kind.suffix}")
    assert code == 0
    # The sidecar of the newer cut is not what the edits are found by.
    (old.parent / "new.dpe.json").unlink()
    code, shots = conform(dpe, old, old.parent / f"new{kind.suffix}")
    assert code == 0, shots
    assert {shot["status"] for shot in shots} <= {"kept", "moved"}
    assert len(effects_of(old.parent / "out.otio")) == 2


def test_what_a_format_loses_is_told(dpe: Dpe, old: Path) -> None:
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-cmx3600-adapter is not installed")
    done = dpe("conform", old, old, "-o", old.parent / "new.edl")
    assert "a CMX 3600 EDL does not keep effects and their metadata" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "x.doc"), "timelines of kind '.doc' are not written"),
        (("-o", "x.otio", "--format", "fcp"), "there is no format 'fcp'"),
    ],
)
def test_unknown_formats_are_refused(dpe: Dpe, old: Path, words: tuple[str, ...], message: str) -> None:
    done = dpe("conform", old, old, *words)
    assert done.returncode != 0
    assert message in done.stderr


def test_a_missing_adapter_is_named(dpe: Dpe, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otio.adapters, "available_adapter_names", lambda: ["otio_json"])
    (old.parent / "new.edl").write_text("TITLE: x\n")
    for words in ((old, old.parent / "new.edl", "-o", old.parent / "x.otio"), (old, old, "-o", old.parent / "x.xml")):
        done = dpe("conform", *words)
        assert done.returncode != 0
        assert "which is not installed" in done.stderr
        assert "pip install 'dpe-toolkit[nle]'" in done.stderr


def test_an_edl_says_no_rate_and_that_is_told(dpe: Dpe, old: Path) -> None:
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-cmx3600-adapter is not installed")
    assert dpe("conform", old, old, "-o", old.parent / "new.edl").returncode == 0
    done = dpe("plan", old.parent / "new.edl")
    # a clip of 25 frames a second ends at a frame that 24 do not have
    assert "Expected: a CMX 3600 EDL of 24 frames a second, since an EDL does not say its rate" in " ".join(
        done.stderr.split()
    )
    event = "001  AX  V  C  00:00:00:10 00:00:00:20 01:00:00:00 01:00:00:10"
    (old.parent / "short.edl").write_text(f"TITLE: x\n\n{event}\n* FROM CLIP NAME:  one\n")
    done = dpe("plan", old.parent / "short.edl")
    assert "an EDL does not say its rate, and 24 frames a second are taken" in " ".join(done.stderr.split())
    # where an older cut says the rate, nothing is guessed
    done = dpe("conform", old, old.parent / "new.edl", "-o", old.parent / "out.otio")
    assert "an EDL does not say its rate" not in " ".join(done.stderr.split())


def test_a_cut_that_an_adapter_cannot_write_is_told(dpe: Dpe, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "fcp_xml" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-fcp-adapter is not installed")

    def fail(*words: object, **more: object) -> None:
        raise ValueError("\nno room for it\nand more")

    monkeypatch.setattr(otio.adapters, "write_to_file", fail)
    done = dpe("conform", old, old, "-o", old.parent / "new.xml")
    assert done.returncode == 2
    assert "otio-fcp-adapter cannot write it: no room for it. Expected: a timeline that a" in done.stderr
    assert "Write an .otio" in done.stderr
    assert not list(old.parent.glob("*.xml"))


def dissolve(old: Path, kind: str = "SMPTE_Dissolve", rate: float = 25) -> Path:
    """The older cut with a transition of five frames between its first two clips."""
    made = otio.adapters.read_from_file(str(old))
    offsets = otio.opentime.RationalTime(2, 25), otio.opentime.RationalTime(3, 25)
    made.tracks[0].insert(1, otio.schema.Transition("x", kind, *offsets))
    if rate != 25:
        made.tracks[0][0].media_reference.available_range = stretch(0, 100, rate)
    made.to_json_file(str(old.parent / "joined.otio"))
    return old.parent / "joined.otio"


def test_an_aaf_keeps_clips_and_dissolves(dpe: Dpe, old: Path) -> None:
    pytest.importorskip("aaf2")
    joined, new = dissolve(old), old.parent / "new.aaf"
    done = dpe("conform", old, joined, "-o", new)
    assert done.returncode == 0, done.stderr
    assert "an AAF does not keep effects" in " ".join(done.stderr.split())
    before = otio.adapters.read_from_file(str(joined)).tracks[0]
    (after,) = otio.adapters.read_from_file(str(new), "AAF").video_tracks()
    assert [type(item) for item in after] == [type(item) for item in before]
    for item, other in zip(before, after, strict=True):
        for name in ("source_range", "in_offset", "out_offset", "transition_type"):
            assert getattr(item, name, None) == getattr(other, name, None)
    new.with_suffix(".dpe.json").unlink()
    code, shots = conform(dpe, old, new)
    assert (code, [shot["status"] for shot in shots], shots[0]["by"]) == (0, ["kept", "kept"], "media")
    assert set(effects_of(old.parent / "out.otio")) == {"one", "two"}


@pytest.mark.parametrize(
    ("kind", "rate", "message"),
    [
        ("Custom_Transition", 25, "transition 'x' is a Custom_Transition, which the AAF adapter does not write"),
        ("SMPTE_Dissolve", 30, "clip 'one' or its media count at 30 frames a second, and the cut at 25"),
    ],
)
def test_what_an_aaf_cannot_hold_is_refused_by_name(dpe: Dpe, old: Path, kind: str, rate: float, message: str) -> None:
    pytest.importorskip("aaf2")
    done = dpe("conform", old, dissolve(old, kind, rate), "-o", old.parent / "new.aaf")
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not list(old.parent.glob("*.aaf"))


def test_a_file_that_no_adapter_understands_is_told(dpe: Dpe, old: Path) -> None:
    if "fcp_xml" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-fcp-adapter is not installed")
    (old.parent / "new.xml").write_text("<xmeml")
    done = dpe("conform", old, old.parent / "new.xml", "-o", old.parent / "x.otio")
    assert "otio-fcp-adapter cannot read it" in done.stderr
