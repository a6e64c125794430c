from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dpe_toolkit.delivery import folders

NAME = "dpe_toolkit"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="folders of Linux")
def test_on_linux_the_folders_are_those_of_earlier_releases(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folders.user_cache_dir() == home / ".cache" / NAME
    assert folders.user_data_dir() == home / ".local" / "share" / NAME
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "d"))
    assert (folders.user_cache_dir(), folders.user_data_dir()) == (home / "c" / NAME, home / "d" / NAME)


@pytest.mark.parametrize(
    ("system", "earlier_cache", "earlier_data"),
    [
        ("darwin", "Library/Caches", "Library/Application Support"),
        ("win32", "AppData/Local", "AppData/Local"),
    ],
)
def test_a_folder_of_an_earlier_release_goes_on_being_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, system: str, earlier_cache: str, earlier_data: str
) -> None:
    now_cache, now_data = home / "new" / "cache", home / "new" / "data"
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: now_cache)
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: now_data)
    assert (folders.user_cache_dir(), folders.user_data_dir()) == (now_cache, now_data)
    (home / earlier_cache / NAME).mkdir(parents=True)
    (home / earlier_data / NAME).mkdir(parents=True, exist_ok=True)
    assert folders.user_cache_dir() == home / earlier_cache / NAME
    assert folders.user_data_dir() == home / earlier_data / NAME
    now_cache.mkdir(parents=True)
    now_data.mkdir()
    assert (folders.user_cache_dir(), folders.user_data_dir()) == (now_cache, now_data)
