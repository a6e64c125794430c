from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset import DatasetWriter, DroppedClip, FaceDataset
from tests.research.dataset.drawn import SIZE, draft, motion, pictures


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def fill(folder: Path, names: list[str], *, frames: int = 3, shard_bytes: int = 20000) -> None:
    with DatasetWriter(folder, "video", SIZE, pictures="png", shard_bytes=shard_bytes) as writer:
        for name in names:
            writer.add(draft(name), pictures(name, frames), motion(name, frames))


@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=5), shard_kib=st.integers(1, 40), data=st.data())
def test_what_was_written_is_read_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], shard_kib: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("set")
    with DatasetWriter(folder, "video", SIZE, pictures="png", shard_bytes=shard_kib * 1024) as writer:
        for number, length in enumerate(lengths):
            name = f"c{number}"
            writer.add(draft(name), pictures(name, length), motion(name, length, eye=np.arange(length)))
    dataset = FaceDataset.open(folder)
    assert [clip.num_frames for clip in dataset.clips()] == lengths
    for number, length in enumerate(lengths):
        name = f"c{number}"
        rows = data.draw(st.lists(st.integers(0, length - 1), max_size=4))
        wanted = [list(pictures(name, length))[row].transpose(2, 0, 1) for row in rows]
        assert np.array_equal(dataset.frames(name, rows).numpy(), np.array(wanted).reshape(-1, 3, SIZE, SIZE))
        read = dataset.motion(name)
        assert np.array_equal(read.mesh_px, motion(name, length).mesh_px)
        assert np.array_equal(read.extra["eye"], np.arange(length))


@given(order=st.permutations(["a", "b", "c", "d"]))
@settings(max_examples=8, deadline=None)
def test_the_order_of_adding_changes_no_byte(tmp_path_factory: pytest.TempPathFactory, order: list[str]) -> None:
    folder = tmp_path_factory.mktemp("set")
    fill(folder / "one", ["a", "b", "c", "d"])
    fill(folder / "other", order)
    assert contents(folder / "one") == contents(folder / "other")


def test_plain_tar_reads_a_shard(tmp_path: Path) -> None:
    fill(tmp_path / "set", ["b", "a"], shard_bytes=10**6)
    with tarfile.open(tmp_path / "set" / "shards" / "shard-000000.tar") as archive:
        members = archive.getmembers()
        note = json.load(archive.extractfile(members[3]))
    assert [member.name for member in members[:4]] == [
        "a_000000.png",
        "a_000000.json",
        "a_000001.png",
        "a_000001.json",
    ]
    assert note == {"clip": "a", "identity": "a", "frame": 1}
    assert {(member.mtime, member.uid, member.gid) for member in members} == {(0, 0, 0)}


def test_a_dropped_stretch_is_kept_in_the_index(tmp_path: Path) -> None:
    left = DroppedClip(
        id="x", identity="who", source="x.mp4", source_start=3, num_frames=9, reason="too-small", detail="20 px"
    )
    with DatasetWriter(tmp_path / "set", "video", SIZE) as writer:
        writer.drop(left)
        assert writer.has("x")
    assert FaceDataset.open(tmp_path / "set").index.dropped == (left,)
