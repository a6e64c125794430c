"""The front door does what the commands do."""

from __future__ import annotations

import logging
import typing
from pathlib import Path

import numpy as np
import pytest

import dpe_toolkit
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.delivery.choices import EditKeywords, Progress
from dpe_toolkit.delivery.events import Event, FileWritten, Warned
from dpe_toolkit.delivery.shot_files import ShotFiles
from dpe_toolkit.editing.settings import EditSettings
from dpe_toolkit.media import OutputSettings, VideoReader
from tests.cli.conftest import NUM_FRAMES, Dpe
from tests.cli.test_conform import clip, save
from tests.contracts.pages import blocks


def planes_of(path: Path) -> tuple[np.ndarray, ...]:
    with VideoReader(path) as reader:
        return reader.read(Span(0, reader.info.num_frames)).planes


def expect_equal(path: Path, other: Path) -> None:
    for plane, same in zip(planes_of(path), planes_of(other), strict=True):
        np.testing.assert_array_equal(plane, same)


@pytest.fixture
def linked(dpe: Dpe, media: Path, tmp_path: Path) -> Path:
    held = save(tmp_path / "plain.otio", clip("face", (media / "face.mkv").as_uri(), 0, NUM_FRAMES))
    words = ("--clip", "face", "--driver", media / "face.mkv", "--start", "3", "--consent", "given")
    assert dpe("link", held, *words, "-o", tmp_path / "cut.otio").returncode == 0
    return tmp_path / "cut.otio"


def test_keywords_of_the_door_are_the_fields_of_the_edit() -> None:
    assert EditKeywords.__annotations__.keys() == EditSettings.model_fields.keys()


def test_every_name_of_the_package_is_there_and_listed() -> None:
    for name in dpe_toolkit.__all__:
        assert getattr(dpe_toolkit, name) is not None
        assert name in dir(dpe_toolkit)


def test_a_name_that_the_package_lacks_is_told() -> None:
    with pytest.raises(AttributeError, match="'dpe_toolkit' has no attribute 'rendr'"):
        _ = dpe_toolkit.rendr


def test_an_edit_is_that_of_the_command(dpe: Dpe, media: Path, cache: Path, tmp_path: Path) -> None:
    face, fields = media / "face.mkv", ("--expression", "0.5", "--regions", "mouth,jaw", "--start", "4")
    words = ("--set", "feather.feather_px=6", "--driver-face", "left", "--consent", "none needed", "--crf", "12")
    done = dpe("edit", face, face, "-o", tmp_path / "typed.mp4", *fields, *words)
    assert done.returncode == 0, done.stderr
    steps: list[Progress] = []
    report = dpe_toolkit.edit(
        face,
        face,
        tmp_path / "called.mp4",
        start=4,
        expression=0.5,
        regions=("mouth", "jaw"),
        options={"feather": {"feather_px": 6}},
        driver_face="left",
        consent="none needed",
        settings={"crf": 12},
        cache_dir=cache,
        progress=steps.append,
    )
    expect_equal(report.output, tmp_path / "typed.mp4")
    assert report.timeline == tmp_path / "called.mp4.otio"
    assert report.render.edits.exists()
    assert (steps[-1].stage, steps[-1].done, steps[-1].total) == ("render", NUM_FRAMES, NUM_FRAMES)
    edits = [dpe_toolkit.plan(f"{tmp_path / name}.mp4.otio").shots[0].edit for name in ("typed", "called")]
    assert edits[0] is not None
    assert edits[0].model_dump(exclude={"id"}) == edits[1].model_dump(exclude={"id"})  # type: ignore[union-attr] # equal


def test_a_part_of_a_timeline_is_that_of_the_command(dpe: Dpe, linked: Path, cache: Path, tmp_path: Path) -> None:
    assert dpe("render", linked, "-o", tmp_path / "typed.mkv", "--frames", "2:6", "--pose", "0.5").returncode == 0
    called = tmp_path / "called.mkv"
    report = dpe_toolkit.render(linked, called, frames=range(2, 6), shots=["face"], pose=0.5, cache_dir=cache)
    assert (report.output, report.num_frames) == (called, 4)
    expect_equal(called, tmp_path / "typed.mkv")


