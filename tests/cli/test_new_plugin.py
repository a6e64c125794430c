"""``dpe plugins new`` and ``check``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.plugins.folder import folder_sources
from dpe_toolkit.plugins.scaffold import SCAFFOLD_KINDS, write_plugin
from tests.cli.conftest import Dpe
from tests.cli.test_faults import expect_one_message


@pytest.fixture(autouse=True)
def _same_path_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


TEMPLATES = {template: kind for kind, template in SCAFFOLD_KINDS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(TEMPLATES.values()))
def test_a_new_plugin_passes_its_checks_at_once(dpe: Dpe, tmp_path: Path, kind: str) -> None:
    assert dpe("plugins", "new", f"new_{kind}", "--kind", kind, "--into", tmp_path).returncode == 0
    done = dpe("plugins", "check", tmp_path / f"dpe-new-{kind}", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == []
    assert {one["component"] for one in report["components"]} == {f"new_{kind}"}
    assert kind in {one["kind"] for one in report["components"]}
    for one in report["components"]:
        assert one["passed"] >= 17
        # What is given frames and no windows around faces is not asked about those.
        assert one["skipped"] == (one["kind"] in ("detector", "landmark"))
        assert (one["failed"], one["faults"]) == (0, [])
        assert one["ms_per_frame"] >= 0


@pytest.mark.slow
def test_a_new_plugin_installs_and_passes_its_own_tests(
    dpe: Dpe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpe("plugins", "new", "soft-edge", "--kind", "compositor", "--into", tmp_path)
    site, folder = tmp_path / "site", tmp_path / "dpe-soft-edge"
    words = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(site), str(folder)]
    install = subprocess.run([sys.executable, "-m", "pip", "install", *words], capture_output=True, text=True)
    assert install.returncode == 0, install.stderr
    monkeypatch.syspath_prepend(site)
    listed = dpe("plugins", "list", "--json")
    record = next(record for record in json.loads(listed.stdout) if record["name"] == "soft_edge")
    assert (record["fault"], record["licence"], record["version"]) == (None, "Apache-2.0", "0.1.0")
    checked = dpe("plugins", "check", "soft_edge")
    assert checked.returncode == 0, checked.stderr
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=folder,
        env={"PYTHONPATH": f"{site}:{':'.join(filter(None, sys.path))}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert tests.returncode == 0, tests.stdout
    assert "54 passed" in tests.stdout


@pytest.mark.parametrize("kind", sorted(TEMPLATES.values()))
def test_new_code_keeps_the_style_and_the_types_of_the_toolkit(tmp_path: Path, kind: str) -> None:
    folder = write_plugin("soft_edge", kind, tmp_path).folder
    root = Path(__file__).parents[2]
    for words in (
        ("ruff", "format", "--check", "--line-length", "120"),
        ("ruff", "check", "--config", str(root / "pyproject.toml"), "--config", "lint.per-file-ignores={'*'=['I001']}"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *words, "dpe_soft_edge"], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("Soft Edge", "compositor", "'Soft Edge' is no name for a plugin. lower-case words"),
        ("soft__edge", "compositor", "is no name for a plugin"),
        ("../up", "compositor", "is no name for a plugin"),
        ("soft_edge", "painter", "there is no template for a 'painter'. one of compositor, detector"),
    ],
)
def test_a_name_or_kind_that_cannot_be_used_is_refused(tmp_path: Path, name: str, kind: str, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        write_plugin(name, kind, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_and_nothing_into_nowhere(tmp_path: Path) -> None:
    (tmp_path / "dpe-soft-edge").mkdir()
    with pytest.raises(OptionsError, match=r"dpe-soft-edge' is there already.*choose another name"):
        write_plugin("soft_edge", "compositor", tmp_path)
    assert list((tmp_path / "dpe-soft-edge").iterdir()) == []
    with pytest.raises(OptionsError, match=r"does not exist. a folder that exists. make it first"):
        write_plugin("soft_edge", "compositor", tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["feather", "face-mesh", "multiband"])
def test_the_name_of_an_installed_plugin_or_component_is_refused(dpe: Dpe, tmp_path: Path, name: str) -> None:
    done = dpe("plugins", "new", name, "--kind", "compositor", "--into", tmp_path)
    expect_one_message(done, code=2, text="is taken by the installed plugin")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("feather.x=1", "feather has no option 'x'"),
        ("feather.feather_px=-1", "option feather.feather_px = -1 is not accepted"),
        ("fether.feather_px=1", "--set names 'fether', which is not among what is checked"),
    ],
)
def test_an_option_that_nothing_takes_stops_before_any_check(dpe: Dpe, assignment: str, message: str) -> None:
    done = dpe("plugins", "check", "feather", "--set", assignment)
    expect_one_message(done, code=2, text=message)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "it has no pyproject.toml"),
        ("[project\n", "its pyproject.toml cannot be read"),
        ("[project]\nname = 'x'\n", "it announces no plugin"),
        ("project = 3\n", "its pyproject.toml cannot be read"),
    ],
)
def test_a_folder_that_is_no_plugin_is_told_what_is_missing(tmp_path: Path, manifest: str | None, message: str) -> None:
    if manifest is not None:
        (tmp_path / "pyproject.toml").write_text(manifest, encoding="utf-8")
    with pytest.raises(OptionsError, match=rf"{message}.*name the folder of a distribution"):
        folder_sources(tmp_path)


def test_an_unknown_target_is_answered_with_the_known_ones(dpe: Dpe) -> None:
    expect_one_message(dpe("plugins", "check", "fether"), code=2, text="Did you mean 'feather'?")


def test_a_plugin_that_breaks_its_promise_is_told_and_the_exit_code_says_so(dpe: Dpe, tmp_path: Path) -> None:
    folder = write_plugin("rude", "compositor", tmp_path).folder
    code = folder / "dpe_rude" / "compositor.py"
    changed = code.read_text(encoding="utf-8").replace(
        "Composited(edited.pixels, matte)", "Composited(edited.pixels + 0.1, matte)"
    )
    code.write_text(changed, encoding="utf-8")
    plugin = folder / "dpe_rude" / "plugin.py"
    plugin.write_text(plugin.read_text(encoding="utf-8").replace("DPE_API_VERSION = 1\n", ""), encoding="utf-8")
    done = dpe("plugins", "check", folder)
    assert done.returncode == 1
    assert "2 failed" in done.stdout
    assert "error: compositor rude: an unchanged face stays as it is" in done.stderr
    assert "error: plugin rude 0.1.0 does not state DPE_API_VERSION" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_tells_licence_source_space_and_api(dpe: Dpe) -> None:
    text = dpe("plugins", "show", "face_mesh").stdout
    for part in ("API 1", "of dpe-face-mesh", "licence: Apache-2.0", "source: MediaPipe", "code space: face_mesh/1"):
        assert part in text
    (record,) = json.loads(dpe("plugins", "show", "feather", "--json").stdout)
    assert record["options"]["properties"]["feather_px"]["maximum"] == 500


WEIGHED = """
from pydantic import Field

