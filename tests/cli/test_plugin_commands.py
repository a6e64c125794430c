"""Commands that plugins bring: found when asked for, and told of where they are not there."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import typer

import dpe_toolkit.plugins
from dpe_research import plugin
from dpe_toolkit.api import OptionsError, hookimpl
from dpe_toolkit.api.commands import note, say
from dpe_toolkit.cli.group import ELSEWHERE
from dpe_toolkit.plugins import Registry
from tests.cli.conftest import NUM_FRAMES, Dpe
from tests.cli.strangers import install
from tests.contracts.pages import blocks


class Counting:
    """A plugin with a command, which counts how often its commands are asked for."""

    def __init__(self) -> None:
        self.asked = 0

    @hookimpl
    def dpe_register_commands(self, app: typer.Typer) -> None:
        self.asked += 1

        @app.command("hello", help="Say hello.")
        def hello(name: str) -> None:
            if name == "nobody":
                raise OptionsError("there is nobody to greet", "a name", "give one")
            say(f"hello {name}")
            note("said")


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    registry = Registry.of({"counting": counting})
    monkeypatch.setattr(dpe_toolkit.plugins, "load_registry", lambda **allowed: registry)
    return counting


def test_a_command_of_a_plugin_speaks_and_fails_as_our_own_do(dpe: Dpe, counting: Counting) -> None:
    done = dpe("hello", "world")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello world\n", "said\n")
    refused = dpe("hello", "nobody")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "error: there is nobody to greet. Expected: a name. Give one.\n"


def test_plugins_are_asked_for_commands_once_for_help_and_never_for_our_own(dpe: Dpe, counting: Counting) -> None:
    assert dpe("plan", "--help").returncode == 0
    assert counting.asked == 0
    assert "Say hello." in dpe("--help").stdout
    assert counting.asked == 1


def test_the_table_of_commands_elsewhere_is_what_the_distribution_brings() -> None:
    app = typer.Typer()
    plugin.dpe_register_commands(app)
    assert dict.fromkeys(typer.main.get_group(app).commands, "dpe-research") == ELSEWHERE


@pytest.mark.parametrize("command", ELSEWHERE)
def test_a_command_that_is_not_installed_says_what_to_install(
    dpe: Dpe, counting: Counting, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    done = dpe(command, "--help")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: 'dpe {command}' is a command of the distribution {ELSEWHERE[command]}, which is not installed. "
        f"Run pip install {ELSEWHERE[command]}.\n"
    )


def test_a_command_of_a_plugin_that_was_not_let_in_says_so(dpe: Dpe, counting: Counting) -> None:
    done = dpe("train")
    assert done.returncode == 2
    assert "distribution dpe-research, whose plugin was not loaded. See what 'dpe plugins list'" in done.stderr


def test_a_command_that_nobody_has_is_offered_its_neighbours(dpe: Dpe, counting: Counting) -> None:
    done = dpe("rendr")
    assert done.returncode == 2
    assert "Did you mean 'render'" in done.stderr


def test_our_own_commands_load_no_commands_of_plugins() -> None:
    code = (
        "import sys; from dpe_toolkit.cli import app; from typer.testing import CliRunner; "
        "assert CliRunner().invoke(app, ['plugins', 'show', 'feather']).exit_code == 0; "
        "assert 'dpe_research.plugin' in sys.modules; print('dpe_research.commands' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_command_of_the_plugins_page_works_as_it_stands(
    dpe: Dpe, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = (one.text for one in blocks("docs/plugins.md") if one.language == "python" and "def seen(" in one.text)
    install(tmp_path, "seen", code)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        done = dpe("seen", media / "face.mkv", "--device", "cpu")
        assert (done.returncode, done.stdout.split()[-2:]) == (0, ["1", str(NUM_FRAMES)]), done.stderr
        assert "dpe seen actor.mp4" in dpe("seen", "--help").stdout
        lost = dpe("seen", tmp_path / "lost.mp4", "--device", "cpu")
        assert (lost.returncode, "Traceback" in lost.stderr) == (1, False)
        unknown = dpe("seen", media / "face.mkv", "--detector", "hawk")
        assert unknown.returncode == 2
    finally:
        sys.modules.pop("seen", None)
