from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dpe_toolkit.timeline import MediaMoment, parse_effect, read_sidecar, sidecar_path, write_sidecar
from dpe_toolkit.timeline.effect import exact_seconds


def test_every_field_of_the_schema_is_read() -> None:
    spec, problems = parse_effect(
        {
            "schema": 1,
            "id": "3f9a01c2",
            "consent": "signed",
            "driving": {
                "media": {"url": "d.mov", "name": "d", "source_range": {
                    "start_time": {"value": 10, "rate": 29.97}, "duration": {"value": 5, "rate": 29.97}}},
                "start": {"value": 1001, "rate": 30000},
                "retime": 0.5,
                "when_short": "loop",
            },
            "expression": 0.8,
            "pose": 0.1,
            "mode": "relative",
            "regions": {"mouth": 0},
            "mattes": [],
            "face": {"source": 2, "driver": {"by": "left"}},
            "neutral": {"source": 5, "driver": "00:00:04:00"},
            "missing_face": "error",
            "fade_frames": 0,
            "keys": {},
            "components": {"generator": "mesh"},
            "options": {"mesh": {"smooth": 1}},
        },
        where="clip 'a'",
    )  # fmt: skip
    assert problems == ()
    assert spec is not None
    assert spec.driving is not None
    assert spec.driving.media is not None
    assert spec.driving.start == MediaMoment(seconds=Fraction(1001, 30000))
    assert spec.driving.media.source_range is not None
    assert spec.driving.media.source_range.start_s == Fraction(10 * 1001, 30000)
    assert (spec.face.source_face.by, spec.face.source_face.index, spec.face.driver_face.by) == ("index", 2, "left")
    assert (spec.neutral.source, spec.neutral.driver) == (MediaMoment(text="5"), MediaMoment(text="00:00:04:00"))


def test_defaults_are_those_of_the_schema() -> None:
    spec, problems = parse_effect({"id": "x"}, where="")
    assert problems == ()
    assert spec is not None
    assert (spec.expression, spec.pose, spec.mode, spec.missing_face) == (1.0, 0.0, "absolute", "passthrough")


def test_faulty_fields_are_all_told_and_the_rest_is_kept() -> None:
    spec, problems = parse_effect({"id": "x", "pose": -1, "mod": "relative", "expression": 0.5}, where="clip 'a'")
    assert spec is not None
    assert (spec.expression, spec.pose) == (0.5, 0.0)
    pose, mode = map(str, problems)
    assert pose == (
        "clip 'a': pose = -1 is not accepted. Input should be greater than or equal to 0. "
        "correct the metadata of the effect."
    )
    assert mode.startswith(
        "clip 'a': there is no field 'mod'. did you mean 'mode'? Known: 'audio', 'components', 'consent'"
    )


def test_old_metadata_is_brought_up_step_by_step() -> None:
    steps = {
        1: lambda values: {"id": values["id"], "schema": 2, "expression": values["amount"]},
        2: lambda values: {**values, "schema": 3, "pose": 0.5},
    }
    spec, problems = parse_effect({"schema": 1, "id": "x", "amount": 0.2}, where="", upgrades=steps, current=3)
    assert problems == ()
    assert spec is not None
    assert (spec.schema_version, spec.expression, spec.pose) == (3, 0.2, 0.5)


@pytest.mark.parametrize("schema", [0, 2, True, "1", None])
def test_a_schema_that_is_not_known_is_refused(schema: object) -> None:
    spec, (problem,) = parse_effect({"schema": schema, "id": "x"}, where="clip 'a'")
    assert spec is None
    assert f"the effect's metadata has schema {schema!r}. a schema from 1 to 1" in str(problem)


@pytest.mark.parametrize(
    ("value", "rate"), [(float("nan"), 25), (1, 0), (1, -25), (1, float("inf")), (1e18, 25), (1, 1e-10)]
)
def test_an_impossible_time_is_refused(value: float, rate: float) -> None:
    with pytest.raises(ValueError, match="is no time"):
        exact_seconds(value, rate)


def test_a_time_without_rate_is_refused() -> None:
    _, (problem,) = parse_effect(
        {"id": "x", "driving": {"media": {"url": "a", "available_range": {"start_time": 1, "duration": 2}}}}, where=""
    )
    assert "1 is no time; expected a value and a rate" in str(problem)


def test_a_sidecar_is_read_as_it_was_written(tmp_path: Path) -> None:
    shot = {"id": "x", "clip": "a", "media": "a.mov", "effect": {"id": "x"}, "source_range": {
        "start_time": {"value": 10, "rate": 25}, "duration": {"value": 5, "rate": 25}}}  # fmt: skip
    timeline = tmp_path / "cut.otio"
    assert write_sidecar(timeline, "cut", [shot]) == tmp_path / "cut.dpe.json" == sidecar_path(tmp_path / "cut.edl")
    sidecar, problems = read_sidecar(timeline)
    assert problems == ()
    assert sidecar.shots[0].source_range is not None
    assert sidecar.shots[0].source_range.start_s == Fraction(2, 5)
    write_sidecar(timeline, "cut", [held.model_dump(mode="json") for held in sidecar.shots])
    assert read_sidecar(timeline)[0] == sidecar


def test_no_sidecar_is_an_empty_one(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path / "cut.otio")[0].shots == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "it cannot be read"),
        ("[1]", "it holds a list, not an object. a JSON object"),
        ("[" * 100000, "it cannot be read"),
        ('{"schema": 2}', "schema = 2 is not accepted"),
        ('{"shots": [{"id": "x"}]}', "field 'shots.0.effect' is missing"),
    ],
)
def test_a_damaged_sidecar_is_a_problem(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "cut.dpe.json").write_text(content)
    sidecar, (problem,) = read_sidecar(tmp_path / "cut.otio")
    assert sidecar.shots == ()
    assert message in str(problem)
    assert str(problem).startswith("sidecar 'cut.dpe.json'")


def test_a_huge_sidecar_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpe_toolkit.timeline.sidecar._LARGEST_BYTES", 1)
    (tmp_path / "cut.dpe.json").write_text("{}")
    assert "it is larger than 1 bytes" in str(read_sidecar(tmp_path / "cut.otio")[1][0])
