from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.dataset import ClipMotion, DatasetIndex, DatasetWriter, FaceDataset, FramePlaces
from dpe_research.dataset.motion import motion_bytes
from dpe_research.dataset.shards import PictureFormat, decode_picture, encode_picture
from dpe_toolkit.core.errors import DatasetError
from tests.research.dataset.drawn import SIZE, draft, motion, pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with DatasetWriter(tmp_path / "set", "video", SIZE, pictures="png") as writer:
        for name in ("a", "b"):
            writer.add(draft(name), pictures(name, 4), motion(name, 4))
    return tmp_path / "set"


def rewrite(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "index.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def replace_motion(folder: Path, **arrays: np.ndarray) -> None:
    places = FaceDataset.open(folder).places("a")
    content = motion_bytes(motion("a", 4), FramePlaces(places.offsets, places.lengths))
    (folder / "motion" / "a.npz").write_bytes(content)
    with np.load(folder / "motion" / "a.npz") as kept:
        held = {**kept, **arrays}
    np.savez(folder / "motion" / "a.npz", **held)


@pytest.mark.parametrize("field", ["shard", "motion", "id"])
@given(
    name=st.sampled_from(["../x.tar", "/etc/x.npz", "a/b.tar", "..", "a\\b.npz", "x.tar\n", ".x.tar", "c:x.npz", ""])
)
@settings(max_examples=9, deadline=None)
def test_an_index_cannot_name_paths(tmp_path_factory: pytest.TempPathFactory, field: str, name: str) -> None:
    folder = tmp_path_factory.mktemp("set")
    with DatasetWriter(folder, "video", SIZE, pictures="png") as writer:
        writer.add(draft("a"), pictures("a", 1), motion("a", 1))
    rewrite(folder, lambda content: content["clips"][0].update({field: name}))
    with pytest.raises(DatasetError, match=f"clips.0.{field}"):
        FaceDataset.open(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema=2), "schema"),
        (lambda c: c["clips"][0].update(id="B", motion="B.npz"), "several clips are called 'b'"),
        (lambda c: c["clips"][0].update(motion="b.npz"), "named after the clip"),
        (lambda c: c["clips"][0].update(grid=[2, 3]), "a grid of 2 x 3 does not have 4 frames"),
        (lambda c: c["clips"][0].update(grid=[2, 2]), "only clips of synthetic datasets have a grid"),
        (lambda c: c["clips"][0].update(more=1), "Extra inputs"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(folder: Path, change: Callable[[dict], object], message: str) -> None:
    rewrite(folder, change)
    with pytest.raises(DatasetError, match=message):
        FaceDataset.open(folder)


def test_a_folder_without_index_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no dataset.*dpe dataset build"):
        FaceDataset.open(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_out_is_not_followed(folder: Path, tmp_path: Path) -> None:
    for name in ("shards/shard-000000.tar", "motion/a.npz"):
        outside = tmp_path / Path(name).name
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)
    dataset = FaceDataset.open(folder)
    for ask in (lambda: dataset.motion("a"), lambda: dataset.frames("b", [0])):
        with pytest.raises(DatasetError, match="a link that leads out of the dataset"):
            ask()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mesh_px": np.zeros((4, 5, 3))}, "mesh_px is not finite float32"),
        ({"score": np.full(4, np.nan, np.float32)}, "score is not finite float32"),
        ({"pose_deg": np.zeros((4, 2), np.float32)}, "pose_deg has shape"),
        ({"extra_a": np.zeros(3)}, "extra array 'a'"),
        ({"extra_A": np.zeros(4)}, "extra arrays are named in lower case"),
    ],
)
def test_a_motion_file_that_does_not_fit_is_refused(folder: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    replace_motion(folder, **arrays)
    with pytest.raises(DatasetError, match=message):
        FaceDataset.open(folder).motion("a")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"offsets": np.array([-1, 0, 0, 0])}, "before the start of the shard"),
        ({"lengths": np.zeros(4, np.int64)}, "or empty ones"),
        ({"offsets": np.zeros(3, np.int64), "lengths": np.ones(3, np.int64)}, "it places 3 pictures"),
        ({"offsets": np.zeros(4)}, "offsets is float64, not int64"),
        ({"offsets": np.full(4, 2**62)}, "there is no picture at byte"),
        ({"lengths": np.full(4, 2**62)}, None),
        ({"offsets": np.zeros(4, np.int64)}, "there is no picture at byte 0"),
    ],
)
def test_places_that_are_wrong_end_in_a_message(folder: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    replace_motion(folder, **arrays)
    dataset = FaceDataset.open(folder)
    if message is None:  # More than there is: the picture is there, and what follows it is ignored.
        assert dataset.frames("a", [0]).shape == (1, 3, SIZE, SIZE)
        return
    with pytest.raises(DatasetError, match=message):
        dataset.frames("a", [0])


def test_a_file_that_would_unpack_into_more_is_refused(folder: Path) -> None:
    path = folder / "motion" / "a.npz"
    with np.load(path) as kept:
        arrays = dict(kept)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.npy", arrays["score"].tobytes())
    with pytest.raises(DatasetError, match="its arrays are compressed"):
        FaceDataset.open(folder).motion("a")


def test_pickled_arrays_are_not_loaded(folder: Path) -> None:
    replace_motion(folder)
    with np.load(folder / "motion" / "a.npz") as kept:
        arrays = dict(kept)
    np.savez(folder / "motion" / "a.npz", **{**arrays, "score": np.array([print] * 4, object)})
    with pytest.raises(DatasetError, match="the motion file is damaged"):
        FaceDataset.open(folder).motion("a")


def test_missing_files_and_frames_are_named(folder: Path) -> None:
    dataset = FaceDataset.open(folder)
    with pytest.raises(DatasetError, match=r"clip 'a': frame 4 is asked for.*0 to 3"):
        dataset.frames("a", [0, 4])
    with pytest.raises(DatasetError, match="there is no clip 'c'"):
        dataset.motion("c")
    (folder / "motion" / "a.npz").unlink()
    with pytest.raises(DatasetError, match="it is missing"):
        dataset.motion("a")
    (folder / "shards" / "shard-000000.tar").unlink()
    with pytest.raises(DatasetError, match="the shard cannot be read"):
        FaceDataset.open(folder).frames("b", [0])


def test_a_picture_of_another_size_is_refused(folder: Path) -> None:
    rewrite(folder, lambda content: content.update(size_px=SIZE * 2))
    with pytest.raises(DatasetError, match="a picture of 16x16 at byte"):
        FaceDataset.open(folder).frames("a", [1])


def test_motion_states_what_its_arrays_must_be() -> None:
    good = motion("a", 3)
    with pytest.raises(ValueError, match="score has shape"):
        ClipMotion(good.mesh_px, good.pose_deg, good.place, good.blendshapes, good.score[:2])
    with pytest.raises(ValueError, match="extra array 'eye'"):
        motion("a", 3, eye=np.zeros(2))


def test_the_index_is_its_own_json(folder: Path) -> None:
    index = FaceDataset.open(folder).index
    assert DatasetIndex.model_validate_json(index.to_json()) == index


def test_an_index_that_is_too_large_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpe_research.dataset.index._LARGEST_BYTES", 100)
    with pytest.raises(DatasetError, match="larger than 100 bytes"):
        FaceDataset.open(folder)


@given(seed=st.integers(0, 50), form=st.sampled_from(["jpg", "png"]))
@settings(max_examples=10, deadline=None)
def test_pictures_keep_their_colour(seed: int, form: PictureFormat) -> None:
    """JPEG at this quality moves smooth colours by little, in each channel; PNG by nothing."""
    corners = np.random.default_rng(seed).random((2, 2, 3)).astype(np.float32)
    picture = (cv2.resize(corners, (64, 64), interpolation=cv2.INTER_LINEAR) * 255).astype(np.uint8)
    back = decode_picture(encode_picture(picture, form))
    assert back is not None
    assert np.abs(back.astype(int) - picture).max() <= (0 if form == "png" else 6)


def test_pictures_are_eight_bits() -> None:
    with pytest.raises(TypeError, match="pictures are uint8, got float32"):
        encode_picture(np.zeros((8, 8, 3), np.float32), "png")
