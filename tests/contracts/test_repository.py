"""What a host of repositories reads: the workflow, the templates of issues, the page for contributors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from development.interpreters import TESTED
from development.tasks import TASKS
from tests.contracts.pages import ROOT, commands

GITHUB = ROOT / ".github"
WORKFLOW = GITHUB / "workflows" / "ci.yml"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def read(path: Path) -> dict[Any, Any]:
    held = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(held, dict)
    return held


def jobs() -> dict[str, dict[str, Any]]:
    return read(WORKFLOW)["jobs"]


def test_the_workflow_runs_on_every_proposed_change() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert {"push", "pull_request"} <= read(WORKFLOW)[True].keys()


def test_one_job_runs_all_that_a_change_must_pass_on_linux() -> None:
    found = [job for job in jobs().values() if any(step.get("run") == ".ci/run" for step in job["steps"])]
    (job,) = found
    assert job["runs-on"].startswith("ubuntu")
    (setup,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@"))
    assert sorted(setup["with"]["python-version"].split()) == sorted(TESTED)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_every_other_job_runs_the_tests_by_a_tested_python() -> None:
    for job in jobs().values():
        for run in (step["run"] for step in job["steps"] if "run" in step):
            if run != ".ci/run":
                program, script, task = run.split()
                assert (program, script) == ("python", "make.py")
                assert task in TASKS
        for one in job.get("strategy", {}).get("matrix", {}).get("include", ()):
            assert one["python"] in TESTED


def test_actions_are_pinned_by_their_major_version() -> None:
    used = [step["uses"] for job in jobs().values() for step in job["steps"] if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@v\d+", one)] == []


def test_what_is_cached_is_keyed_by_a_file_that_is_there() -> None:
    for job in jobs().values():
        for step in job["steps"]:
            path = step.get("with", {}).get("cache-dependency-path")
            assert path is None or (ROOT / path).is_file()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_of_issues_is_one_that_its_host_takes(path: Path) -> None:
    form = read(path)
    assert form.keys() <= {"name", "description", "labels", "body"}
    assert form["name"]
    assert form["description"]
    asked = [one for one in form["body"] if one["type"] != "markdown"]
    assert any(one.get("validations", {}).get("required") for one in asked)
    names = [one["id"] for one in asked]
    assert len(set(names)) == len(names)
    assert {one["type"] for one in form["body"]} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert all(one["attributes"]["label"] for one in asked)


def test_there_is_a_form_for_faults_for_images_and_for_plugins() -> None:
    assert {path.stem for path in FORMS} == {"bug", "plugin", "wrong_image"}


def test_the_tests_that_contributors_are_shown_are_there() -> None:
    shown = [word for line in commands("CONTRIBUTING.md") for word in line.split() if word.startswith("tests/")]
    assert shown
    assert [one for one in shown if not (ROOT / one).is_file()] == []


def test_the_folders_that_contributors_are_shown_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:dpe_toolkit|tests|docs|\.ci)/[\w./]*)`", text)
    assert len(named) > 8
    assert [one for one in named if not (ROOT / one).exists()] == []