def test_shots_become_files_that_a_second_call_keeps(
    linked: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ShotFiles(tmp_path / "shots", handles=1, template="{shot}.mkv")
    told: list[Event] = []
    made = dpe_toolkit.render(linked, tmp_path / "new.otio", per_shot=wanted, cache_dir=cache, tell=told.append)
    (file,) = made.files
    assert (file.path, file.num_frames, file.kept) == (tmp_path / "shots" / "face.mkv", NUM_FRAMES, False)
    assert (made.timeline, file.edits.exists(), made.loses) == (tmp_path / "new.otio", True, "")
    assert [event.path for event in told if isinstance(event, FileWritten)] == [file.path]

    def stop(*words: object, **more: object) -> None:
        raise OSError

    monkeypatch.setattr("dpe_toolkit.delivery.shot_files.write_relinked", stop)
    with pytest.raises(OSError, match=r"^$"):
        dpe_toolkit.render(linked, per_shot=wanted, cache_dir=cache)
    monkeypatch.undo()
    again = dpe_toolkit.render(linked, per_shot=wanted, cache_dir=cache)
    assert [one.kept for one in again.files] == [True]
    assert again.timeline == tmp_path / "shots" / "cut.otio"


def test_a_still_and_a_sheet_of_faces_are_written(linked: Path, cache: Path, tmp_path: Path) -> None:
    still = dpe_toolkit.still(linked, 5, tmp_path / "frame.png", cache_dir=cache)
    assert (still.output.exists(), still.frame, still.shot, still.amount) == (True, 5, "face", 1.0)
    sheet = dpe_toolkit.faces(linked, tmp_path / "sheet.png", cache_dir=cache)
    assert sheet.output.exists()
    assert [(face.shot, face.role) for face in sheet.faces] == [("face", "source"), ("face", "driver")]
    assert dpe_toolkit.plan(linked, source_face=sheet.faces[0].choice).errors == ()


def test_what_is_warned_of_goes_to_whoever_listens_else_to_the_log(
    dpe: Dpe, media: Path, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    face = media / "face.mkv"
    told: list[Event] = []
    dpe_toolkit.edit(face, face, tmp_path / "a.mkv", frames="0:1", cache_dir=cache, tell=told.append)
    (warned,) = told
    assert isinstance(warned, Warned)
    assert "consent" in warned.problems[0].wrong
    with caplog.at_level(logging.WARNING, "dpe_toolkit.delivery"):
        dpe_toolkit.edit(face, face, tmp_path / "b.mkv", frames="0:1", cache_dir=cache)
    assert [record.getMessage() for record in caplog.records] == [str(warned.problems[0])]


def test_a_wrong_keyword_is_refused_with_the_nearest(linked: Path) -> None:
    with pytest.raises(OptionsError, match=r"there is no argument 'expresion'. did you mean 'expression'"):
        dpe_toolkit.plan(linked, expresion=0.5)  # type: ignore[call-arg] # is what is tried


def test_wrong_values_are_refused_as_those_of_a_command(linked: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"expression = 7 is not accepted. .* correct the argument"):
        dpe_toolkit.render(linked, tmp_path / "a.mkv", expression=7)
    for name in ("fit", "gaps"):
        with pytest.raises(OptionsError, match=rf"{name} = 'wide' is not accepted. .* correct the argument"):
            dpe_toolkit.render(linked, tmp_path / "a.mkv", **{name: "wide"})
    plan = dpe_toolkit.plan(linked, components={"compositr": "feather"})  # type: ignore[dict-item] # is what is tried
    assert "there is no kind of component 'compositr'" in str(plan.errors[0])
    with pytest.raises(OptionsError, match=r"crf = 99 is not accepted. .* correct the settings of the output"):
        dpe_toolkit.render(linked, tmp_path / "a.mkv", settings={"crf": 99})
    with pytest.raises(OptionsError, match="--crf 20 changes nothing of ffv1"):
        dpe_toolkit.render(linked, tmp_path / "a.mkv", settings=OutputSettings(crf=20))
    with pytest.raises(OptionsError, match="leave some out"):
        dpe_toolkit.render(linked, tmp_path / "a.mkv", frames=range(0, 8, 2))
    with pytest.raises(OptionsError, match="no output is named"):
        dpe_toolkit.render(linked)
    assert not (tmp_path / "a.mkv").exists()


def test_the_first_example_of_the_page_is_six_lines() -> None:
    first = next(block for block in blocks("docs/python.md") if block.language == "python")
    assert len(first.text.splitlines()) == 6
    assert {word for word in ("edit", "still") if f"dpe_toolkit.{word}(" in first.text} == {"edit", "still"}


def test_the_door_is_typed() -> None:
    for name in dpe_toolkit.__all__:
        held = getattr(dpe_toolkit, name)
        if callable(held):
            assert held.__doc__
            assert "return" in typing.cast("dict[str, object]", held.__annotations__)
