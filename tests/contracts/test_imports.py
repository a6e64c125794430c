from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.smoke

HEAVY = ("torch", "av", "opentimelineio")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import dpe_toolkit") == set()


@pytest.mark.parametrize("module", ["plugins", "planning", "timeline", "media"])
def test_reading_and_planning_need_no_torch(module: str) -> None:
    assert "torch" not in loaded_by(f"import dpe_toolkit.{module}")


def test_the_front_door_plans_without_torch() -> None:
    assert "torch" not in loaded_by("import dpe_toolkit; dpe_toolkit.plan")
    assert "torch" in loaded_by("import dpe_toolkit; dpe_toolkit.render")


def test_the_command_line_starts_without_anything_heavy() -> None:
    assert loaded_by("import dpe_toolkit.cli") == set()


def test_the_api_loads_nothing_heavy_until_it_is_asked_for_it() -> None:
    assert loaded_by("import dpe_toolkit.api") == set()
    assert loaded_by("from dpe_toolkit.api import load_generator") == {"torch"}


def test_the_face_mesh_loads_torch_for_what_passes_gradients_alone() -> None:
    assert loaded_by("from dpe_toolkit.api.face import BROWS, canonical_face, fit_pose; canonical_face()") == set()
    assert loaded_by("from dpe_toolkit.api.face import fit_head_poses") == {"torch"}


def test_what_commands_of_plugins_are_made_of_loads_nothing_heavy() -> None:
    assert loaded_by("import dpe_toolkit.api.commands") == set()


def test_adding_the_commands_of_research_loads_nothing_heavy() -> None:
    assert (
        loaded_by("import typer; from dpe_research.commands import add_commands; add_commands(typer.Typer())") == set()
    )


def test_plugin_contracts_load_without_torch_or_readers() -> None:
    assert loaded_by("import dpe_toolkit.editing.components, dpe_toolkit.hookspecs, dpe_toolkit.plans.model") == set()
