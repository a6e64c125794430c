from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpe_toolkit.core.files import append_to, replaced, replaced_folder, staged, write_bytes, write_text

within_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
contents = st.none() | st.binary(max_size=64)
modes = st.sampled_from([0o600, 0o640, 0o644, 0o664, 0o444, 0o755, 0o604])
umasks = st.sampled_from([0o000, 0o002, 0o022, 0o027, 0o077])
names = st.text(st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
ordinary_names = names.filter(lambda name: name not in {".", ".."} and len(name.encode()) <= 255)


class Umask:
    def __init__(self, mask: int) -> None:
        self.mask = mask

    def __enter__(self) -> None:
        self.before = os.umask(self.mask)

    def __exit__(self, *_: object) -> None:
        os.umask(self.before)


def bits(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def laid_out(path: Path, content: bytes | None, mode: int = 0o644) -> None:
    """Puts just this at ``path``, or nothing."""
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)


@within_one_folder
@given(former=contents, content=st.binary(max_size=64), mode=modes, mask=umasks)
def test_a_file_is_written_whole_and_keeps_its_mode_or_takes_the_umask(
    tmp_path: Path, former: bytes | None, content: bytes, mode: int, mask: int
) -> None:
    path = tmp_path / "a.json"
    laid_out(path, former, mode)
    with Umask(mask):
        write_bytes(path, content)
    assert path.read_bytes() == content
    assert bits(path) == (mode if former is not None else 0o666 & ~mask)
    assert list(tmp_path.iterdir()) == [path]


@within_one_folder
@given(former=contents, written=st.binary(max_size=64), mode=modes)
def test_a_failure_leaves_what_stood_there_and_nothing_else(
    tmp_path: Path, former: bytes | None, written: bytes, mode: int
) -> None:
    path = tmp_path / "a.json"
    laid_out(path, former, mode)

    def work() -> None:
        with replaced(path) as part:
            part.write_bytes(written)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert [one.read_bytes() for one in tmp_path.iterdir()] == ([] if former is None else [former])
    assert former is None or bits(path) == mode


@within_one_folder
@given(name=ordinary_names)
def test_every_name_that_the_system_takes_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_text(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    path.unlink()


@within_one_folder
@given(former=contents, fails=st.sampled_from(["before", "after", "never"]), placed=st.booleans())
def test_a_staged_file_is_placed_when_told_and_taken_back_where_the_work_fails(
    tmp_path: Path, former: bytes | None, fails: str, placed: bool
) -> None:
    path = tmp_path / "a.json"
    laid_out(path, former)

    def work() -> None:
        with staged(path) as file:
            file.part.write_bytes(b"new")
            if fails == "before":
                raise KeyError
            if placed:
                file.place()
                assert path.read_bytes() == b"new"
            if fails == "after":
                raise KeyError

    if fails == "never":
        work()
    else:
        with pytest.raises(KeyError):
            work()
    expected = b"new" if placed and fails == "never" else former
    assert [one.read_bytes() for one in tmp_path.iterdir()] == ([] if expected is None else [expected])


@within_one_folder
@given(former=st.none() | st.dictionaries(st.sampled_from("abc"), st.binary(max_size=8)), fails=st.booleans())
def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path, former: dict[str, bytes] | None, fails: bool) -> None:
    path = tmp_path / "images"
    if path.exists():
        for one in path.iterdir():
            one.unlink()
        path.rmdir()
    if former is not None:
        path.mkdir()
        path.chmod(0o750)
        for name, content in former.items():
            (path / name).write_bytes(content)

    def work() -> None:
        with replaced_folder(path) as part:
            (part / "d").write_bytes(b"new")
            if fails:
                raise KeyError

    if fails:
        with pytest.raises(KeyError):
            work()
    else:
        work()
    expected = former if fails else {"d": b"new"}
    held = {one.name: one.read_bytes() for one in path.iterdir()} if path.exists() else None
    assert held == expected
    assert former is None or bits(path) == 0o750
    assert [one.name for one in tmp_path.iterdir()] == ([] if expected is None else ["images"])


def test_the_part_is_beside_the_target_hidden_and_on_request_of_its_suffix(tmp_path: Path) -> None:
    with replaced(tmp_path / "cut.aaf", keep_suffix=True) as part:
        assert (part.parent, part.name[0], part.suffix) == (tmp_path, ".", ".aaf")


def test_a_private_file_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "faces"
    laid_out(path, b"", 0o644)
    with replaced(path, mode=0o600) as part:
        assert bits(part) == 0o600
    assert bits(path) == 0o600


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    original, link = tmp_path / "original", tmp_path / "link"
    laid_out(original, b"footage", 0o400)
    link.symlink_to(original)
    write_bytes(link, b"new")
    assert (original.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"footage", b"new", False)


def test_bytes_are_on_the_disk_before_they_have_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    seen: list[bool] = []
    monkeypatch.setattr("dpe_toolkit.core.files.os.fsync", lambda _: seen.append(path.exists()))
    write_bytes(path, b"new")
    assert seen == [False]


def test_a_file_is_gone_on_with_at_its_end(tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        with append_to(tmp_path / "log") as file:
            file.write(line)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("write", [replaced, staged])
def test_folders_pipes_and_missing_folders_are_refused(
    tmp_path: Path, write: Callable[[Path], AbstractContextManager[object]]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, words in (("pipe", "a device, pipe or socket"), ("folder", "Is a directory"), ("none/a", "No such file")):
        with pytest.raises(OSError, match=words), write(tmp_path / name):
            pass
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "pipe"]
