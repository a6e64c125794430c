"""One model says what an edit is: how often a value is held and checked on its way, and where its bounds stand."""

from __future__ import annotations

import ast
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import numpy as np
import pytest
import torch
import typer
from pydantic import BaseModel, Field
from pydantic_core import SchemaValidator
from typer.testing import CliRunner

from dpe_toolkit.cli import app
from dpe_toolkit.delivery.allowed import allowed_registry
from dpe_toolkit.delivery.schemas import schema_of
from dpe_toolkit.editing.settings import DriverEnd, EditFields, EditSettings, ShotFaces
from dpe_toolkit.planning.settings import ProjectConfig
from dpe_toolkit.plans.edit import EditPlan, MattePlan
from dpe_toolkit.plans.model import RenderPlan
from dpe_toolkit.timeline import EffectSpec
from dpe_toolkit.timeline.effect import Driving, FacesSpec
from dpe_toolkit.timeline.keyed import MatteSpec
from tests.cli import conftest

media, cache = conftest.media, conftest.cache
ROOT = Path(__file__).parents[2]
SOURCES = [*sorted((ROOT / "dpe_toolkit").rglob("*.py")), *sorted((ROOT / "plugins").rglob("dpe_*/**/*.py"))]
TYPED = 0.8125
"""A value that stands nowhere else."""
FLAG_AND_MODEL = ["constrained-float", "EditSettings"]
"""Who checks a typed number: typer, within bounds that it has from the model, and the model."""
BOUNDS = {"ge", "gt", "le", "lt", "min", "max"}


@dataclass
class Witness:
    """What was seen of a value while it went through the program."""

    modules: str
    """Start of the names of the modules that are watched for places that hold the value."""
    checks: list[str] = field(default_factory=list)
    """Names of the models that checked it."""
    places: set[str] = field(default_factory=set)
    """Types that hold it as a field, and functions that first saw a dictionary that holds it."""
    dictionaries: dict[int, object] = field(default_factory=dict)
    """Those that were seen, kept so that no other gets their number."""

    def __call__(self, frame: FrameType, event: str, callee: Any) -> None:
        if event == "c_call" and isinstance(getattr(callee, "__self__", None), SchemaValidator):
            given = [frame.f_locals.get(name) for name in ("data", "obj", "object", "json_data")]
            if any(map(holds, given)):
                self.checks.append(callee.__self__.title)
        elif event in ("call", "return") and frame.f_globals.get("__name__", "").startswith(self.modules):
            for held in frame.f_locals.values():
                self._look_into(held, frame.f_code.co_qualname)

    def _look_into(self, held: object, function: str) -> None:
        if type(held) is dict:
            if id(held) not in self.dictionaries and any(map(is_it, held.values())):
                self.dictionaries[id(held)] = held
                self.places.add(function)
            return
        values: Iterable[object] = ()
        if isinstance(held, BaseModel):
            values = held.__dict__.values()
        elif dataclasses.is_dataclass(held) and not isinstance(held, type):
            values = (getattr(held, part.name, None) for part in dataclasses.fields(held))
        if any(map(is_it, values)):
            self.places.add(type(held).__name__)


def holds(data: object) -> bool:
    """Plain data that a validator has to look at hold the value; inside of a model it was looked at before."""
    if isinstance(data, Mapping):
        return any(map(holds, data.values()))
    if isinstance(data, list | tuple):
        return any(map(holds, data))
    return data == TYPED if isinstance(data, float) else isinstance(data, str) and str(TYPED) in data


