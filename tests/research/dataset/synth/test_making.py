from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dpe_research.dataset import DatasetWriter, FaceDataset, read_index
from dpe_research.dataset.checking import check_dataset
from dpe_research.dataset.synth import making, render_face, sample_expressions, sample_identity, sample_poses
from dpe_research.dataset.synth.making import make_synthetic
from dpe_research.dataset.synth.settings import SynthSettings, people
from dpe_toolkit.cli import app
from dpe_toolkit.core.errors import DatasetError

SMALL = SynthSettings(poses=2, expressions=3, size_px=16)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(folder, SMALL, people(SMALL, 2, 1))
    return folder


def test_every_expression_is_there_in_every_pose_with_its_truth(made: Path):
    dataset = FaceDataset.open(made)
    assert [clip.split for clip in dataset.clips()].count("test") == 1
    by_name = {person.name: person for person in people(SMALL, 2, 1)}
    for clip in dataset.clips():
        person, motion = by_name[clip.id], dataset.motion(clip.id)
        assert clip.grid == (2, 3)
        for pose_index, pose in enumerate(sample_poses(person.seed, 2)):
            for expression_index, expression in enumerate(sample_expressions(person.seed, 3)):
                frame = pose_index * 3 + expression_index
                face = render_face(sample_identity(person.seed), pose, expression, 16)
                picture = dataset.frames(clip.id, [frame])[0].permute(1, 2, 0).numpy()
                np.testing.assert_array_equal(picture, face.picture)
                np.testing.assert_array_equal(motion.mesh_px[frame], face.mesh_px)
                np.testing.assert_array_equal(motion.pose_deg[frame], pose.angles_deg())
                np.testing.assert_array_equal(motion.place[frame], pose.place())
                np.testing.assert_array_equal(motion.blendshapes[frame], expression.as_array())
                np.testing.assert_array_equal(motion.extra["shape"][frame], face.shape)


def test_a_set_passes_the_check_of_datasets(made: Path):
    assert check_dataset(FaceDataset.open(made), lambda frames: None) == []
    assert read_index(made).kind == "synthetic"


def test_a_set_is_the_same_from_any_number_of_processes(made: Path, tmp_path: Path):
    told: list[int] = []
    make_synthetic(tmp_path / "set", SMALL, people(SMALL, 2, 1), jobs=2, advanced=told.append)
    assert sum(told) == 18
    assert files(tmp_path / "set") == files(made)


def test_a_stopped_run_goes_on_to_the_same_set(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = making.render_person

    def stopped(person, settings):
        yield from islice(whole(person, settings), 2)
        if person.split == "test":
            raise KeyboardInterrupt

        yield from islice(whole(person, settings), 2, None)

    monkeypatch.setattr(making, "render_person", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_synthetic(tmp_path, SMALL, people(SMALL, 2, 1))
    assert not (tmp_path / "index.json").exists()
    rendered: list[str] = []

    def noted(person, settings):
        rendered.append(person.name)
        return whole(person, settings)

    monkeypatch.setattr(making, "render_person", noted)
    make_synthetic(tmp_path, SMALL, people(SMALL, 2, 1))
    assert rendered == ["synth-0-test-00000"]
    assert files(tmp_path) == files(made)


def test_more_people_are_added_and_nobody_is_rendered_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_synthetic(tmp_path, SMALL, people(SMALL, 1, 1))
    before = {clip.id: clip.digest for clip in read_index(tmp_path).clips}
    make_synthetic(tmp_path, SMALL, people(SMALL, 2, 1))
    after = {clip.id: clip.digest for clip in read_index(tmp_path).clips}
    assert len(after) == 3
    assert before.items() <= after.items()
    monkeypatch.setattr(making, "render_person", None)
    make_synthetic(tmp_path, SMALL, people(SMALL, 2, 1))


def test_another_seed_and_the_other_split_show_other_people():
    everybody = [*people(SMALL, 20, 20), *people(SMALL.model_copy(update={"seed": 1}), 20, 20)]
    assert len({person.seed for person in everybody}) == len({person.name for person in everybody}) == 80


def test_other_settings_are_refused_in_a_folder_that_was_begun(tmp_path: Path):
    make_synthetic(tmp_path, SMALL, people(SMALL, 1, 0))
    other = SMALL.model_copy(update={"expressions": 4})
    with pytest.raises(DatasetError, match=r"begun with other settings: expressions 3 \(now 4\).*the same.*another"):
        make_synthetic(tmp_path, other, people(other, 1, 0))


def test_a_dataset_of_footage_is_left_alone(tmp_path: Path):
    DatasetWriter(tmp_path, "video", 16).finish()
    before = files(tmp_path)
    with pytest.raises(DatasetError, match=r"kind video that was not rendered.*a new or empty folder.*another folder"):
        make_synthetic(tmp_path, SMALL, people(SMALL, 1, 0))
    assert files(tmp_path) == before


def test_a_killed_process_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(making, "_begin_process", os.kill)
    with pytest.raises(DatasetError, match=r"process that renders was killed.*memory.*fewer --jobs"):
        make_synthetic(tmp_path, SMALL, people(SMALL, 2, 0), jobs=2)


def test_the_command_writes_a_set_and_says_so(tmp_path: Path):
    command = ["dataset", "synth", "-o", str(tmp_path / "set"), "--identities", "1", "--test-identities", "1"]
    command += ["--poses", "2", "--expressions", "2", "--size", "16", "--jobs", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "2 people, 8 pictures" in " ".join(result.output.split())
    assert {clip.grid for clip in read_index(tmp_path / "set").clips} == {(2, 2)}


def test_the_command_stops_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*args, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "render_person", stopped)
    result = CliRunner().invoke(app, ["dataset", "synth", "-o", str(tmp_path / "set"), "--jobs", "1"])
    assert result.exit_code == 1
    assert "the same command goes on" in " ".join(result.output.split())
