"""One model of an edit, and the forms that it is written in."""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_toolkit.cli.choices import AmountChoices, PartChoices
from dpe_toolkit.cli.expansion import expand_options
from dpe_toolkit.core.errors import OptionsError
from dpe_toolkit.editing.checking import read_model
from dpe_toolkit.editing.options import OptionValue, PluginOptions, group_options, parse_assignment, read_options
from dpe_toolkit.editing.settings import EditSettings, layer_settings
from dpe_toolkit.face.choice import FaceChoice, face_text, parse_face
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.planning.settings import ProjectConfig
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.testing.conformance.spelling import toml_value
from dpe_toolkit.timeline import effect_fields, parse_effect

MEDIA = MediaPlan(path=Path("d.mov"), digest="sha256:0", width=64, height=64, num_frames=9, rate=Fraction(25))
amounts = st.floats(0, 3)
shares = st.floats(0, 1)
faces = st.one_of(
    st.sampled_from(["largest", "smallest", "left", "right"]).map(lambda by: FaceChoice(by=by)),
    st.integers(0, 99).map(lambda index: FaceChoice(by="index", index=index)),
    st.builds(lambda x, y: FaceChoice(by="position", x=x, y=y), shares, shares),
    st.builds(lambda size: FaceChoice(by="size", size=size), shares),
    st.builds(lambda frame, x, y: FaceChoice(by="track", frame=frame, x=x, y=y), st.integers(0, 9999), shares, shares),
    st.text("abc/. ", min_size=1).map(lambda name: FaceChoice(by="reference", reference=name)),
)
words = {name: st.sampled_from(list(EditSettings.model_fields[name].annotation.__args__)) for name in (
    "mode", "missing_face", "audio", "when_short")}  # fmt: skip
fields = {
    "expression": amounts,
    "pose": amounts,
    "regions": st.dictionaries(st.sampled_from(REGIONS), amounts),
    "fade_frames": st.integers(0, 250),
    "consent": st.text(st.characters(exclude_categories=("Cs", "Cc"))),
    "source_face": faces,
    "driver_face": faces,
    **words,
}
edits = st.fixed_dictionaries({}, optional=fields).map(lambda values: EditSettings(**values))


def stated(edit: EditSettings) -> dict[str, Any]:
    return {name: getattr(edit, name) for name in edit.model_fields_set & EditSettings.model_fields.keys()}


def test_every_field_is_tried() -> None:
    assert set(fields) == set(EditSettings.model_fields)


@given(edits)
def test_what_is_stated_comes_back_from_the_metadata_of_an_effect(edit: EditSettings) -> None:
    metadata = {"schema": 1, "id": "e1", **effect_fields(edit)}
    spec, problems = parse_effect(json.loads(json.dumps(metadata)), where="")
    assert problems == ()
    assert spec is not None
    assert stated(spec.settings) == stated(edit)


@given(edits)
def test_what_is_stated_comes_back_from_a_project_file(edit: EditSettings) -> None:
    values = edit.model_dump(mode="json", exclude_unset=True)
    text = "[edit]\n" + "\n".join(f"{name} = {toml_value(value)}" for name, value in values.items())
    assert stated(ProjectConfig.model_validate(tomllib.loads(text)).edit) == stated(edit)


def typed(words: list[str]) -> EditSettings:
    """What a command gets of its flags."""
    got: list[EditSettings] = []

    def command(*, amounts: AmountChoices) -> None:
        got.append(amounts)

    command.__annotations__ = {"amounts": AmountChoices, "return": None}
    program = typer.Typer(add_completion=False)
    program.command()(expand_options(command))
    program(words, standalone_mode=False)
    return got[0]


def flags(edit: EditSettings) -> list[str]:
    found = []
    for name, value in stated(edit).items():
        text = str(face_text(value)) if isinstance(value, FaceChoice) else str(value)
        if isinstance(value, dict):
            text = ",".join(f"{region}={weight!r}" for region, weight in value.items())
        found.append(f"--{name.replace('_', '-')}={text}")
    return found


@settings(max_examples=40)
@given(edits)
def test_what_is_stated_comes_back_from_flags(edit: EditSettings) -> None:
    # A text of regions names those that count, so all are named; a face that no text says exactly has no flag.
    values = {
        name: {region: value.get(region, 1.0) for region in REGIONS} if name == "regions" else value
        for name, value in stated(edit).items()
        if not isinstance(value, FaceChoice) or isinstance(face_text(value), str)
    }
    assert stated(typed(flags(EditSettings(**values)))) == values