def is_it(value: object) -> bool:
    """The number, or a row of numbers that rise to it, as a render has one for each frame."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.ndim == 1 and 0 < len(value) < 1000 and float(value.max()) == TYPED
    return isinstance(value, float) and value == TYPED


@contextmanager
def witness(modules: str = "dpe_toolkit.") -> Iterator[Witness]:
    seen = Witness(modules)
    sys.setprofile(seen)
    try:
        yield seen
    finally:
        sys.setprofile(None)


@pytest.fixture
def cut(media: Path, tmp_path: Path) -> Path:
    metadata = {"schema": 1, "id": "e1", "consent": "none", "driving": {"media": str(media / "face.mkv")}}
    effect = {"OTIO_SCHEMA": "Effect.1", "effect_name": "dpe.expression", "metadata": {"dpe": metadata}}
    reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(media / "face.mkv")}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "sh010", "media_reference": reference, "effects": [effect]}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    path = tmp_path / "cut.otio"
    path.write_text(json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": stack}))
    return path


@pytest.mark.slow
def test_a_typed_value_is_held_in_six_places_and_checked_once_until_it_is_seen(cut: Path, cache: Path) -> None:
    words = ("still", str(cut), "--frame", "5", "-o", str(cut.with_suffix(".png")), "--expression", str(TYPED))
    with witness() as seen:
        done = CliRunner().invoke(app, words, env={"DPE_CACHE_DIR": str(cache)})
    assert done.exit_code == 0, done.stderr
    assert seen.checks == FLAG_AND_MODEL
    assert {"EditSettings", "EditPlan", "MixRequest"} <= seen.places
    assert len(seen.places) <= 6, sorted(seen.places)


def test_a_plan_that_is_read_again_is_checked_once_more(cut: Path) -> None:
    with witness() as seen:
        done = CliRunner().invoke(app, ["plan", str(cut), "--json", "--expression", str(TYPED)])
        plan = RenderPlan.model_validate_json(done.stdout)
    # The plan takes the text apart, and has each take checked.
    assert seen.checks == [*FLAG_AND_MODEL, "RenderPlan", "Take"]
    edit = plan.shots[0].edit
    assert edit is not None
    assert (edit.expression, edit.origins["expression"]) == (TYPED, "command line")
    assert edit == EditPlan.model_validate(edit.model_dump())


class OldSettings(BaseModel):
    amount: float = Field(ge=0, le=3)


class OldPlan(BaseModel):
    amount: float = Field(ge=0, le=3)


def old_way(typed: float) -> OldPlan:
    """As it was once: from dictionary to model to dictionary to model."""
    values = {"amount": typed}
    settings = OldSettings.model_validate(values)
    merged = {"amount": settings.amount}
    again = OldSettings.model_validate(merged)
    return OldPlan.model_validate({"amount": again.amount})


def test_the_witness_counts_more_where_a_value_is_copied_and_checked_on_its_way() -> None:
    with witness(__name__) as seen:
        old_way(TYPED)
    assert seen.checks == ["OldSettings", "OldSettings", "OldPlan"]
    assert {"old_way", "OldSettings"} <= seen.places


def bounds_in(text: str) -> Iterator[dict[str, object]]:
    """What each call of a text says of bounds, as numbers."""
    for call in ast.walk(ast.parse(text)):
        if isinstance(call, ast.Call):
            found = {key.arg: key.value.value for key in call.keywords if isinstance(key.value, ast.Constant)}
            if bounds := {str(name): value for name, value in found.items() if name in BOUNDS}:
                yield bounds


def places_of_bounds(low: float, high: float, sources: Mapping[str, str]) -> list[str]:
    return [
        name
        for name, text in sources.items()
        for bounds in bounds_in(text)
        if sorted(bounds.values(), key=str) == sorted((low, high), key=str)
    ]


def fields_in(text: str) -> Iterator[str]:
    """Fields that a class of the text declares with a description, a bound or a flag of their own."""
    for node in ast.walk(ast.parse(text)):
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                calls = [call for call in ast.walk(part) if isinstance(call, ast.Call)]
                if {"Field", "Option"} & {ast.unparse(call.func).rpartition(".")[2] for call in calls}:
                    yield part.target.id


TEXTS = {
    name: path.read_text(encoding="utf-8")
    for path in SOURCES
    # A training has weights of losses that are called as the fields of an edit are.
    if not (name := path.relative_to(ROOT).as_posix()).endswith("training/config.py")
}
MODEL = "dpe_toolkit/editing/settings.py"


@pytest.mark.parametrize(("low", "high"), [(0, 3), (0, 250)])
def test_a_bound_stands_in_one_place(low: float, high: float) -> None:
    assert places_of_bounds(low, high, TEXTS) == [MODEL]


@pytest.mark.parametrize("name", EditSettings.model_fields)
def test_a_field_is_declared_in_one_place(name: str) -> None:
    assert [path for path, text in TEXTS.items() for found in fields_in(text) if found == name] == [MODEL]


def test_a_second_place_would_be_seen() -> None:
    flag = "class A:\n    expression: Annotated[float, typer.Option(min=0, max=3)] = 1.0\n"
    assert places_of_bounds(0, 3, {MODEL: TEXTS[MODEL], "flag.py": flag}) == [MODEL, "flag.py"]
    assert list(fields_in(flag)) == ["expression"]


def models_in(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Classes that say again what an edit is: those with three of its fields or more of their own, file to names."""
    found: dict[str, list[str]] = {}
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            lines = node.body if isinstance(node, ast.ClassDef) else []
            own = {
                line.target.id
                for line in lines
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            }
            if isinstance(node, ast.ClassDef) and len(own & set(EditSettings.model_fields)) >= 3:
                found.setdefault(path, []).append(node.name)
    return found