from dpe_toolkit.api import CheckpointError, Component, PluginOptions, hookimpl

DPE_API_VERSION = 1


class Options(PluginOptions):
    weights: str = Field(default="", description="A file.")


class Same:
    def refine(self, source, edited):
        return edited


def create(options, context):
    if context.weights is None or context.weights_named["weights"] != context.weights:
        raise CheckpointError("no weights", "a file", "name it")
    return Same()


@hookimpl
def dpe_register_refiners():
    return [Component(kind="refine", name="weighed", summary="Nothing.", create=create, options=Options)]
"""
PROJECT = """
[project]
name = "weighed"
version = "1"
[project.entry-points."dpe_toolkit.plugins"]
weighed = "weighed"
"""


def test_weights_by_an_option_and_by_the_flag_are_the_same_and_none_is_no_success(dpe: Dpe, tmp_path: Path) -> None:
    folder = tmp_path / "weighed"
    folder.mkdir()
    (folder / "weighed.py").write_text(WEIGHED, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "w.bin").write_bytes(b"1")
    for words in (("--weights", tmp_path / "w.bin"), ("--set", f"weighed.weights={tmp_path / 'w.bin'}")):
        done = dpe("plugins", "check", folder, *words)
        assert done.returncode == 0, done.stderr
        assert "checked: refine weighed: 21 of 21 checks hold" in done.stderr
    done = dpe("plugins", "check", folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("not checked: refine weighed: of these nothing is known")
    done = dpe("plugins", "check", folder, "--set", "weighed.weights=gone.bin")
    assert done.returncode == 1
    assert "there is no such weights file" in done.stderr


def test_what_cannot_be_checked_without_weights_is_said(dpe: Dpe) -> None:
    done = dpe("plugins", "check", "dpe/pose")
    assert done.returncode == 1
    assert "not checked" in done.stdout
    assert "has no weights" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("not checked: generator dpe/pose: of these nothing is known")
