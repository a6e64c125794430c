from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.errors import OptionsError, RenderError
from dpe_toolkit.core.outputs import Output, expect_outputs, refusals

within_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """A file that is read, in a folder of its own, with other names of it beside it."""
    folder = tmp_path / "footage"
    folder.mkdir()
    path = folder / "a.mov"
    path.write_bytes(b"original")
    (tmp_path / "link.mov").symlink_to(path)
    (tmp_path / "hard.mov").hardlink_to(path)
    (tmp_path / "folder").symlink_to(folder)
    return path


SPELLINGS: dict[str, Callable[[Path], Path]] = {
    "itself": lambda root: root / "footage" / "a.mov",
    "with a detour": lambda root: root / "footage" / ".." / "footage" / "a.mov",
    "a link": lambda root: root / "link.mov",
    "a hard link": lambda root: root / "hard.mov",
    "through a linked folder": lambda root: root / "folder" / "a.mov",
}


@pytest.mark.parametrize("output", SPELLINGS)
@pytest.mark.parametrize("read", SPELLINGS)
def test_an_output_that_is_read_is_refused_by_every_name_of_it(
    tmp_path: Path, footage: Path, output: str, read: str
) -> None:
    target, source = SPELLINGS[output](tmp_path), SPELLINGS[read](tmp_path)
    with pytest.raises(RenderError, match=r"the output is a file that is read\. a file of its own") as caught:
        expect_outputs([Output(path=target)], [tmp_path / "other.mov", source], error=RenderError)
    assert caught.value.path == target


def test_the_reader_is_named_where_it_is_known(footage: Path) -> None:
    with pytest.raises(OptionsError, match="the output is a file that the timeline reads, or a folder that holds one"):
        expect_outputs([Output(path=footage)], [footage], error=OptionsError, reader="the timeline")


def test_a_file_that_is_not_there_yet_is_no_output_either(tmp_path: Path) -> None:
    assert [one.path for one in refusals([Output(path=tmp_path / "a.mov")], [tmp_path / "a.mov"])]


def test_a_folder_of_images_must_not_hold_what_is_read(tmp_path: Path, footage: Path) -> None:
    holds = [Output(path=tmp_path / name, is_folder=True) for name in ("footage", "folder")]
    assert len(list(refusals(holds, [footage]))) == 2
    assert not list(refusals([Output(path=tmp_path / "images", is_folder=True)], [footage]))


def test_nothing_is_written_into_a_folder_that_is_read(tmp_path: Path, footage: Path) -> None:
    assert list(refusals([Output(path=footage.with_name("b.mov"))], [tmp_path / "folder"]))
    assert not list(refusals([Output(path=footage.with_name("b.mov"))], [footage]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "'cut' is a pipe"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "'cut' is a socket"),
        (os.mkdir, "'cut' is a folder.*the name of a file"),
        (lambda path: path.symlink_to("/dev/null"), "'cut' is a device"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_what_is_no_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("out"))
    with pytest.raises(OptionsError, match=words):
        expect_outputs([Output(path=tmp_path / "out", name="'cut'")], error=OptionsError)


def test_a_folder_of_images_replaces_a_folder(tmp_path: Path) -> None:
    assert not list(refusals([Output(path=tmp_path, is_folder=True)]))


def test_the_place_must_exist_and_be_a_folder_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name, words in (("file/a.mov", "file' is a file"), ("none/a.mov", "none' does not exist. .*make it first")):
        with pytest.raises(OptionsError, match=words):
            expect_outputs([Output(path=tmp_path / name)], error=OptionsError)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OptionsError, match="cannot be written"):
        expect_outputs([Output(path=tmp_path / "a.mov")], error=OptionsError)


def test_a_suffix_says_what_is_written(tmp_path: Path) -> None:
    assert not list(refusals([Output(path=tmp_path / "A.PNG", suffixes=(".png",))]))
    with pytest.raises(OptionsError, match=r"the output is to be written as '.jpg'. a name in .png, .tif"):
        expect_outputs([Output(path=tmp_path / "a.jpg", suffixes=(".png", ".tif"))], error=OptionsError)


def test_circles_of_links_and_names_that_no_system_takes_end_in_no_other_error(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    strange = [tmp_path / "circle", tmp_path / "a\0b", tmp_path / ("a" * 400)]
    assert not list(refusals([Output(path=tmp_path / "a.mov")], strange))
    assert [one.path for one in refusals([Output(path=path) for path in strange], strange)] == strange


@within_one_folder
@given(st.data())
def test_outputs_apart_from_all_that_is_read_are_taken_and_each_refusal_names_its_output(
    tmp_path: Path, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
    read = data.draw(st.lists(st.sampled_from("abcdefgh"), unique=True))
    for name in data.draw(st.lists(st.sampled_from("abcdefgh"), unique=True)):
        (tmp_path / name).write_bytes(b"")
    found = list(refusals([Output(path=tmp_path / name) for name in names], [tmp_path / name for name in read]))
    assert [one.path.name for one in found] == [name for name in names if name in read]
