from __future__ import annotations

import pytest

from development.checkout import distributions, local_names, normal, requirements
from development.floors import floors, lowest


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Jinja2>=3.1", "jinja2"),
        ("backports.strenum", "backports-strenum"),
        ("mkdocstrings[python]>=0.27", "mkdocstrings"),
        ("tomli_w ; python_version < '3.12'", "tomli-w"),
    ],
)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    assert normal(text) == name


def test_requirements_are_of_all_distributions_and_never_of_each_other() -> None:
    found = requirements()
    assert len(distributions()) == len(local_names()) >= 9
    assert {"av", "hatchling", "onnxruntime", "pytest", "ai-edge-litert"} <= {normal(line) for line in found}
    assert [line for line in found if normal(line) in local_names()] == []


def test_the_highest_floor_of_a_name_counts() -> None:
    lines = ["torch>=2.4", "torch>=2.6,<3", "torch>=2.10", "Jinja2>=3.1", "plain", "capped<2"]
    assert floors(lines, "3.11") == {"torch": "2.10", "jinja2": "3.1"}


def test_a_floor_of_another_python_does_not_count() -> None:
    lines = ["numpy>=1.26", "numpy>=2.1; python_version >= '3.13'"]
    assert [floors(lines, python)["numpy"] for python in ("3.12", "3.13")] == ["1.26", "2.1"]


def test_a_floor_that_has_no_wheel_is_raised_to_the_first_that_has_one() -> None:
    assert lowest("1.26", ["2.2.0", "2.1.0", "2.1.0rc1", "1.25.2"]) == "2.1.0"
    assert lowest("8.2", ["8.3.1", "8.2.0"]) == "8.2.0"
    assert lowest("0.3", []) == "0.3"
