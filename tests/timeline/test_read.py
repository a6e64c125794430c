from __future__ import annotations

import json
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from dpe_toolkit.core.errors import TimelineError
from dpe_toolkit.timeline import Clip, Gap, Stack, Track, Transition, read_timeline, walk_clips
from dpe_toolkit.timeline import bundle as bundle_module
from dpe_toolkit.timeline import read as read_module
from dpe_toolkit.timeline.convert import as_plain


def time(value: float, rate: float = 25.0) -> Any:
    return otio.opentime.RationalTime(value, rate)


def stretch(start: float, length: float, rate: float = 25.0) -> Any:
    return otio.opentime.TimeRange(time(start, rate), time(length, rate))


def clip(url: str = "a.mov", **fields: Any) -> Any:
    reference = otio.schema.ExternalReference(url, stretch(100, 50))
    return otio.schema.Clip("a", reference, stretch(110, 20), **fields)


def timeline(*items: Any) -> Any:
    made = otio.schema.Timeline("cut", global_start_time=time(90000))
    track = otio.schema.Track("V1")
    track.extend(items or [clip()])
    made.tracks.append(track)
    return made


def save(folder: Path, content: str, name: str = "cut.otio") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def test_a_timeline_becomes_plain_data_with_exact_times(tmp_path: Path) -> None:
    first = clip()
    first.source_range = stretch(110, 20, 29.97)
    first.markers.append(otio.schema.Marker("dpe:x"))
    inner = otio.schema.Stack("inner", children=[clip()])
    made = timeline(first, otio.schema.Transition("soft"), otio.schema.Gap(source_range=stretch(0, 5)), inner)
    doc = read_timeline(save(tmp_path, made.to_json_string()))
    assert (doc.name, doc.global_start_s, doc.problems, doc.folders) == ("cut", 3600, (), (tmp_path,))
    (track,) = doc.stack.children
    assert isinstance(track, Track)
    assert [type(child) for child in track.children] == [Clip, Transition, Gap, Stack]
    (held, _) = walk_clips(doc.stack)
    assert held.range is not None
    assert (held.range.start_s, held.range.rate) == (Fraction(110 * 1001, 30000), Fraction(30000, 1001))
    assert held.media.available is not None
    assert (held.media.url, held.media.available.start_s) == ("a.mov", 4)
    assert held.markers == ("dpe:x",)


def test_metadata_of_an_effect_becomes_plain_data(tmp_path: Path) -> None:
    media = otio.schema.ExternalReference("d.mov", stretch(0, 9))
    held = clip(
        effects=[otio.schema.Effect(effect_name="dpe.expression", metadata={"dpe": {"driving": {"media": media}}})]
    )
    (found,) = walk_clips(read_timeline(save(tmp_path, timeline(held).to_json_string())).stack)
    assert found.effects[0].metadata == {
        "driving": {
            "media": {
                "url": "d.mov",
                "available_range": {
                    "start_time": {"value": 0.0, "rate": 25.0},
                    "duration": {"value": 9.0, "rate": 25.0},
                },
            }
        }
    }


def test_disabled_effects_are_left_out(tmp_path: Path) -> None:
    effect = otio.schema.Effect(effect_name="dpe.expression", metadata={"dpe": {}})
    effect.enabled = False
    (found,) = walk_clips(read_timeline(save(tmp_path, timeline(clip(effects=[effect])).to_json_string())).stack)
    assert found.effects == ()


def test_objects_without_a_plain_form_are_named() -> None:
    assert as_plain({"a": [otio.schema.Gap()], "b": None}) == {"a": ["<Gap>"], "b": None}


def test_a_collection_with_one_timeline_is_that_timeline(tmp_path: Path) -> None:
    held = otio.schema.SerializableCollection("bin", [timeline(), clip()])
    assert read_timeline(save(tmp_path, held.to_json_string())).name == "cut"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nope", "it cannot be understood: JSON parse error"),
        ("", "it cannot be understood"),
        ('{"OTIO_SCHEMA": "Timeline.99"}', "it cannot be understood: unsupported schema version"),
        ('{"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1"}}', "it cannot be understood"),
        ('{"OTIO_SCHEMA": "Bogus.1"}', "it holds 0 timelines in a UnknownSchema"),
        ('{"OTIO_SCHEMA": "Timeline.1", "name": "x", "metadata": {}, "tracks": null}', "its timeline has no tracks"),
        ("[]", "it holds 0 timelines in a AnyVector"),
        (otio.schema.SerializableCollection("bin", [timeline(), timeline()]).to_json_string(), "it holds 2 timelines"),
        ('{"a": ' + "[" * 300000, "it nests 300001 levels deep"),
    ],
)
def test_a_file_that_is_no_timeline_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TimelineError, match=message):
        read_timeline(save(tmp_path, content))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.otio").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(TimelineError, match="it cannot be understood"):
        read_timeline(tmp_path / "cut.otio")


def test_a_class_of_another_program_is_refused(tmp_path: Path) -> None:
    text = timeline().to_json_string().replace('"Clip.2"', '"Magic.1"')
    with pytest.raises(TimelineError, match=r"it cannot be understood.*without classes of other programs"):
        read_timeline(save(tmp_path, text))


