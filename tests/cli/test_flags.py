"""Options of components as flags, and which of four places counts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dpe_toolkit.cli.flags import flags_of, named_targets
from dpe_toolkit.delivery.allowed import allowed_registry
from dpe_toolkit.delivery.schemas import schema_of
from tests.cli.conftest import Dpe
from tests.cli.test_faults import expect_one_message


@pytest.fixture
def cut(media: Path, tmp_path: Path) -> Path:
    """A timeline whose effect sets two options of the compositor, beside a project that sets three."""
    options = {"feather": {"feather_px": 20, "match_colour": False}}
    metadata = {"schema": 1, "id": "e1", "consent": "none", "options": options}
    metadata["driving"] = {"media": str(media / "face.mkv")}
    effect = {"OTIO_SCHEMA": "Effect.1", "effect_name": "dpe.expression", "metadata": {"dpe": metadata}}
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(media / "face.mkv")}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "sh010", "media_reference": reference, "effects": [effect]}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path = tmp_path / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}))
    project = "[options.feather]\nfeather_px = 10\nmatch_colour = true\n[options.mesh]\nhold_pose_deg = 5\n"
    (tmp_path / "dpe.toml").write_text(project)
    return path


def explained(dpe: Dpe, cut: Path, *words: str) -> dict[str, tuple[str, str]]:
    """Option to value and origin, as ``dpe plan --explain`` prints them."""
    done = dpe("plan", cut, "--explain", *words)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^sh010 +(\w+\.\w+) +(\S+) +(\S.*?) *$", done.stdout, flags=re.MULTILINE)
    return {what: (value, origin) for what, value, origin in rows}


def test_the_command_line_goes_before_the_effect_before_the_project_before_the_default(dpe: Dpe, cut: Path) -> None:
    found = explained(dpe, cut, "--feather.feather-px", "30")
    assert found["compositor.feather_px"] == ("30.0", "command line")
    assert found["compositor.match_colour"] == ("False", "effect")
    assert found["generator.hold_pose_deg"] == ("5.0", "project")
    assert found["generator.interpolation"] == ("bicubic", "default")
    (cut.parent / "dpe.toml").unlink()
    assert explained(dpe, cut)["generator.hold_pose_deg"] == ("8.0", "default")


@pytest.mark.parametrize(
    "words",
    [
        ("--feather.feather-px", "30"),
        ("--feather.feather-px=30",),
        ("--compositor.feather-px", "30"),
        ("--set", "feather.feather_px=7", "--feather.feather-px", "30"),
        ("--set", "feather.feather_px=30"),
    ],
)
def test_a_flag_means_what_set_means(dpe: Dpe, cut: Path, words: tuple[str, ...]) -> None:
    assert explained(dpe, cut, *words)["compositor.feather_px"] == ("30.0", "command line")


def test_switches_have_a_way_back(dpe: Dpe, cut: Path) -> None:
    on = explained(dpe, cut, "--feather.match-colour", "--mesh.no-eye-donors")
    assert on["compositor.match_colour"] == ("True", "command line")
    assert on["generator.eye_donors"] == ("False", "command line")


def test_an_edit_stores_a_flag_in_its_timeline(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    words = ("--feather.feather-px", "31", "--frames", "0:1", "--quiet")
    done = dpe("edit", media / "face.mkv", media / "face.mkv", "-o", tmp_path / "out.mkv", *words)
    assert done.returncode == 0, done.stderr
    assert '"feather_px": 31.0' in (tmp_path / "out.mkv.otio").read_text()


def test_help_shows_the_options_of_what_is_named_with_it(dpe: Dpe) -> None:
    text = dpe("render", "--help", "--generator", "mesh", "--compositor=feather").stdout
    for part in ("Options of generator mesh", "--mesh.hold-pose-deg", "0<=x<=20", "Default: 8.0.", "bicubic|bilinear"):
        assert part in text
    assert "--feather.no-match-colour" in text
    assert "--mesh." not in dpe("render", "--help").stdout


def test_an_unknown_component_or_option_of_a_flag_is_told(dpe: Dpe, cut: Path) -> None:
    expect_one_message(dpe("plan", cut, "--fether.feather-px", "3"), code=2, text="Did you mean 'feather'?")
    done = dpe("plan", cut, "--feather.fether-px", "3")
    assert done.returncode == 2
    assert "feather.fether-px" in done.stderr.replace("\n", "")
    done = dpe("plan", cut, "--mesh.hold-pose-deg", "90")
    assert done.returncode == 2
    assert "mesh.hold-pose-deg" in done.stderr.replace("\n", "")


def test_what_is_named_on_a_command_line_is_seen_in_every_spelling() -> None:
    words = [
        "--generator",
        "mesh",
        "--compositor=feather",
        "--mesh.a",
        "1",
        "--dpe/pose.no-b",
        "--mesh.c=1",
        "--x",
        ".",
    ]
    assert named_targets(words) == {"kinds": ["generator=mesh", "compositor=feather"], "dotted": ["mesh", "dpe/pose"]}


def test_every_option_of_every_component_has_a_flag() -> None:
    registry = allowed_registry()
    for plugin in registry.plugins:
        for entry in plugin.components:
            flags = flags_of([(entry.component.name, entry)])
            assert {option for _, option in flags.meaning.values()} == set(entry.component.options.model_fields)
            assert len(flags.parameters) == len(flags.meaning)


@pytest.mark.parametrize("of", ["project", "effect"])
def test_the_schema_names_components_and_their_options(dpe: Dpe, of: str) -> None:
    schema = json.loads(dpe("plugins", "schema", "--of", of).stdout)
    properties = schema["properties"]
    assert "feather" in properties["components"]["properties"]["compositor"]["enum"]
    assert properties["components"]["properties"]["refine"]["anyOf"][1]["type"] == "array"
    assert properties["options"]["properties"]["feather"]["properties"]["feather_px"]["maximum"] == 500
    assert "feather_px" in properties["options"]["properties"]["compositor"]["properties"]
    assert schema == schema_of(of, allowed_registry())  # type: ignore[arg-type] # both words


def test_a_schema_is_written_whole(dpe: Dpe, tmp_path: Path) -> None:
    done = dpe("plugins", "schema", "-o", tmp_path / "dpe.schema.json")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "dpe.schema.json").read_text())["properties"]["edit"]
