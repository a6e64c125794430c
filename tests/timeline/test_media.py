from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.timeline import find_media, media_basename, media_url

NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="/\\"), min_size=1, max_size=20)


@given(NAMES.filter(lambda name: name not in {".", ".."}))
def test_a_url_leads_back_to_its_path(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "urls"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"x")
    try:
        assert find_media(media_url(path, folder), [folder]) == path
        assert find_media(media_url(path, folder / "elsewhere"), []) == path
        assert media_basename(media_url(path, folder / "elsewhere")) == name.casefold() or ":" in name
    finally:
        path.unlink()


@pytest.mark.parametrize("reference", ["a b.mov", "a%20b.mov", "./a b.mov", "../{name}/a b.mov", "{uri}", "{path}"])
def test_paths_and_urls_in_every_form_are_found(tmp_path: Path, reference: str) -> None:
    path = tmp_path / "a b.mov"
    path.write_bytes(b"x")
    written = reference.format(name=tmp_path.name, uri=path.as_uri(), path=path)
    assert find_media(written, [tmp_path]).samefile(path)


def test_a_name_as_written_goes_before_its_decoded_form(tmp_path: Path) -> None:
    for name in ("a%20b.mov", "a b.mov"):
        (tmp_path / name).write_bytes(b"x")
    assert find_media("a%20b.mov", [tmp_path]).name == "a%20b.mov"


@pytest.mark.parametrize(
    "reference", ["takes/a.mov", "/gone/a.mov", "file:///gone/a.mov", "C:\\gone\\a.mov", "file:///C:/x/a.mov"]
)
def test_roots_are_searched_by_path_and_name(tmp_path: Path, reference: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.mov").write_bytes(b"x")
    assert find_media(reference, [tmp_path], roots=[root]) == root / "a.mov"


def test_a_resolver_is_asked_last_and_only_a_file_counts(tmp_path: Path) -> None:
    (tmp_path / "real.mov").write_bytes(b"x")
    assert find_media("asset:7", [tmp_path], resolve=lambda name, base: base / "real.mov").name == "real.mov"
    with pytest.raises(MediaError, match="the media reference 'asset:7' is of kind 'asset'"):
        find_media("asset:7", [tmp_path], resolve=lambda name, base: base / "none.mov")


@pytest.mark.parametrize("reference", ["http://h/a.mov", "HTTPS://h/a.mov", "concat:a|b", "rtsp://h/x", "pipe:0"])
def test_other_kinds_of_reference_are_refused_by_name(tmp_path: Path, reference: str) -> None:
    kind = reference.partition(":")[0].lower()
    with pytest.raises(MediaError, match=f"is of kind '{kind}'.*nothing is fetched over a network"):
        find_media(reference, [tmp_path])


def test_a_file_on_another_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"'file://server/share/a.mov' is on another host"):
        find_media("file://server/share/a.mov", [tmp_path])


@pytest.mark.parametrize("reference", ["", "a\0.mov"])
def test_a_reference_that_names_no_file_is_refused(tmp_path: Path, reference: str) -> None:
    with pytest.raises(MediaError, match="names no file"):
        find_media(reference, [tmp_path])


def test_a_missing_file_is_told_with_its_full_path(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="the media file does not exist") as caught:
        find_media("a.mov", [tmp_path])
    assert caught.value.path == tmp_path / "a.mov"


def test_a_folder_or_device_is_no_media_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="it is no regular file"):
        find_media(str(tmp_path), [])
    with pytest.raises(MediaError, match="it is no regular file"):
        find_media("/dev/zero", [])
