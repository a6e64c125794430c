from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dpe_research.dataset import DatasetWriter, FaceDataset
from dpe_research.dataset.checking import check_dataset
from dpe_research.dataset.statistics import contact_sheet, dataset_statistics
from tests.research.dataset.drawn import SIZE, draft, motion, pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with DatasetWriter(tmp_path / "set", "video", SIZE, pictures="png", shard_bytes=5000) as writer:
        for name in ("a", "b", "c"):
            writer.add(draft(name), pictures(name, 4), motion(name, 4))
    return tmp_path / "set"


def change_index(folder: Path, change: Callable[[list[dict]], object]) -> None:
    path = folder / "index.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content["clips"])
    path.write_text(json.dumps(content), encoding="utf-8")


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(bytes(content))


def faults_of(folder: Path) -> str:
    return "\n".join(check_dataset(FaceDataset.open(folder)))


def test_a_dataset_as_it_was_written_has_no_fault(folder: Path) -> None:
    counted: list[int] = []
    assert check_dataset(FaceDataset.open(folder), counted.append) == []
    assert sum(counted) == 12


def test_a_flipped_byte_anywhere_in_a_clip_is_found(folder: Path) -> None:
    path = folder / "shards" / "shard-000001.tar"
    for at in range(0, path.stat().st_size - 1024, 97):
        flip(path, at)
        assert "clip 'b' is not what was written" in faults_of(folder)
        flip(path, at)
    assert not faults_of(folder)


def test_all_faults_are_found_at_once(folder: Path) -> None:
    (folder / "shards" / "shard-000000.tar").unlink()
    flip(folder / "motion" / "b.npz", 300)
    (folder / "motion" / "stray.npz").touch()
    (folder / "work").mkdir()
    change_index(folder, lambda clips: clips[2].update(identity="b#2", split="test"))
    change_index(folder, lambda clips: clips[1].update(split="train"))
    found = faults_of(folder)
    assert "shard 'shard-000000.tar' is no tar file that can be read: it is missing" in found
    assert "b.npz" in found
    assert "motion/stray.npz belongs to no clip of the index" in found
    assert "identity 'b' is in both splits" in found
    assert "a build was interrupted; run its command again" in found


def test_shards_that_were_exchanged_are_found(folder: Path) -> None:
    shards = folder / "shards"
    (shards / "shard-000000.tar").rename(shards / "x")
    (shards / "shard-000001.tar").rename(shards / "shard-000000.tar")
    (shards / "x").rename(shards / "shard-000001.tar")
    assert "does not hold what the index says: 8 samples are missing or not in the index" in faults_of(folder)


def test_a_count_that_is_wrong_is_found(folder: Path) -> None:
    change_index(folder, lambda clips: clips[0].update(num_frames=5))
    assert "it has 4 frames, the index says 5" in faults_of(folder)


def test_clips_of_different_meshes_are_found(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, "video", SIZE, pictures="png") as writer:
        writer.add(draft("a"), pictures("a", 2), motion("a", 2))
        other = motion("b", 2)
        writer.add(
            draft("b"), pictures("b", 2), type(other)(other.mesh_px[:, :3], *_rest(other), np.ones(2, np.float32))
        )
    assert "clips differ in their numbers of vertices and blendshapes" in faults_of(tmp_path)


def _rest(found: object) -> list[np.ndarray]:
    return [getattr(found, name) for name in ("pose_deg", "place", "blendshapes")]


def test_values_out_of_range_are_found(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, "video", SIZE, pictures="png") as writer:
        found = motion("a", 2)
        wild = type(found)(found.mesh_px, *_rest(found), np.array([0.5, 1.5], np.float32))
        writer.add(draft("a"), pictures("a", 2), wild)
    assert "clip 'a' has scores outside 0 to 1" in faults_of(tmp_path)


def test_statistics_count_and_spread(folder: Path) -> None:
    found = dataset_statistics(FaceDataset.open(folder))
    assert found.counts[-1] == ("all", 3, 12, 3)
    assert sum(row[1] for row in found.counts[:2]) == 3
    yaw = next(one for one in found.spreads if one.name == "yaw")
    every = np.concatenate([motion(name, 4).pose_deg[:, 0] for name in "abc"])
    assert (yaw.low, yaw.middle, yaw.high) == pytest.approx(np.percentile(every, (1, 50, 99)))
    assert len(yaw.histogram) == 16


def test_the_contact_sheet_shows_every_clip(folder: Path) -> None:
    dataset = FaceDataset.open(folder)
    sheet = contact_sheet(dataset, frames_per_clip=4)
    height = sheet.shape[0] // 3
    assert sheet.shape == (3 * height, 4 * SIZE, 3)
    for number, clip in enumerate(dataset.clips()):
        tile = sheet[(number + 1) * height - SIZE : (number + 1) * height, SIZE : 2 * SIZE]
        assert np.array_equal(tile, dataset.frames(clip.id, [1])[0].permute(1, 2, 0).numpy())


def test_an_empty_dataset_has_a_sheet_and_statistics(tmp_path: Path) -> None:
    DatasetWriter(tmp_path, "video", SIZE).finish()
    dataset = FaceDataset.open(tmp_path)
    assert contact_sheet(dataset).ndim == 3
    assert dataset_statistics(dataset).spreads == ()
