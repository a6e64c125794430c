"""Commands of plugins: those that clash or fail are left out with a word, and stop no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from dpe_toolkit.api import hookimpl
from dpe_toolkit.cli.group import plugin_commands
from dpe_toolkit.plugins import Registry
from tests.cli.conftest import Dpe
from tests.cli.strangers import install


class Commands:
    """A plugin with these commands."""

    def __init__(self, *names: str, error: Exception | None = None) -> None:
        self.names, self.error = names, error

    @hookimpl
    def dpe_register_commands(self, app: typer.Typer) -> None:
        for name in self.names:
            app.command(name)(lambda: None)
        if self.error:
            raise self.error


def test_a_command_whose_name_is_taken_is_left_out_and_the_plugins_others_stay() -> None:
    commands, faults = plugin_commands(Registry.of({"clash": Commands("render", "clash-info")}), ["render", "plan"])
    assert list(commands) == ["clash-info"]
    assert faults == [("clash", "its command 'render' is left out, since dpe itself has one of that name")]


def test_of_two_plugins_with_one_command_neither_has_it() -> None:
    commands, faults = plugin_commands(Registry.of({"b": Commands("same"), "a": Commands("same", "own")}), [])
    assert list(commands) == ["own"]
    assert sorted(faults) == [
        ("a", "its command 'same' is left out, since plugin 'b' has one of that name"),
        ("b", "its command 'same' is left out, since plugin 'a' has one of that name"),
    ]


def test_a_plugin_that_fails_while_it_registers_commands_stops_no_other() -> None:
    plugins = {"a": Commands("half", error=ValueError("cmd")), "b": Commands("whole")}
    commands, faults = plugin_commands(Registry.of(plugins), [])
    assert list(commands) == ["whole"]
    assert faults == [("a", "its commands cannot be registered: ValueError: cmd")]


def test_the_list_shows_plugins_of_hooks_alone_and_commands_that_clash(
    dpe: Dpe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from dpe_toolkit.api import hookimpl\n\nDPE_API_VERSION = 1\n\n\n@hookimpl\n"
    code += 'def dpe_register_commands(app):\n    app.command("render")(lambda: None)\n'
    install(tmp_path, "clash", code)
    monkeypatch.syspath_prepend(tmp_path)
    done = dpe("plugins", "list")
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("clash ")]
    assert row == ["clash", "3.1", "hooks", "dpe_register_commands"]
    assert "note: plugin clash: its command 'render' is left out, since dpe itself has one of that name" in done.stderr
