"""The lock has all that set-up installs, and nothing that ties it to a place."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from development.checkout import LOCK, local_names, normal, requirements
from development.environment import GROUPS
from development.lockfile import HELD, read_pins

TEXT = LOCK.read_text(encoding="utf-8")
PINS = read_pins(TEXT)


@pytest.mark.smoke
@pytest.mark.parametrize("line", requirements())
def test_the_lock_has_a_version_that_the_requirement_allows(line: str) -> None:
    requirement = Requirement(line)
    version = PINS.get(normal(requirement.name))
    assert version is not None, f"requirements.lock lacks {requirement.name}; run: make lock"
    assert requirement.specifier.contains(Version(version), prereleases=True), (
        "requirements.lock is old; run: make lock"
    )


def test_the_lock_has_one_version_of_each_name_for_all_pythons_and_systems() -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z\d-]+==[\w.!]+( ; .+)?", line)] == []
    assert len(lines) == len(PINS)


def test_the_lock_keeps_what_is_held_back_for_a_reason() -> None:
    for name, versions in HELD.items():
        assert Requirement(f"{name}{versions}").specifier.contains(PINS[name])


def test_the_lock_names_no_distribution_of_this_checkout_and_no_place() -> None:
    assert PINS.keys() & local_names() == set()
    assert re.findall(r"://|@|--|file:|/\w+/", TEXT) == []


def test_what_builds_the_checkouts_distributions_is_in_the_lock() -> None:
    assert {"hatchling", "editables"} <= PINS.keys()


def test_every_group_takes_extras_that_the_toolkit_has() -> None:
    from development.checkout import ROOT, project

    known = project(ROOT)["project"]["optional-dependencies"].keys()
    assert {extra for extras in GROUPS.values() for extra in extras} <= known
