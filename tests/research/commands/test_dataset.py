from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dpe_research.dataset import FaceDataset
from dpe_toolkit.cli import app
from dpe_toolkit.testing import ClipSpec, make_clip
from tests.cli.conftest import Dpe
from tests.research.dataset.test_format import contents

FEW = ("--min-frames", 6, "--min-face", 60, "--size", 64)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn people and a room without anybody."""
    folder = tmp_path_factory.mktemp("footage")
    for name in ("ann", "bob"):
        make_clip(folder / f"{name}.mkv", ClipSpec(num_frames=8, size_px=(256, 192), numbered=False))
    make_clip(folder / "room.mkv", ClipSpec(num_frames=8, size_px=(256, 192), faces=lambda frame: ()))
    return folder


@pytest.fixture(scope="module")
def built_once(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "set"
    result = CliRunner().invoke(app, ["dataset", "build", str(footage), "-o", str(folder), *map(str, FEW)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A dataset that a test may change."""
    return Path(shutil.copytree(built_once, tmp_path / "set"))


def test_drawn_people_are_found_and_the_table_says_what_was_kept(dpe: Dpe, footage: Path, tmp_path: Path) -> None:
    done = dpe("dataset", "build", footage, "-o", tmp_path / "set", *FEW, "--split", "test=1")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["ann.mkv", "8", "1", "clip,", "8", "frames", "nothing"] in lines
    assert ["room.mkv", "8", "nothing", "no-face", "8"] in lines
    assert "2 clips, 16 frames, 2 identities" in done.stderr
    dataset = FaceDataset.open(tmp_path / "set")
    assert {clip.split for clip in dataset.clips()} == {"test"}
    for clip in dataset.clips():
        motion = dataset.motion(clip.id)
        assert motion.mesh_px.shape == (8, 478, 3)
        # The head is drawn upright, looking ahead.
        assert abs(motion.pose_deg).max() < 15
        assert (motion.score > 0.5).all()


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_as_one(dpe: Dpe, built: Path, footage: Path, tmp_path: Path) -> None:
    done = dpe("dataset", "build", footage, "-o", tmp_path / "apart", *FEW, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert contents(built) == contents(tmp_path / "apart")


def test_a_second_build_adds_and_check_and_show_read_it(dpe: Dpe, built: Path, footage: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    make_clip(tmp_path / "more" / "cyd.mkv", ClipSpec(num_frames=8, size_px=(256, 192)))
    done = dpe("dataset", "build", tmp_path / "more", "-o", built, *FEW)
    assert "3 clips, 24 frames, 3 identities" in done.stderr
    checked = dpe("dataset", "check", built)
    assert checked.returncode == 0
    assert "3 clips, 24 frames, all as they were written" in checked.stderr
    shown = dpe("dataset", "show", built, "-o", tmp_path / "sheet.png")
    assert shown.returncode == 0
    assert "yaw" in shown.stdout
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads(dpe("dataset", "show", built, "--json").stdout)
    assert data["counts"][-1] == ["all", 3, 24, 3]


def test_check_names_every_fault_and_exits_with_1(dpe: Dpe, built: Path) -> None:
    (built / "motion" / "ann-000000.npz").unlink()
    (built / "motion" / "stray.npz").touch()
    done = dpe("dataset", "check", built)
    assert done.returncode == 1
    assert "the motion file is damaged: it is missing" in done.stderr
    assert "motion/stray.npz belongs to no clip" in done.stderr
    assert "the dataset has 2 faults" in done.stderr


def test_a_list_and_a_folder_can_name_people(dpe: Dpe, footage: Path, tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("video,identity,id,split\nann,Ann B,take,test\ngone,x,y,\n", encoding="utf-8")
    done = dpe("dataset", "build", footage, "-o", tmp_path / "set", *FEW, "--list", table)
    assert done.returncode == 0, done.stderr
    (clip,) = FaceDataset.open(tmp_path / "set").clips()
    assert (clip.id, clip.identity, clip.split) == ("take-000000", "Ann B", "test")
    assert "missing-file" in done.stdout
    done = dpe("dataset", "build", footage / "ann.mkv", "-o", tmp_path / "two", *FEW, "--identity-from", "folder")
    assert FaceDataset.open(tmp_path / "two").clips()[0].identity == footage.name


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--split", "train=0.1"), 2, "--split train=0.1 is no split. Expected: test= and a share from 0 to 1"),
        (("--split", "test=2"), 2, "test=2 is no split"),
        (("--identity-from", "list"), 2, "without a list"),
        (("--margin", "3"), 2, "margin = 3.0 is not accepted"),
        (("--min-frames", "60", "--max-frames", "50"), 2, "--min-frames 60 is more than --max-frames 50: no clip can"),
        (("--detector", "nobody"), 2, "there is no detector 'nobody'"),
        (("--list", "gone.csv"), 1, "the list cannot be read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    dpe: Dpe, footage: Path, tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    done = dpe("dataset", "build", footage, "-o", tmp_path / "set", *words)
    assert done.returncode == code
    assert message in done.stderr
    assert not (tmp_path / "set").exists()


def test_a_synthetic_set_of_no_people_is_refused_before_a_folder_is_made(dpe: Dpe, tmp_path: Path) -> None:
    done = dpe("dataset", "synth", "-o", tmp_path / "set", "--identities", "0", "--test-identities", "0")
    assert done.returncode == 2
    assert "a set of no people is asked for. Expected: --identities or --test-identities above 0" in done.stderr
    assert not (tmp_path / "set").exists()


def test_nothing_that_can_be_looked_at_is_an_error(dpe: Dpe, footage: Path, tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("video\ngone\n", encoding="utf-8")
    done = dpe("dataset", "build", footage, "-o", tmp_path / "set", "--list", table)
    assert done.returncode == 1
    assert "none of the 1 clips asked for can be looked at (the file is not among the videos)" in done.stderr


def test_a_sheet_must_be_a_png(dpe: Dpe, built: Path, tmp_path: Path) -> None:
    done = dpe("dataset", "show", built, "-o", tmp_path / "sheet.jpg")
    assert done.returncode == 2
    assert "'sheet.jpg' is no PNG" in done.stderr


def test_an_interrupted_build_says_how_to_go_on(
    dpe: Dpe, footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dpe_research.dataset.building.build_dataset", interrupted)
    done = dpe("dataset", "build", footage, "-o", tmp_path / "set", *FEW)
    assert done.returncode == 1
    assert "the same command goes on in" in done.stderr
