from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dpe_toolkit.checkpoint import KNOWN_WEIGHTS, WeightsStore, find_weights, load_generator, load_network, usable_name
from dpe_toolkit.core.errors import CheckpointError
from dpe_toolkit.networks import DpeNetwork, NetworkParams

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)


class CreatesFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, (f"touch {self.path}",)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return DpeNetwork(TINY).state_dict()


@pytest.fixture
def released(tmp_path: Path, state: dict[str, Tensor]) -> Path:
    path = tmp_path / "Dpe.pt"
    torch.save({"gen": state, "g_optim": {"state": {}}, "args": None}, path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "kept")


def test_a_released_file_is_kept_as_our_own_format_with_its_origin(store: WeightsStore, released: Path) -> None:
    stored = store.add(released, licence="MIT", expression_branch="exp", source="https://example.org")
    assert store.names() == [stored.name] == ["dpe"]
    assert stored.path.name == "dpe.safetensors"
    record = store.get("dpe").record
    assert (record.original_name, record.original_format, record.source) == (
        "Dpe.pt",
        "released",
        "https://example.org",
    )
    assert (record.header.licence, record.header.expression_branch, record.header.size) == ("MIT", "exp", 32)
    assert load_generator(stored.path).format == "toolkit"
    theirs, ours = load_network(released)[0].state_dict(), load_network(stored.path)[0].state_dict()
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)


def test_verifying_tells_a_changed_file_from_a_whole_one(store: WeightsStore, released: Path) -> None:
    stored = store.add(released)
    assert store.verify("dpe") == store.get("dpe")
    with stored.path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    with pytest.raises(CheckpointError, match=r"the digest of weights 'dpe' is .* as when they were imported"):
        store.verify("dpe")


def test_a_lia_checkpoint_is_kept_as_it_is(store: WeightsStore, state: dict[str, Tensor], tmp_path: Path) -> None:
    lia = {key: value for key, value in state.items() if key.startswith("enc.")}
    lia |= {key.replace("mlp.", "enc.fc.", 1): value for key, value in state.items() if key.startswith("mlp.")}
    lia["dec.direction.weight"] = state["dir.weight"]
    path = tmp_path / "vox.pt"
    torch.save({"gen": lia}, path)
    stored = store.add(path, "lia-vox")
    assert stored.path.read_bytes() == path.read_bytes()
    assert store.verify("lia-vox").record.original_format == "lia"


def test_a_second_import_of_a_name_replaces_the_first(store: WeightsStore, released: Path) -> None:
    store.add(released)
    assert store.add(released, licence="CC0-1.0").record.header.licence == "CC0-1.0"
    assert sorted(path.name for path in store.folder.iterdir()) == ["dpe.json", "dpe.safetensors"]


def test_a_hostile_file_is_refused_creates_nothing_and_is_not_kept(store: WeightsStore, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save({"gen": CreatesFile(mark)}, tmp_path / "hostile.pt")
    with pytest.raises(CheckpointError, match="it was refused"):
        store.add(tmp_path / "hostile.pt")
    assert not mark.exists()
    assert store.names() == []


@pytest.mark.parametrize("name", ["random", "Über", "../up", "a/b", "", ".hidden", "x" * 65])
def test_names_that_are_no_file_names_are_refused(store: WeightsStore, released: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be a name of weights"):
        store.add(released, name)
    with pytest.raises(CheckpointError, match="cannot be a name of weights"):
        usable_name(name)


def test_a_missing_name_offers_the_nearest(store: WeightsStore, released: Path) -> None:
    store.add(released)
    with pytest.raises(CheckpointError, match=r"no weights are called 'dep'.*did you mean 'dpe'"):
        store.get("dep")


def test_a_damaged_record_is_named(store: WeightsStore, released: Path) -> None:
    store.add(released)
    (store.folder / "dpe.json").write_text('{"schema": 1}')
    with pytest.raises(CheckpointError, match="the record of weights 'dpe' cannot be read"):
        store.get("dpe")


def test_a_record_that_points_out_of_the_folder_is_refused(store: WeightsStore, released: Path) -> None:
    store.add(released)
    record = store.folder / "dpe.json"
    record.write_text(record.read_text().replace('"dpe.safetensors"', '"../Dpe.pt"'))
    with pytest.raises(CheckpointError, match="cannot be read"):
        store.get("dpe")


def test_a_folder_that_cannot_be_made_is_named(released: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="weights 'dpe' cannot be kept"):
        WeightsStore(tmp_path / "file" / "kept").add(released)


def test_weights_are_found_by_name_then_by_path(store: WeightsStore, released: Path, tmp_path: Path) -> None:
    stored = store.add(released)
    assert find_weights("dpe", folder=store.folder, base_dir=tmp_path) == stored.path
    assert find_weights("Dpe.pt", folder=store.folder, base_dir=tmp_path) == released
    assert find_weights(str(released), folder=None, base_dir=Path("elsewhere")) == released


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gone.pt", "there is no such weights file"),
        ("sub/gone", "there is no such weights file"),
        ("gone", "called 'gone'"),
    ],
)
def test_weights_that_are_nowhere_are_named(tmp_path: Path, value: str, message: str) -> None:
    for folder in (None, tmp_path / "kept"):
        with pytest.raises(CheckpointError, match=message):
            find_weights(value, folder=folder, base_dir=tmp_path)