@given(edits)
def test_a_plan_has_the_settings_and_is_read_as_it_was_written(edit: EditSettings) -> None:
    plan = EditPlan.model_construct(**dict(edit), id="e1", driver=MEDIA, components={})
    again = EditPlan.model_validate_json(plan.model_dump_json())
    assert again == plan
    assert {name: getattr(again, name) for name in EditSettings.model_fields} == dict(edit)


@given(faces)
def test_a_face_is_written_as_what_is_read_as_it(face: FaceChoice) -> None:
    written = face_text(face)
    read = parse_face(written) if isinstance(written, str) else FaceChoice.model_validate(written)
    assert read == face


@given(edits, edits, edits)
def test_the_strongest_that_states_a_field_counts(
    project: EditSettings, effect: EditSettings, line: EditSettings
) -> None:
    layers = {"project": project, "effect": effect, "command line": line}
    found, origins = layer_settings(layers)
    for name, info in EditSettings.model_fields.items():
        holders = [origin for origin, layer in layers.items() if name in layer.model_fields_set]
        assert origins[name] == (holders[-1] if holders else "default")
        fallback = info.get_default(call_default_factory=True, validated_data={})
        assert getattr(found, name) == (getattr(layers[holders[-1]], name) if holders else fallback)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"expression": 3.5}, r"expression = 3\.5 is not accepted. Input should be less than or equal to 3"),
        ({"pose": float("nan")}, "pose = nan is not accepted"),
        ({"mode": "sideways"}, "mode = 'sideways' is not accepted. Input should be 'absolute' or 'relative'"),
        ({"colour": 1}, "there is no field 'colour'. known: 'audio'"),
        ({"expresion": 1}, "there is no field 'expresion'. did you mean 'expression'?"),
        ({"regions": "nose"}, "there is no region 'nose'"),
        ({"regions": {"nose": 1}}, "there is no region 'nose'"),
        ({"regions": "mouth=9"}, "regions.mouth = 9.0 is not accepted"),
        ({"source_face": "middle"}, "face 'middle' is not known; expected largest"),
    ],
)
def test_what_the_model_does_not_take_is_told(values: dict[str, object], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        read_model(EditSettings, values)


def test_a_flag_out_of_bounds_is_refused_before_the_command_runs() -> None:
    with pytest.raises(Exception, match="less than or equal to 250"):
        typed(["--fade-frames", "251"])


def test_kinds_are_named_by_a_name_or_by_names_in_order() -> None:
    named = {"generator": "mesh", "refine": ["sharpen", "grain"]}
    assert ProjectConfig.model_validate({"components": named}).components == {
        "generator": "mesh", "refine": ("sharpen", "grain"),
    }  # fmt: skip
    with pytest.raises(ValueError, match="there is no kind of component 'painter'"):
        ProjectConfig.model_validate({"components": {"painter": "x"}})


def test_a_kind_of_which_a_shot_may_have_several_is_named_again_and_again() -> None:
    got: list[PartChoices] = []

    def command(*, parts: PartChoices) -> None:
        got.append(parts)

    command.__annotations__ = {"parts": PartChoices, "return": None}
    program = typer.Typer(add_completion=False)
    program.command()(expand_options(command))
    words = ["--refine", "sharpen", "--generator", "mesh", "--refine=grain", "--set", "mesh.smooth=1"]
    program(words, standalone_mode=False)
    assert got[0].components == {"generator": "mesh", "refine": ("sharpen", "grain")}
    assert got[0].assignments == [OptionValue("mesh", "smooth", 1)]
    assert group_options(got[0].assignments) == {"mesh": {"smooth": 1}}


class Numbers(PluginOptions):
    first: int = 1
    second: int = 2


def test_every_fault_of_options_is_told_at_once() -> None:
    options, faults = read_options(Numbers, {"first": "a", "second": "b"}, owner="numbers")
    assert options is None
    assert [fault.wrong for fault in faults] == [
        "option numbers.first = 'a' is not accepted",
        "option numbers.second = 'b' is not accepted",
    ]
    _, unknown = read_options(Numbers, {"frist": 1, "third": 3}, owner="numbers")
    assert [fault.wrong for fault in unknown] == ["numbers has no option 'frist'", "numbers has no option 'third'"]
    assert read_options(Numbers, {"first": "7"}, owner="numbers") == (Numbers(first=7), [])


def test_the_last_of_two_values_of_an_option_counts() -> None:
    values = [parse_assignment("net.feather-px=3"), OptionValue("mesh", "a", 1), OptionValue("net", "feather_px", 4.5)]
    assert group_options(values) == {"net": {"feather_px": 4.5}, "mesh": {"a": 1}}
