from __future__ import annotations

import argparse
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dpe_toolkit.checkpoint import (
    WeightsHeader,
    file_digest,
    initialise_network,
    load_discriminator,
    load_generator,
    load_network,
    read_weights,
    save_weights,
)
from dpe_toolkit.core.errors import CheckpointError
from dpe_toolkit.networks import Discriminator, DpeNetwork, NetworkParams

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)


class CreatesFile:
    """Pickled, this asks whoever loads it to create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, (f"touch {self.path}",)


class SetsState:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.fixture(scope="module")
def network() -> DpeNetwork:
    torch.manual_seed(0)
    return DpeNetwork(TINY)


@pytest.fixture(scope="module")
def state(network: DpeNetwork) -> dict[str, Tensor]:
    return network.state_dict()


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1, torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1


def released(state: dict[str, Tensor], **more: object) -> dict[str, object]:
    torch.manual_seed(1)
    return {
        "gen": state,
        "dis": Discriminator(TINY).state_dict(),
        "g_optim": {"state": {0: {"step": 2, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "d_optim": {"state": {}, "param_groups": []},
        "args": argparse.Namespace(size=32, lr=0.002, name="run", gpus=[0], resume=None),
        **more,
    }


@pytest.mark.parametrize("name", ["dpe.pt", "dpe.safetensors", "no_suffix"])
def test_released_layout_loads_whatever_the_file_is_called(
    tmp_path: Path, state: dict[str, Tensor], network: DpeNetwork, pictures: tuple[Tensor, Tensor], name: str
) -> None:
    torch.save(released(state), tmp_path / name)
    loaded = load_generator(tmp_path / name)
    assert loaded.format == "released"
    assert loaded.header.expression_branch == "pose"
    assert loaded.header.params == TINY
    with torch.no_grad():
        expected = network(*pictures, "pose")
    torch.testing.assert_close(loaded.edit(*pictures), expected, rtol=1e-3, atol=1e-4)


def test_legacy_and_wrapped_states_load_too(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(released(state), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert load_generator(tmp_path / "old.pt").format == "released"
    torch.save({f"module.{key}": value for key, value in state.items()}, tmp_path / "wrapped.pt")
    assert load_generator(tmp_path / "wrapped.pt").format == "state"


def test_generator_state_alone_loads_from_either_container(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(state, tmp_path / "state.pt")
    save_file({key: value.clone() for key, value in state.items()}, tmp_path / "state.safetensors")
    for name in ("state.pt", "state.safetensors"):
        loaded = load_generator(tmp_path / name, expression_branch="exp", dtype=torch.bfloat16)
        assert loaded.format == "state"
        assert loaded.editor.expression_branch == "exp"
        assert loaded.editor.network.dtype == torch.bfloat16


def test_half_precision_weights_are_widened(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({"gen": {key: value.half() for key, value in state.items()}}, tmp_path / "half.pt")
    network, _ = load_network(tmp_path / "half.pt")
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}


def test_own_format_keeps_header_and_tensors(
    tmp_path: Path, state: dict[str, Tensor], pictures: tuple[Tensor, Tensor]
) -> None:
    path = tmp_path / "ours.safetensors"
    torch.manual_seed(1)
    discriminator = Discriminator(TINY)
    header = WeightsHeader.of(TINY, expression_branch="exp", training_digest="ab12", licence="CC-BY-NC-4.0")
    save_weights(path, state, header, discriminator=discriminator.state_dict())
    network, read = load_network(path)
    assert read == header
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    again = load_discriminator(path)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in discriminator.state_dict().items())
    loaded = load_generator(path)
    assert loaded.format == "toolkit"
    with torch.no_grad():
        torch.testing.assert_close(loaded.edit(*pictures), network(*pictures, "exp"), rtol=1e-3, atol=1e-4)
    with safe_open(path, framework="pt") as file:
        stored = json.loads(file.metadata()["dpe_toolkit"])
    assert stored["schema"] == 1
    assert stored["licence"] == "CC-BY-NC-4.0"
    assert stored["size"] == 32


def test_loaded_network_is_independent_of_its_file(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(released(state), tmp_path / "dpe.pt")
    network, _ = load_network(tmp_path / "dpe.pt")
    before = (tmp_path / "dpe.pt").read_bytes()
    with torch.no_grad():
        for value in network.parameters():
            value.add_(1.0)
    assert (tmp_path / "dpe.pt").read_bytes() == before
    assert all(value.requires_grad for value in network.parameters())


def test_discriminator_loads_from_released_and_bare_files(tmp_path: Path, state: dict[str, Tensor]) -> None:
    content = released(state)
    torch.save(content, tmp_path / "dpe.pt")
    torch.save(content["dis"], tmp_path / "dis.pt")
    first, second = load_discriminator(tmp_path / "dpe.pt"), load_discriminator(tmp_path / "dis.pt")
    assert all(torch.equal(value, second.state_dict()[key]) for key, value in first.state_dict().items())
    torch.save(state, tmp_path / "gen.pt")
    with pytest.raises(CheckpointError, match="it holds no discriminator"):
        load_discriminator(tmp_path / "gen.pt")


def lia_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {key: value for key, value in state.items() if key.startswith("enc.")}
    renamed.update({f"enc.fc.{key[4:]}": value for key, value in state.items() if key.startswith("mlp.")})
    renamed["dec.direction.weight"] = state["dir.weight"]
    renamed["dec.conv1.conv.weight"] = torch.zeros(2)
    return renamed


def test_lia_checkpoint_initialises_encoder_mlp_and_directions(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({"gen": lia_state(state), "args": argparse.Namespace()}, tmp_path / "vox.pt")
    network, random = initialise_network(tmp_path / "vox.pt")
    for key, value in network.state_dict().items():
        if key.startswith(("enc.", "mlp.", "dir.")):
            assert torch.equal(value, state[key])
            assert key not in random
        else:
            assert key in random
    with pytest.raises(CheckpointError, match=r"LIA checkpoint, which has no DPE generators.*initialise training"):
        load_generator(tmp_path / "vox.pt")


def test_initialising_refuses_other_files_and_partial_ones(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(released(state), tmp_path / "dpe.pt")
    with pytest.raises(CheckpointError, match="of format 'released'"):
        initialise_network(tmp_path / "dpe.pt")
    partial = lia_state(state)
    del partial["enc.fc.0.weight"]
    torch.save({"gen": partial}, tmp_path / "partial.pt")
    with pytest.raises(CheckpointError, match=r"its encoder does not fit: .*mlp\.0\.weight|its encoder does not fit"):
        initialise_network(tmp_path / "partial.pt")


@pytest.mark.parametrize("kind", [CreatesFile, SetsState])
@pytest.mark.parametrize("container", ["released", "alone", "legacy", "plain pickle", "plain pickle 2"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_malicious_pickle_is_refused_and_creates_nothing(
    tmp_path: Path, state: dict[str, Tensor], kind: type[CreatesFile | SetsState], container: str
) -> None:
    trap, path = tmp_path / "created", tmp_path / "dpe.pt"
    evil = kind(trap)
    if container == "released":
        torch.save(released(state, args=evil), path)
    elif container == "alone":
        torch.save(evil, path)
    elif container == "legacy":
        torch.save(released(state, args=evil), path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(pickle.dumps(evil, protocol=2 if container.endswith("2") else 4))
    for load in (load_generator, load_network, load_discriminator, initialise_network):
        with pytest.raises(CheckpointError, match=r"refused|damaged") as caught:
            load(path)
        assert "weights_only" not in str(caught.value)
        assert caught.value.path == path
    assert not trap.exists()
    assert sorted(tmp_path.iterdir()) == [path]


def test_refusal_names_what_the_file_asks_for(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(released(state, args=SetsState(tmp_path / "created")), tmp_path / "dpe.pt")
    with pytest.raises(CheckpointError, match="exec"):
        load_generator(tmp_path / "dpe.pt")


def test_namespace_of_the_file_is_never_the_real_class(tmp_path: Path, state: dict[str, Tensor]) -> None:
    from dpe_toolkit.checkpoint import reading

    torch.save(released(state), tmp_path / "dpe.pt")
    allowed = set(torch.serialization.get_safe_globals())
    content = reading._load_pickled(tmp_path / "dpe.pt", mapped=True)
    assert isinstance(content, dict)
    assert not isinstance(content["args"], argparse.Namespace)
    assert set(torch.serialization.get_safe_globals()) == allowed


def test_differing_keys_and_shapes_are_named_and_counted(tmp_path: Path, state: dict[str, Tensor]) -> None:
    changed: dict[str, object] = dict(state)
    del changed["mlp.0.bias"]
    changed["surplus"] = torch.zeros(1)
    changed["dir.weight"] = torch.zeros(16, 3)
    changed["mlp.1.bias"] = 5
    torch.save({"gen": changed}, tmp_path / "changed.pt")
    with pytest.raises(CheckpointError) as caught:
        load_generator(tmp_path / "changed.pt")
    message = str(caught.value)
    assert "1 key is missing: mlp.0.bias" in message
    assert "1 key is unexpected: surplus" in message
    assert "mlp.1.bias is of type int, expected (16,)" in message
    assert "(16, 3)" in message or "mlp.4" in message
    assert "Check that the file is complete" in message


def test_long_lists_of_differences_are_cut_short(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({"gen": {key: value for key, value in state.items() if key.startswith("enc.")}}, tmp_path / "part.pt")
    with pytest.raises(CheckpointError, match=r"\d+ keys are missing: \S+, \S+, \S+, \S+ and \d+ more"):
        load_generator(tmp_path / "part.pt")


def test_header_sizes_bind_the_tensors(tmp_path: Path, state: dict[str, Tensor]) -> None:
    header = WeightsHeader.of(NetworkParams(size=32, style_dim=16, motion_dim=5, max_channels=8))
    save_weights(tmp_path / "ours", state, header)
    with pytest.raises(CheckpointError, match=r"dir\.weight is \(16, 4\), expected \(16, 5\)"):
        load_generator(tmp_path / "ours")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("container", ["released", "toolkit"])
def test_truncated_files_are_reported(tmp_path: Path, state: dict[str, Tensor], share: float, container: str) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    if container == "released":
        torch.save(released(state), whole)
    else:
        save_weights(whole, state, WeightsHeader.of(TINY))
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"empty|damaged|truncated|starts with"):
        load_generator(cut)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"<html>not found</html>", "no weights file does"),
        (b"PK\x03\x04" + bytes(50), "damaged or truncated"),
        (b"\x80\x02" + bytes(50), "refused|damaged"),
        ((2**40).to_bytes(8, "little") + b"{" + bytes(50), "damaged or truncated"),
    ],
)
def test_files_that_hold_no_weights_are_reported(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_weights(tmp_path / "file")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}, 7])
def test_pickles_without_tensors_are_reported(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "file")
    with pytest.raises(CheckpointError, match="it holds"):
        load_generator(tmp_path / "file")


def test_any_zip_archive_is_no_checkpoint(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match="damaged or truncated"):
        load_generator(tmp_path / "file")


def test_missing_files_and_folders_are_reported(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pt", tmp_path):
        with pytest.raises(CheckpointError, match="it cannot be opened"):
            load_generator(path)
        with pytest.raises(CheckpointError, match="it cannot be opened"):
            file_digest(path)


def test_header_of_another_schema_is_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    for text in ('{"schema": 2}', "no json", '{"schema": 1, "size": 33}', '{"schema": 1, "colour": 1}'):
        save_file({"gen.x": torch.zeros(1)}, tmp_path / "file", metadata={"dpe_toolkit": text})
        with pytest.raises(CheckpointError, match=r"its header .* is not understood"):
            load_generator(tmp_path / "file")


def test_failed_write_leaves_the_older_file_and_no_rest(
    tmp_path: Path, state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ours.safetensors"
    save_weights(path, state, WeightsHeader.of(TINY))
    before = file_digest(path)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dpe_toolkit.core.files.os.fsync", full)
    with pytest.raises(CheckpointError, match=r"it cannot be written .*No space left"):
        save_weights(path, state, WeightsHeader.of(TINY, licence="other"))
    assert file_digest(path) == before
    assert sorted(tmp_path.iterdir()) == [path]


def test_writing_into_a_missing_folder_is_reported(tmp_path: Path, state: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match="it cannot be written"):
        save_weights(tmp_path / "absent" / "ours", state, WeightsHeader.of(TINY))


def test_digest_is_the_sha256_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert file_digest(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_weights_of_another_upsampling_kernel_are_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    changed = dict(state)
    changed["dec_pose.to_flows.0.upsample.kernel"] = torch.ones(4, 4)
    torch.save(changed, tmp_path / "file")
    with pytest.raises(CheckpointError, match="needs the usual kernel"):
        load_generator(tmp_path / "file")


def test_a_slim_networks_sizes_are_read_from_its_header(tmp_path: Path) -> None:
    params = NetworkParams(size=16, style_dim=8, motion_dim=4, max_channels=16, base_channels=1)
    save_weights(tmp_path / "slim.safetensors", DpeNetwork(params).state_dict(), WeightsHeader.of(params))
    assert load_network(tmp_path / "slim.safetensors")[0].params == params
