"""Many broken plugins installed together: each is named, and only what needs one of them stops."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Dpe
from tests.cli.strangers import AT_RUN_TIME, CLASHING, FAULTY, GOOD, install

DEMO = Path(__file__).parents[2] / "timelines" / "demo.otio"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, (code, _) in (FAULTY | CLASHING).items():
        install(folder, name, code, "no_attribute:missing" if name == "no_attribute" else "")
    install(folder, "sleeper", AT_RUN_TIME)
    install(folder, "whole", GOOD.replace("NAME", "whole"))
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, demo_media: Path) -> Path:
    """The demonstration's timeline beside its media."""
    folder = tmp_path_factory.mktemp("demo") / "timelines"
    folder.mkdir()
    shutil.copy(DEMO, folder)
    (folder.parent / "demo_output").mkdir()
    (folder.parent / "demo_output" / "media").symlink_to(demo_media, target_is_directory=True)
    return folder / DEMO.name


@pytest.fixture
def run(dpe: Dpe, site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dpe]:
    """The program with these distributions besides those that are here."""
    monkeypatch.syspath_prepend(site)
    yield dpe
    for name in [*FAULTY, *CLASHING, "sleeper", "whole"]:
        sys.modules.pop(name, None)


def render(run: Dpe, demo: Path, output: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run("render", demo, "-o", output, "--frames", "4:8", "--quiet", *words)


def test_the_list_names_every_fault_with_its_plugin_and_version(run: Dpe) -> None:
    done = run("plugins", "list")
    assert done.returncode == 0
    lines = {line.split()[2]: line for line in done.stderr.splitlines() if line.startswith("error: plugin ")}
    assert len(FAULTY) >= 9
    assert lines.keys() == FAULTY.keys()
    for name, (_, fault) in FAULTY.items():
        assert lines[name].startswith(f"error: plugin {name} 3.1: ")
        assert fault in lines[name], lines[name]
    for name, (_, told) in CLASHING.items():
        assert f"note: plugin {name}: {told}" in done.stderr
    assert " whole " in done.stdout
    assert "Traceback" not in done.stderr


def test_the_list_as_json_names_them_too(run: Dpe) -> None:
    records = {record["name"]: record for record in json.loads(run("plugins", "list", "--json").stdout)}
    for name, (_, fault) in FAULTY.items():
        assert fault in records[name]["fault"]
        assert records[name]["version"] == "3.1"
    for name, (_, told) in CLASHING.items():
        assert (records[name]["fault"], records[name]["notes"]) == (None, [told])
    whole = records["whole"]
    assert (whole["fault"], whole["licence"], whole["api_version"]) == (None, "MIT", 1)


@pytest.mark.slow
def test_the_demonstration_still_renders_and_a_plan_that_needs_one_fails_with_one_message(
    run: Dpe, demo: Path, tmp_path: Path
) -> None:
    done = render(run, demo, tmp_path / "demo.mp4")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert (tmp_path / "demo.mp4").stat().st_size > 1000
    for name, fault in (
        ("misspelt", FAULTY["misspelt"][1]),
        ("twin", "'twin' is registered by 'twin_one' and 'twin_two'. Expected: 'twin_one:twin' or 'twin_two:twin'"),
    ):
        done = run("plan", demo, "--compositor", name)
        (message,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert done.returncode == 2
        assert fault in message
        done = render(run, demo, tmp_path / "never.mp4", "--compositor", name)
        assert done.stderr.splitlines() == [message]
        assert done.returncode == 2
        assert "clip 'astronaut' and clip 'man exaggerated'" in message
        assert not (tmp_path / "never.mp4").exists()


@pytest.mark.slow
def test_a_plugin_that_fails_at_run_time_is_named_with_its_cause(run: Dpe, demo: Path, tmp_path: Path) -> None:
    done = render(run, demo, tmp_path / "out.mp4", "--compositor", "sleeper")
    (message,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "plugin 'sleeper 3.1'" in message
    assert "RuntimeError: out of memory on Mars" in message
    assert not (tmp_path / "out.mp4").exists()


def test_a_machine_loads_only_what_it_allows(run: Dpe, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = "face_mesh, feather_blend"
    monkeypatch.setenv("DPE_PLUGINS", allowed)
    done = run("plugins", "list")
    assert "error" not in done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines()[1:] if line[:1].strip()} == set(allowed.split(", "))
    assert "not allowed here" in done.stderr
    assert "sleeper" in done.stderr
    records = json.loads(run("plugins", "list", "--json").stdout)
    assert "not allowed" in next(record["fault"] for record in records if record["name"] == "sleeper")


def test_a_project_narrows_what_is_loaded_and_never_widens_it(
    run: Dpe, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "dpe.toml"
    project.write_text('schema = 1\n[plugins]\nallow = ["face_mesh", "feather_blend"]\n', encoding="utf-8")
    done = run("plan", demo, "--project", project, "--compositor", "whole")
    assert done.returncode == 2
    assert "there is no compositor 'whole'" in done.stderr
    assert "Not allowed here" in done.stderr or "not allowed here" in done.stderr
    project.write_text('schema = 1\n[plugins]\nallow = ["face_mesh", "feather_blend", "whole"]\n', encoding="utf-8")
    assert run("plan", demo, "--project", project, "--compositor", "whole").returncode == 0
    monkeypatch.setenv("DPE_PLUGINS", "face_mesh,feather_blend")
    assert run("plan", demo, "--project", project, "--compositor", "whole").returncode == 2
