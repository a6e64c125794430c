from __future__ import annotations

import inspect
import json
import re
import shlex
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dpe_toolkit.cli import app
from dpe_toolkit.editing.stages import STAGES
from dpe_toolkit.face.choice import parse_face
from dpe_toolkit.hookspecs import HookSpecs
from dpe_toolkit.planning.settings import ProjectConfig
from dpe_toolkit.timeline import EffectSpec, parse_effect, read_timeline
from dpe_toolkit.timeline.effect import Driving
from dpe_toolkit.timeline.keyed import MatteSpec
from tests.contracts import pages
from tests.contracts.pages import all_pages, mentioned

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / page for page in all_pages()]
SCHEMA = (ROOT / "docs" / "timeline-schema.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every command of the program in every page, in blocks and in the text, and those that torchrun would start."""
    lines = [line for page in all_pages() for line in (*pages.commands(page), *mentioned(page))]
    return [re.sub(r"^torchrun .* --no-python (?=dpe )", "", line) for line in lines]


@pytest.mark.parametrize("line", sorted({line for line in commands() if line.startswith("dpe ")}))
def test_commands_in_the_pages_use_options_that_exist(line: str) -> None:
    words = shlex.split(line)[1:]
    root = typer.main.get_command(app)
    context = root.make_context("dpe", ["doctor"], resilient_parsing=True)
    found = root.get_command(context, words[0])
    if hasattr(found, "get_command") and len(words) > 1:
        found = found.get_command(context, words[1])
    assert found is not None
    options = {option for parameter in found.params for option in parameter.opts}
    # Flags with a dot are options of components, which another test knows.
    assert {word for word in words if re.match(r"--?[a-z][^.]*$", word)} <= options


def test_what_the_pages_tell_to_show_is_there() -> None:
    shown = {line.split()[3] for line in commands() if re.match(r"dpe plugins show [a-z]", line)}
    made = {"newcomer", "soft_oval"}
    results = {name: CliRunner().invoke(app, ["plugins", "show", name]) for name in shown - made}
    assert [name for name, result in results.items() if result.exit_code != 0] == []


def test_the_benchmarks_that_the_pages_name_have_the_options_that_they_give() -> None:
    told = [line for page in PAGES for line in re.findall(r"`(python benchmarks/[^`]+)`", page.read_text("utf-8"))]
    assert told
    for line in told:
        _, script, *words = line.split()
        code = (ROOT / script).read_text(encoding="utf-8")
        assert [word for word in words if word.startswith("--") and f'"{word}"' not in code] == [], line


def table_fields(heading: str) -> set[str]:
    section = SCHEMA.partition(heading)[2].partition("\n#")[0]
    return {
        name
        for cell in re.findall(r"^\| (`[^|]*`) \|", section, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }


def test_the_schema_page_names_every_field_and_no_other() -> None:
    assert table_fields("## The effect\n") == {field.alias or name for name, field in EffectSpec.model_fields.items()}
    assert table_fields("### `driving`\n") == set(Driving.model_fields)
    assert table_fields("### `mattes`\n") == set(MatteSpec.model_fields)


def test_the_effect_of_the_schema_page_is_read_from_a_timeline(tmp_path: Path) -> None:
    effect, keys, mattes = (json.loads(block) for block in blocks(SCHEMA, "json"))
    effect["metadata"]["dpe"] |= {"keys": keys, "mattes": mattes}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "a", "effects": [effect]}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path = tmp_path / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}))
    found = read_timeline(path).stack.children[0].children[0].effects[0]
    spec, problems = parse_effect(found.metadata, where="a")
    assert problems == ()
    assert spec is not None
    assert (spec.expression, spec.driving.media.url, spec.driving.start.seconds) == (
        0.8,
        "media/smile.mp4",
        Fraction(48, 25),
    )
    assert list(spec.keys) == ["expression", "mouth"]
    assert [matte.media is not None for matte in spec.mattes] == [False, False, True]


def test_every_way_to_write_a_face_on_the_schema_page_is_read() -> None:
    text = SCHEMA.partition("### `face`")[2].partition("###")[0]
    written = re.findall(r"`((?:position|size|track|reference):[^`]+)`", text)
    assert [parse_face(one).by for one in written] == ["position", "size", "track", "reference"]


def test_the_fence_of_the_plugins_page_is_accepted() -> None:
    (text,) = blocks((ROOT / "docs" / "plugins.md").read_text(encoding="utf-8"), "toml")
    assert ProjectConfig.model_validate(tomllib.loads(text)).plugins.allow == ("face_mesh", "feather_blend")


def test_the_plugins_page_has_the_signature_of_every_hook_and_no_other() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").partition("### Every hook\n")[2]
    hooks = {name: hook for name, hook in vars(HookSpecs).items() if name.startswith("dpe_")}
    signatures = {name: str(inspect.signature(hook)) for name, hook in hooks.items()}
    stated = {f"def {name}{signature}".replace("'", "") for name, signature in signatures.items()}
    shown = {line.removesuffix(": ...") for line in blocks(text, "python")[0].splitlines() if line.startswith("def ")}
    assert shown == {line.replace("(self, ", "(").replace("(self)", "()") for line in stated}


def test_the_plugins_page_names_every_kind() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert [row.kind for row in STAGES if f"`{row.kind}`" not in text] == []


def test_the_project_file_of_the_schema_page_is_accepted() -> None:
    edits, picture = (ProjectConfig.model_validate(tomllib.loads(text)) for text in blocks(SCHEMA, "toml"))
    assert edits.edit.expression == 0.8
    assert picture.picture.fit == "fit"


def test_every_page_has_its_place_in_the_site() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f": {page.name}\n" not in nav + "\n"] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_the_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_table_of_the_readme_lists_every_command() -> None:
    lines = [
        line for line in (ROOT / "README.md").read_text(encoding="utf-8").split("\n") if line.startswith("| `dpe ")
    ]
    listed = {line.split("|")[1].split()[1].strip("`") for line in lines}
    root = typer.main.get_command(app)
    context = root.make_context("dpe", ["doctor"], resilient_parsing=True)
    assert set(root.list_commands(context)) == listed
    missing = []
    for name in sorted(listed):
        found = root.get_command(context, name)
        named = set(re.findall(r"\w+", " ".join(line.split("|")[1] for line in lines if f"`dpe {name}" in line)))
        missing += [f"{name} {one}" for one in getattr(found, "commands", {}) if one not in named]
    assert missing == []