OTHERS = {
    # The types of keyword arguments, which a test holds against the model; nothing is read or checked by them.
    "dpe_toolkit/delivery/choices.py": ["EditKeywords"],
    # What is asked of a component: the amounts of each row.
    "dpe_toolkit/face/codes.py": ["MixRequest"],
    # What was done, in the edits file: written, and never read again.
    "dpe_toolkit/rendering/record.py": ["ShotRecord"],
}


def test_there_is_one_model_of_an_edit() -> None:
    assert models_in(TEXTS) == {MODEL: ["EditFields"], **OTHERS}


@pytest.mark.parametrize(
    "line", ["expression: float = 1.0\n    pose: float\n    mode: str", "pose: A\n    audio: B\n    consent: C"]
)
def test_a_second_model_would_be_seen(line: str) -> None:
    assert models_in({**TEXTS, "again.py": f"class Again:\n    {line}\n"})["again.py"] == ["Again"]


def same_fields(model: type[BaseModel], of: type[BaseModel]) -> bool:
    """Every field of ``of`` stands in ``model`` with its type, bounds, default and words."""
    pairs = [(model.model_fields[name], info) for name, info in of.model_fields.items()]
    said = ("annotation", "metadata", "default", "default_factory", "description")
    return all(getattr(one, word) == getattr(other, word) for one, other in pairs for word in said)


def test_effect_and_plan_have_the_fields_of_the_model() -> None:
    parts = {EffectSpec: EditFields, Driving: DriverEnd, FacesSpec: ShotFaces}
    assert all(same_fields(model, of) for model, of in parts.items())
    assert same_fields(EditPlan, EditSettings)
    assert {name for of in parts.values() for name in of.model_fields} == set(EditSettings.model_fields)
    assert {info.alias for info in FacesSpec.model_fields.values()} == {"source", "driver"}
    assert MattePlan.model_fields["feather_px"].metadata == MatteSpec.model_fields["feather_px"].metadata
    assert ProjectConfig.model_fields["edit"].annotation is EditSettings


@pytest.mark.parametrize("name", ["expression", "pose", "fade_frames", "mode", "missing_face", "audio"])
def test_the_page_of_the_schema_tells_the_bounds_and_the_default_of_the_model(name: str) -> None:
    page = (ROOT / "docs" / "timeline-schema.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    _, _, kind, default, *_ = (cell.strip().replace("`", "") for cell in row.split("|"))
    info = EditSettings.model_fields[name]
    bounds = {type(bound).__name__: bound for bound in info.metadata}
    words = [f"{bounds['Ge'].ge} to {bounds['Le'].le}"] if bounds else get_args(info.annotation)
    assert kind == ", ".join(words)
    assert default == (info.default if isinstance(info.default, str) else f"{info.default:g}")


@pytest.mark.parametrize("command", ["plan", "render", "still", "faces", "edit", "animate", "link"])
def test_every_command_has_a_flag_for_each_field_with_its_bounds_and_its_words(command: str) -> None:
    root = typer.main.get_command(app)
    found = root.get_command(root.make_context("dpe", ["doctor"], resilient_parsing=True), command)
    flags = {option: parameter for parameter in found.params for option in parameter.opts}
    for name, info in EditSettings.model_fields.items():
        flag = flags[f"--{name.replace('_', '-')}"]
        assert info.description in flag.help
        assert flag.default is None
        bounds = {type(bound).__name__: bound for bound in info.metadata}
        if "Ge" in bounds:
            assert (flag.min, flag.max) == (bounds["Ge"].ge, bounds["Le"].le)


def test_the_schema_has_the_fields_of_the_model() -> None:
    project, effect = (schema_of(of, allowed_registry()) for of in ("project", "effect"))
    model = project["$defs"]["EditSettings"]["properties"]
    assert set(model) == set(EditSettings.model_fields)
    assert {name: effect["properties"][name] for name in EditFields.model_fields} == {
        name: model[name] for name in EditFields.model_fields
    }
    assert effect["$defs"]["Driving"]["properties"]["when_short"] == model["when_short"]
    assert (model["expression"]["minimum"], model["expression"]["maximum"]) == (0, 3)
    assert all(model[name]["description"] for name in model)
