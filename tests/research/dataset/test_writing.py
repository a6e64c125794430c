from __future__ import annotations

import hashlib
import importlib.util
import json
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset import DatasetWriter, FaceDataset, merging, split_of
from dpe_toolkit.core.errors import DatasetError
from tests.research.dataset.drawn import SIZE, draft, motion, pictures
from tests.research.dataset.test_format import contents, fill

NAMES = ["a", "b", "c", "d", "e"]


class KilledError(Exception):
    """The run ends here."""


@settings(max_examples=12, deadline=None)
@given(at=st.integers(0, 40))
def test_a_run_killed_at_any_write_goes_on_to_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    """Kills the run before its ``at``-th write of a whole file, and runs it again."""
    folder = tmp_path_factory.mktemp("set")
    fill(folder / "whole", NAMES)
    left = at
    with pytest.MonkeyPatch.context() as patch:
        original = merging.written_whole

        def dying(path: Path) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError
            return original(path)

        patch.setattr("dpe_research.dataset.merging.written_whole", dying)
        patch.setattr("dpe_research.dataset.writing.written_whole", dying)
        try:
            fill(folder / "killed", NAMES)
        except KilledError:
            left = 10**6
            fill(folder / "killed", NAMES)
    assert contents(folder / "whole") == contents(folder / "killed")


def add_one(folder: Path, name: str) -> None:
    writer = DatasetWriter(folder, "video", SIZE, pictures="png", shard_bytes=20000)
    writer.add(draft(name), pictures(name, 3), motion(name, 3))


def test_writers_add_side_by_side(tmp_path: Path) -> None:
    fill(tmp_path / "one", NAMES)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: add_one(tmp_path / "many", name), NAMES))
    DatasetWriter(tmp_path / "many", "video", SIZE, pictures="png", shard_bytes=20000).finish()
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_clips_added_later_go_into_new_shards(tmp_path: Path) -> None:
    fill(tmp_path, ["c", "d"])
    before = contents(tmp_path)
    fill(tmp_path, ["a", "c"])
    after = contents(tmp_path)
    assert [clip.id for clip in FaceDataset.open(tmp_path).clips()] == ["c", "d", "a"]
    assert {name: after[name] for name in before if name != "index.json"} == {
        name: content for name, content in before.items() if name != "index.json"
    }