def test_other_kinds_of_timeline_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match=r"timelines of kind '\.doc' are not read. one of \.otio, \.otioz"):
        read_timeline(tmp_path / "cut.doc")


def test_a_folder_is_no_timeline(tmp_path: Path) -> None:
    (tmp_path / "cut.otio").mkdir()
    with pytest.raises(TimelineError, match="it is no regular file"):
        read_timeline(tmp_path / "cut.otio")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match=r"cut\.otio.*it cannot be opened: No such file"):
        read_timeline(tmp_path / "cut.otio")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "_LARGEST_BYTES", 10)
    with pytest.raises(TimelineError, match="it is too large"):
        read_timeline(save(tmp_path, timeline().to_json_string()))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"value": 20.0', '"value": NaN', "clip 'a': time nan at rate 25.0 is no time"),
        ('"value": 20.0', '"value": -20.0', "clip 'a': duration -20.0 at rate 25.0 is below zero"),
        ('"value": 20.0', '"value": Infinity', "clip 'a': time inf at rate 25.0 is no time"),
        ('"value": 90000.0', '"value": NaN', "the global start time: time nan at rate 25.0 is no time"),
    ],
)
def test_an_impossible_time_is_a_problem(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = timeline().to_json_string()
    assert old in text
    (problem,) = read_timeline(save(tmp_path, text.replace(old, new))).problems
    assert str(problem).startswith(message)


def test_a_gap_without_duration_is_a_problem(tmp_path: Path) -> None:
    content = json.loads(timeline(otio.schema.Gap(source_range=stretch(0, 5))).to_json_string())
    content["tracks"]["children"][0]["children"][0]["source_range"] = None
    (problem,) = read_timeline(save(tmp_path, json.dumps(content))).problems
    assert str(problem).startswith("gap: it has no duration")


def pack(folder: Path, media: dict[str, bytes], playlist: str | None = None) -> Path:
    path = folder / "cut.otioz"
    with zipfile.ZipFile(path, "w") as bundle:
        if playlist != "":
            bundle.writestr("content.otio", playlist or timeline(clip("media/a.mov")).to_json_string())
        for name, data in media.items():
            bundle.writestr(name, data)
    return path


def test_a_bundle_is_unpacked_beside_itself_once(tmp_path: Path) -> None:
    path = pack(tmp_path, {"media/a.mov": b"picture", "version.txt": b"1"})
    doc = read_timeline(path)
    target = tmp_path / "cut.otioz.media" / "media" / "a.mov"
    assert doc.folders == (tmp_path / "cut.otioz.media", tmp_path)
    assert target.read_bytes() == b"picture"
    node = target.stat().st_ino
    read_timeline(path)
    assert target.stat().st_ino == node
    pack(tmp_path, {"media/a.mov": b"another"})
    read_timeline(path)
    assert target.read_bytes() == b"another"
    assert [entry.name for entry in target.parent.iterdir()] == ["a.mov"]


def test_otios_own_bundles_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.mov").write_bytes(b"picture")
    held = timeline(clip((tmp_path / "a.mov").as_uri()))
    otio.adapters.write_to_file(held, str(tmp_path / "own.otioz"))
    doc = read_timeline(tmp_path / "own.otioz", unpack_dir=tmp_path / "here")
    (found,) = walk_clips(doc.stack)
    assert (tmp_path / "here" / found.media.url).read_bytes() == b"picture"


@pytest.mark.parametrize("name", ["media/../../evil", "media/sub/a.mov", "media/..", "media//x", "media/a\\b"])
def test_a_bundle_that_writes_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TimelineError, match=r"the bundle holds an entry named .*do not trust this bundle"):
        read_timeline(pack(tmp_path, {name: b"x"}))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["/etc/evil", "../evil", "other/evil"])
def test_entries_outside_the_media_folder_are_not_unpacked(tmp_path: Path, name: str) -> None:
    read_timeline(pack(tmp_path, {name: b"x"}))
    assert [path.name for path in tmp_path.iterdir()] == ["cut.otioz"]


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="it is no OTIO bundle: File is not a zip file"):
        read_timeline(save(tmp_path, "text", "cut.otioz"))
    with pytest.raises(TimelineError, match=r"it is no OTIO bundle: .*content\.otio"):
        read_timeline(pack(tmp_path, {}, playlist=""))


def test_a_bundle_that_needs_more_room_than_there_is_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path, {"media/a.mov": b"x" * 20})
    monkeypatch.setattr(bundle_module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(TimelineError, match=r"its media need 20 bytes in .*, where 10 are free"):
        read_timeline(path)


def test_a_bundle_whose_timeline_is_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "_LARGEST_BYTES", 10)
    with pytest.raises(TimelineError, match=r"the timeline inside has .* bytes. at most 10"):
        read_timeline(pack(tmp_path, {}))


def test_media_that_cannot_be_unpacked_are_told(tmp_path: Path) -> None:
    (tmp_path / "cut.otioz.media").write_text("in the way")
    with pytest.raises(TimelineError, match="its media cannot be unpacked to"):
        read_timeline(pack(tmp_path, {"media/a.mov": b"x"}))