def test_every_known_weights_file_states_its_source_and_licence() -> None:
    assert all(item.source.startswith("https://") and item.licence for item in KNOWN_WEIGHTS.values())
    assert all(usable_name(name) == name == item.name for name, item in KNOWN_WEIGHTS.items())


def of_a_plugin(path: Path) -> tuple[str, dict[str, str]] | None:
    """As a plugin's format answers."""
    return ("weightnet", {"network": "weightnet", "licence": "MIT"}) if path.read_bytes() == b"gain" else None


def test_a_file_of_a_plugins_format_is_kept_as_it_is_and_found_by_its_name(store: WeightsStore, tmp_path: Path) -> None:
    (tmp_path / "Net.ONNX").write_bytes(b"gain")
    stored = store.add(tmp_path / "Net.ONNX", "mine", describe=of_a_plugin)
    assert (stored.path.name, stored.path.read_bytes()) == ("mine.onnx", b"gain")
    record = store.get("mine").record
    assert (record.original_format, record.facts["network"], record.licence) == ("weightnet", "weightnet", "MIT")
    assert record.header is None
    assert find_weights("mine", folder=store.folder, base_dir=tmp_path) == stored.path
    assert store.verify("mine", describe=of_a_plugin) == stored
    with pytest.raises(CheckpointError, match=r"no installed plugin takes weights 'mine' for its own.*'weightnet'"):
        store.verify("mine", describe=lambda path: None)


def test_a_file_that_nobody_knows_is_refused_as_before(store: WeightsStore, tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(b"other")
    with pytest.raises(CheckpointError, match="which no weights file does"):
        store.add(tmp_path / "net.bin", describe=of_a_plugin)
    assert store.names() == []


def test_a_file_of_the_toolkits_own_is_not_asked_about(store: WeightsStore, released: Path) -> None:
    def describe(path: Path) -> None:
        raise AssertionError(path)

    assert store.add(released, "own", describe=describe).record.header is not None


def test_a_folder_is_found_only_where_an_option_may_name_one(tmp_path: Path) -> None:
    (tmp_path / "five").mkdir()
    assert find_weights("five", folder=None, base_dir=tmp_path, folders=True) == tmp_path / "five"
    with pytest.raises(CheckpointError, match="no weights are called 'five'"):
        find_weights("five", folder=None, base_dir=tmp_path)


def of_five(path: Path) -> tuple[str, dict[str, str]] | None:
    """As a plugin's format of a folder answers."""
    return ("five", {"parts": "5", "licence": "MIT"}) if (path / "eyes.bin").is_file() else None


@pytest.fixture
def five(tmp_path: Path) -> Path:
    folder = tmp_path / "Net"
    (folder / "deep").mkdir(parents=True)
    for name in ("eyes.bin", "deep/mouth.bin"):
        (folder / name).write_text(name)
    return folder


def test_a_folder_of_a_plugins_format_is_kept_whole_and_found_by_its_name(store: WeightsStore, five: Path) -> None:
    stored = store.add(five, describe=of_five)
    assert (stored.name, stored.path) == ("net", store.folder / "net.folder")
    assert (stored.path / "deep" / "mouth.bin").read_text() == "deep/mouth.bin"
    assert (stored.record.original_name, stored.record.licence) == ("Net", "MIT")
    assert store.names() == ["net"]
    assert find_weights("net", folder=store.folder, base_dir=five.parent, folders=True) == stored.path
    assert store.verify("net", describe=of_five) == stored
    with pytest.raises(CheckpointError, match=r"weights 'net' are a folder.*weights in one file"):
        find_weights("net", folder=store.folder, base_dir=five)


@pytest.mark.parametrize("change", ["changed", "added", "gone", "moved"])
def test_verifying_tells_a_folder_in_which_a_file_is_another(store: WeightsStore, five: Path, change: str) -> None:
    kept = store.add(five, "mine", describe=of_five).path / "deep" / "mouth.bin"
    if change == "changed":
        kept.write_text("Deep/mouth.bin")
    elif change == "added":
        kept.with_name("more.bin").write_text("")
    elif change == "gone":
        kept.unlink()
    else:
        kept.rename(kept.with_name("lips.bin"))
    with pytest.raises(CheckpointError, match="the digest of weights 'mine' is"):
        store.verify("mine", describe=of_five)


def test_a_second_import_of_a_folder_leaves_nothing_of_the_first(store: WeightsStore, five: Path) -> None:
    first = store.add(five, "mine", describe=of_five)
    (five / "deep" / "mouth.bin").unlink()
    second = store.add(five, "mine", describe=of_five)
    assert second.record.sha256 != first.record.sha256
    assert [path.name for path in second.path.iterdir() if path.is_file()] == ["eyes.bin"]
    assert sorted(path.name for path in store.folder.iterdir()) == ["mine.folder", "mine.json"]


def test_a_folder_that_nobody_knows_or_is_empty_is_refused(store: WeightsStore, five: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, describe in ((five, lambda path: None), (five, None), (tmp_path / "empty", of_a_plugin)):
        with pytest.raises(CheckpointError, match=r"it is a folder.*a folder of a format that a plugin reads"):
            store.add(folder, "mine", describe=describe)
    assert store.names() == []