def test_an_empty_dataset_is_one(tmp_path: Path) -> None:
    DatasetWriter(tmp_path / "set", "video", SIZE).finish()
    assert FaceDataset.open(tmp_path / "set").clips() == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size_px": 32}, "begun with kind video, 16 px png.*not kind video, 32 px"),
        ({"kind": "synthetic"}, "not kind synthetic"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    add_one(tmp_path / "set", "a")
    given: dict[str, object] = {"kind": "video", "size_px": SIZE, "pictures": "png", "shard_bytes": 20000, **changes}
    with pytest.raises(DatasetError, match=message):
        DatasetWriter(tmp_path / "set", **given)


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(DatasetError, match="the folder holds other files"):
        DatasetWriter(tmp_path, "video", SIZE)
    with pytest.raises(DatasetError, match="the folder cannot be made"):
        DatasetWriter(tmp_path / "thesis.doc" / "set", "video", SIZE)


@pytest.mark.parametrize(
    ("count", "size", "message"),
    [(2, SIZE, "there are 2 pictures"), (4, SIZE, "more pictures than motion"), (3, 32, r"picture 0 is \(32, 32, 3\)")],
)
def test_pictures_that_do_not_fit_the_motion_are_refused(tmp_path: Path, count: int, size: int, message: str) -> None:
    writer = DatasetWriter(tmp_path, "video", SIZE)
    with pytest.raises(DatasetError, match=f"clip 'a'.*{message}"):
        writer.add(draft("a"), pictures("a", count, size), motion("a", 3))
    assert not writer.has("a")


def test_a_grid_must_have_its_frames(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, "synthetic", SIZE)
    with pytest.raises(DatasetError, match="the motion has 3 frames, the grid 2 x 2"):
        writer.add(draft("a", grid=(2, 2)), pictures("a", 3), motion("a", 3))
    with pytest.raises(DatasetError, match="the motion has no frames"):
        writer.add(draft("a"), pictures("a", 0), motion("a", 0))
    writer.add(draft("a", grid=(2, 2)), pictures("a", 4), motion("a", 4))
    assert writer.finish().clips[0].grid == (2, 2)


@pytest.mark.parametrize("suffix", ["clip", "tar", "npz"])
def test_damaged_work_is_named(tmp_path: Path, suffix: str) -> None:
    add_one(tmp_path / "set", "a")
    (tmp_path / "set" / "work" / f"a.{suffix}").write_bytes(b"x")
    writer = DatasetWriter(tmp_path / "set", "video", SIZE, pictures="png", shard_bytes=20000)
    with pytest.raises(DatasetError, match=rf"a\.{suffix}.*damaged"):
        writer.finish()


@given(names=st.lists(st.text(max_size=8), unique=True, min_size=100, max_size=120), share=st.floats(0, 1))
@settings(max_examples=6, deadline=None)
def test_the_split_follows_the_identity_and_the_share(names: list[str], share: float) -> None:
    splits = {name: split_of(name, share) for name in names}
    assert all(split_of(name, share) == split for name, split in splits.items())
    # What is held out stays so where more is held out.
    assert all(split_of(name, min(1, share + 0.1)) == "test" for name, split in splits.items() if split == "test")
    assert list(splits.values()).count("test") / len(names) == pytest.approx(share, abs=0.2)


class Every(torch.utils.data.Dataset):  # type: ignore[type-arg] # a map of tensors
    def __init__(self, dataset: FaceDataset) -> None:
        self.dataset = dataset
        self.keys = [(clip.id, row) for clip in dataset.clips() for row in range(clip.num_frames)]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> torch.Tensor:
        clip, row = self.keys[index]
        return self.dataset.frames(clip, [row])[0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_what_one_process_reads(tmp_path: Path, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("no such start method here")
    fill(tmp_path, NAMES)
    dataset = FaceDataset.open(tmp_path)
    alone = torch.stack(list(iter_all(dataset)))  # Files are open when the workers begin.
    loader = torch.utils.data.DataLoader(
        Every(dataset), 4, num_workers=2 if method == "fork" else 1, multiprocessing_context=method
    )
    assert torch.equal(torch.cat(list(loader)), alone)
    assert torch.equal(torch.stack(list(iter_all(pickle.loads(pickle.dumps(dataset))))), alone)


def iter_all(dataset: FaceDataset) -> Iterator[torch.Tensor]:
    every = Every(dataset)
    return (every[index] for index in range(len(every)))


# In a process of its own: the library leaves files open, which is an error here.
READ_ALL = """
import hashlib, json, sys
import webdataset
for sample in webdataset.WebDataset(sys.argv[1:], shardshuffle=False, empty_check=False).decode("rgb8"):
    print(json.dumps([sample["__key__"], sample["json"], hashlib.sha256(sample["png"].tobytes()).hexdigest()]))
"""


def test_the_webdataset_library_reads_the_shards(tmp_path: Path) -> None:
    if importlib.util.find_spec("webdataset") is None or importlib.util.find_spec("yaml") is None:
        pytest.skip("webdataset is not installed")
    fill(tmp_path, NAMES)
    shards = [path.as_posix() for path in sorted((tmp_path / "shards").iterdir())]
    assert len(shards) > 1
    done = subprocess.run([sys.executable, "-c", READ_ALL, *shards], capture_output=True, text=True, check=True)
    dataset = FaceDataset.open(tmp_path)
    for line, (clip, row) in zip(done.stdout.splitlines(), Every(dataset).keys, strict=True):
        picture = dataset.frames(clip, [row])[0].permute(1, 2, 0).contiguous().numpy()
        digest = hashlib.sha256(picture.tobytes()).hexdigest()
        assert json.loads(line) == [f"{clip}_{row:06d}", {"clip": clip, "identity": clip, "frame": row}, digest]
