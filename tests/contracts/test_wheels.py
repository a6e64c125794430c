"""The wheels of all distributions, installed alone in an environment of their own, far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from development.checkout import ROOT, distributions, local_names, project
from development.environment import Environment

pytestmark = pytest.mark.slow

# Clips as somebody has them who has only the wheels.
MAKE_CLIPS = """
from dpe_toolkit.testing import LAYOUTS, REC709, acted_clip, batch_from_rgb, photograph_clip
from dpe_toolkit.media import OutputSettings, VideoWriter
from pathlib import Path

for name, clip in (("actor", photograph_clip()), ("performance", acted_clip())):
    batch = batch_from_rgb(clip.pictures)
    height, width = clip.pictures.shape[1:3]
    told = {"width": width, "height": height, "rate": batch.rate, "layout": LAYOUTS["yuv420p"], "color": REC709}
    told |= {"audio": (), "metadata": {}, "start_frame": 0}
    with VideoWriter(Path(f"{name}.mp4"), OutputSettings(), **told) as writer:
        writer.write(batch)
"""

WHERE = """
import importlib, importlib.metadata, json, sys
places = {}
for distribution in importlib.metadata.distributions():
    name = distribution.metadata["Name"]
    if name.startswith("dpe-"):
        package = importlib.import_module(name.replace("-", "_"))
        places.setdefault(name, [str(distribution.locate_file("")), package.__file__])
print(json.dumps(places))
"""


@dataclass(frozen=True)
class Home:
    """An environment with the wheels, and a folder to work in."""

    environment: Environment
    here: Path

    def run(self, *words: str, folder: Path | None = None) -> str:
        """What a program of the environment says."""
        program, *rest = words
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DPE", "PIP"))}
        variables |= {"PIP_NO_INDEX": "1", "DPE_CACHE_DIR": str(self.here / "cache"), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [self.environment.script(program), *rest],
            cwd=folder or self.here,
            env=variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The wheels by the names of their distributions, built by what is installed."""
    folder = tmp_path_factory.mktemp("dist")
    words = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    sources = [str(source) for source in distributions()]
    done = subprocess.run([sys.executable, "-m", "pip", *words, *sources], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def home(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("home")
    made = Home(Environment(folder / "environment"), folder / "elsewhere")
    made.here.mkdir()
    subprocess.run([sys.executable, "-m", "venv", made.environment.folder], check=True)
    made.run("python", "-m", "pip", "install", "-q", "--no-deps", *map(str, wheels.values()))
    # What comes from others is taken from the environment that runs this. Of a path that a .pth file names, the .pth
    # files are not read, so the links to the checkout that lie there do not count.
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    said = made.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    (Path(said.strip()) / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    return made


@pytest.mark.parametrize("source", distributions(), ids=lambda source: str(project(source)["project"]["name"]))
def test_a_wheel_carries_every_file_of_its_package_and_the_licence(source: Path, wheels: Mapping[str, Path]) -> None:
    manifest = project(source)
    name = manifest["project"]["name"]
    with zipfile.ZipFile(wheels[name]) as wheel:
        held = set(wheel.namelist())
        (licence,) = (one for one in held if one.endswith("dist-info/licenses/LICENSE"))
        assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    for package in manifest["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        files = (path for path in (source / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        assert {path.relative_to(source).as_posix() for path in files} - held == set()
        assert f"{package}/py.typed" in held


def test_notices_of_what_comes_from_others_are_in_the_wheels(wheels: Mapping[str, Path]) -> None:
    held = {name: set(zipfile.ZipFile(path).namelist()) for name, path in wheels.items()}
    assert "dpe_face_mesh/models/NOTICE" in held["dpe-face-mesh"]
    assert [name for name in held["dpe-toolkit"] if name.endswith("dist-info/licenses/NOTICE")] != []


def test_everything_of_ours_comes_from_the_wheels(home: Home) -> None:
    places = json.loads(home.run("python", "-c", WHERE))
    assert places.keys() == local_names()
    inside = home.environment.folder.resolve()
    outside = [(name, one) for name, found in places.items() for one in found if not Path(one).is_relative_to(inside)]
    assert outside == []


def test_the_doctor_finds_nothing_broken(home: Home) -> None:
    findings = json.loads(home.run("dpe", "doctor", "--json"))
    assert {one["name"] for one in findings if one["topic"] == "plugin"} >= {
        "face_mesh",
        "feather_blend",
        "dpe_portrait",
    }
    assert [one for one in findings if one["state"] == "broken"] == []


def test_an_edit_is_rendered(home: Home) -> None:
    home.run("python", "-c", MAKE_CLIPS)
    home.run("dpe", "edit", "actor.mp4", "performance.mp4", "-o", "edited.mp4", "--consent", "none needed")
    (shot,) = json.loads((home.here / "edited.mp4.edits.json").read_text(encoding="utf-8"))["shots"]
    assert (home.here / "edited.mp4").stat().st_size > 0
    assert shot["consent"] == "none needed"


def test_a_new_plugin_is_installed_checked_and_passes_its_own_tests(home: Home) -> None:
    home.run("dpe", "plugins", "new", "soft_edge", "--kind", "compositor")
    folder = home.here / "dpe-soft-edge"
    home.run("python", "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", str(folder))
    assert "soft_edge" in home.run("dpe", "plugins", "check", "soft_edge")
    assert "54 passed" in home.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=folder)
