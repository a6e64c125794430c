"""Writing the lock, by a stand-in for uv."""

from __future__ import annotations

from pathlib import Path

import pytest

from development import lockfile
from development.checkout import SetupError, requirements
from development.lockfile import read_pins, write_lock
from tests.development.test_environment import posix, stand_in

pytestmark = posix


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock to write, and a uv that notes what it is asked and gives one version."""
    made = tmp_path / "requirements.lock"
    made.write_text("# old\nav==1\n", encoding="utf-8")
    script = f"""
        echo "$@" > "{tmp_path}/words"; env > "{tmp_path}/variables"; cat > "{tmp_path}/asked"
        while [ "$1" != --output-file ]; do shift; done
        cp "$2" "{tmp_path}/before"; echo "av==2" > "$2"
    """
    monkeypatch.setattr(lockfile, "LOCK", made)
    monkeypatch.setattr(lockfile, "_uv", lambda: stand_in(tmp_path / "uv", script))
    return made


def test_the_lock_is_made_of_all_requirements_and_what_is_held(lock: Path, tmp_path: Path) -> None:
    write_lock()
    assert lock.read_text(encoding="utf-8").startswith("# One version of everything")
    assert read_pins(lock.read_text(encoding="utf-8")) == {"av": "2"}
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert asked == [*requirements(), *(f"{name}{versions}" for name, versions in lockfile.HELD.items())]


def test_versions_stay_unless_newer_ones_are_asked_for(lock: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    write_lock()
    assert (tmp_path / "before").read_text(encoding="utf-8") == "# old\nav==1\n"
    assert "--upgrade" not in words.read_text(encoding="utf-8")
    write_lock(["av", "numpy"])
    assert "--upgrade-package av --upgrade-package numpy" in words.read_text(encoding="utf-8")
    write_lock(["all"])
    assert " --upgrade --output-file" in words.read_text(encoding="utf-8")


def test_the_settings_of_whoever_makes_the_lock_do_not_count(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "https://example.org/simple")
    write_lock()
    assert "example.org" not in (tmp_path / "variables").read_text(encoding="utf-8")
    assert "--no-config" in (tmp_path / "words").read_text(encoding="utf-8")


def test_requirements_that_contradict_each_other_leave_the_lock_as_it_was(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockfile, "_uv", lambda: stand_in(tmp_path / "no", "echo av is too old >&2; exit 1"))
    with pytest.raises(
        SetupError, match=r"no set of versions was found:\nav is too old\nexpected requirements that can"
    ):
        write_lock()
    assert lock.read_text(encoding="utf-8") == "# old\nav==1\n"


def test_uv_is_the_one_on_the_path_else_one_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = stand_in(tmp_path / "python", f'touch "{tmp_path}/called"')
    monkeypatch.setattr(lockfile, "_TOOLS", tmp_path / "tools")
    monkeypatch.setattr(lockfile.sys, "executable", str(python))
    monkeypatch.setattr(lockfile.shutil, "which", lambda name: f"/there/{name}")
    assert lockfile._uv() == Path("/there/uv")
    monkeypatch.setattr(lockfile.shutil, "which", lambda _name: None)
    stand_in(tmp_path / "tools" / "bin" / "python", f'touch "{tmp_path}/tools/bin/uv"')
    assert lockfile._uv() == tmp_path / "tools" / "bin" / "uv"
    (tmp_path / "called").unlink()
    lockfile._uv()
    assert not (tmp_path / "called").exists(), "what is there is not installed again"


def test_a_uv_that_cannot_be_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockfile, "_TOOLS", tmp_path / "tools")
    monkeypatch.setattr(lockfile.sys, "executable", str(stand_in(tmp_path / "python", "echo no index; exit 1")))
    monkeypatch.setattr(lockfile.shutil, "which", lambda _name: None)
    with pytest.raises(
        SetupError, match=r"uv==.* cannot be installed: no index; expected a package index .*; install uv"
    ):
        lockfile._uv()
