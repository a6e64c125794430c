from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from dpe_toolkit.cli import app
from dpe_toolkit.cli.outputs import AudioTracks, Chroma, Preset
from dpe_toolkit.media import OutputSettings

GROUPS = {
    "dataset": ("build", "check", "show", "synth"),
    "plugins": ("list", "show", "new", "check", "schema"),
    "weights": ("import", "list", "show", "verify", "fetch"),
    "evaluate": ("self", "cross", "expression", "pose", "synthetic", "join"),
}
COMMANDS = [
    "render",
    "plan",
    "edit",
    "animate",
    "link",
    "still",
    "sync",
    "faces",
    "conform",
    "relink",
    "train",
    "doctor",
]
COMMANDS += [f"{group} {command}" for group, commands in GROUPS.items() for command in commands]


def help_of(command: str) -> str:
    result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 0
    return result.output


def examples() -> Iterator[tuple[str, str]]:
    for command in ["", *COMMANDS]:
        for line in re.findall(r"^ +(dpe .*?) *$", help_of(command), flags=re.MULTILINE):
            if not line.startswith("dpe [") and "COMMAND" not in line:
                yield command, line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    text = help_of(command)
    assert "Examples:" in text
    assert f"dpe {command}" in text


@pytest.mark.parametrize(("command", "line"), sorted(set(examples())))
def test_examples_fit_the_window_and_use_options_that_exist(command: str, line: str) -> None:
    words = shlex.split(line.partition(">")[0])[1:]
    root = typer.main.get_command(app)
    context = root.make_context("dpe", [words[0]], resilient_parsing=True)
    group, name = (words[0], words[1]) if words[0] in GROUPS else (None, words[0])
    found = root.get_command(context, words[0])
    if group is not None:
        found = found.get_command(context, name)
    options = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= options | {"-h"}
    assert len(line) <= 76


def test_the_root_lists_every_command() -> None:
    text = help_of("")
    assert all(re.search(rf"\b{command.split()[0]}\b", text) for command in COMMANDS)


def test_edit_takes_every_option_of_render() -> None:
    options = {command: set(re.findall(r"--[a-z-]+", help_of(command))) for command in ("render", "edit")}
    assert options["render"] - {"--per-shot", "--handles", "--template", "--format"} <= options["edit"]


def test_choices_are_those_of_the_writer() -> None:
    chroma, preset = (OutputSettings.model_fields[name].annotation for name in ("chroma", "preset"))
    assert chroma == Chroma | None
    assert preset == Preset
    assert OutputSettings.model_fields["audio_tracks"].annotation == AudioTracks
