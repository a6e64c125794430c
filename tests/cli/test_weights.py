from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from dpe_toolkit.checkpoint import KNOWN_WEIGHTS, WeightsHeader, WeightsStore, save_weights
from dpe_toolkit.delivery.folders import user_data_dir
from dpe_toolkit.media import VideoReader, probe
from dpe_toolkit.networks import DpeNetwork, NetworkParams
from tests.cli.conftest import Dpe
from tests.downloads import Site, serve

TINY = NetworkParams(size=32, style_dim=16, motion_dim=4, max_channels=8)
Weights = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    torch.manual_seed(0)
    save_weights(path, DpeNetwork(TINY).state_dict(), WeightsHeader.of(TINY, licence="CC0-1.0"))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def weights(dpe: Dpe, folder: Path) -> Weights:
    return lambda command, *words: dpe("weights", command, *words, "--weights-dir", folder)


@pytest.fixture
def site(tiny: Path) -> Iterator[Site]:
    with serve(Site(content=tiny.read_bytes())) as served:
        yield served


def test_imported_weights_are_listed_shown_and_verified(weights: Weights, tiny: Path) -> None:
    done = weights("import", tiny, "--name", "mine")
    assert (done.returncode, done.stdout) == (0, "")
    assert "imported: mine: 32 px, branch 'pose' edits the expression, licence 'CC0-1.0'" in done.stderr
    listed = weights("list").stdout
    assert "mine" in listed
    assert KNOWN_WEIGHTS["dpe"].source in listed
    assert "non-commercial" in listed
    shown = json.loads(weights("show", "mine", "--json").stdout)
    assert (shown["size"], shown["original_sha256"]) == (32, hashlib.sha256(tiny.read_bytes()).hexdigest())
    assert "licence: CC0-1.0" in weights("show", tiny).stdout
    assert weights("verify", "mine").returncode == 0


def test_the_list_says_what_is_here_as_json_and_names_a_damaged_record(
    weights: Weights, tiny: Path, folder: Path
) -> None:
    weights("import", tiny)
    (folder / "broken.json").write_text("{}")
    done = weights("list", "--json")
    listed = json.loads(done.stdout)
    assert [one["name"] for one in listed["here"]] == ["tiny"]
    assert {one["name"] for one in listed["published"]} == set(KNOWN_WEIGHTS)
    assert "the record of weights 'broken' cannot be read" in done.stderr


def test_weights_of_unknown_licence_come_with_a_note(weights: Weights, tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save({"gen": DpeNetwork(TINY).state_dict()}, tmp_path / "dpe.pt")
    assert "states no licence" in weights("import", tmp_path / "dpe.pt").stderr
    done = weights("import", tmp_path / "dpe.pt", "--licence", "MIT", "--branch", "exp")
    assert "licence 'MIT'" in done.stderr
    assert "branch 'exp'" in done.stderr


def test_a_changed_file_is_told_by_verify(weights: Weights, tiny: Path, folder: Path) -> None:
    weights("import", tiny)
    (folder / "tiny.safetensors").write_bytes(tiny.read_bytes()[:-1] + b"\x01")
    done = weights("verify", "tiny")
    assert done.returncode == 1
    assert "as when they were imported" in done.stderr


def test_a_file_that_holds_no_weights_is_named(weights: Weights, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello, this is no weights file")
    done = weights("import", tmp_path / "notes.txt")
    assert done.returncode == 1
    assert "which no weights file does" in done.stderr
    assert not folder.exists() or not list(folder.iterdir())


def test_fetched_weights_are_checked_and_kept(weights: Weights, site: Site, folder: Path) -> None:
    digest = hashlib.sha256(site.content).hexdigest()
    done = weights("fetch", "mine", "--address", f"{site.address}/w", "--sha256", digest)
    assert done.returncode == 0, done.stderr
    assert WeightsStore(folder).get("mine").record.source == f"{site.address}/w"
    assert sorted(path.name for path in folder.iterdir()) == ["mine.json", "mine.safetensors"]


def test_a_fetch_that_breaks_off_is_gone_on_with_by_the_next(weights: Weights, site: Site) -> None:
    site.break_after = 2000
    first = weights("fetch", "mine", "--address", f"{site.address}/w")
    assert first.returncode == 1
    assert "what has come so far is kept" in first.stderr
    assert weights("fetch", "mine", "--address", f"{site.address}/w").returncode == 0
    assert site.seen[-1] == "bytes=2000-"


def test_known_weights_without_an_address_say_where_people_get_them(weights: Weights) -> None:
    done = weights("fetch", "dpe")
    assert done.returncode == 2
    assert KNOWN_WEIGHTS["dpe"].source in done.stderr
    assert "dpe weights import FILE --name dpe" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fetch", "dep"), "Did you mean 'dpe'"),
        (("fetch", "../up", "--address", "https://example.org/w"), "cannot be a name of weights"),
        (("fetch", "mine", "--address", "http://example.org/w"), "an https address"),
        (("show", "none"), "no weights are called 'none'"),
        (("verify", "none"), "no weights are called 'none'"),
    ],
)
def test_what_cannot_be_got_is_refused_with_one_message(weights: Weights, words: tuple[str, ...], message: str) -> None:
    done = weights(*words)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert done.stderr.count("error:") == 1


def test_a_weights_folder_that_cannot_be_made_is_named(dpe: Dpe, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = dpe(
        "weights", "fetch", "m", "--address", "https://127.0.0.1:9/w", "--weights-dir", tmp_path / "file" / "kept"
    )
    assert "the weights folder cannot be made" in done.stderr


def test_the_weights_folder_is_the_users_unless_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_data_dir() == tmp_path / "dpe_toolkit"


def test_the_environment_may_name_the_weights_folder(
    dpe: Dpe, tiny: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DPE_WEIGHTS", str(folder))
    assert dpe("weights", "import", tiny, "--name", "mine").returncode == 0
    assert WeightsStore(folder).names() == ["mine"]


def test_an_edit_names_its_weights_and_keeps_them_in_the_timeline(
    dpe: Dpe, weights: Weights, media: Path, tiny: Path, folder: Path, tmp_path: Path
) -> None:
    weights("import", tiny, "--name", "mine")
    words = ("--generator", "dpe/expression", "--weights", "mine", "--weights-dir", folder, "--consent", "none needed")
    done = dpe("edit", media / "face.mkv", media / "face.mkv", "-o", tmp_path / "out.mkv", "--frames", "0:2", *words)
    assert done.returncode == 0, done.stderr
    timeline = json.loads((tmp_path / "out.mkv.otio").read_text())
    assert '"weights": "mine"' in json.dumps(timeline)
    done = dpe("render", tmp_path / "out.mkv.otio", "-o", tmp_path / "again.mkv", "--frames", "0:2")
    assert "no weights are called 'mine'" in done.stderr
    done = dpe("render", tmp_path / "out.mkv.otio", "-o", tmp_path / "again.mkv", "--frames", "0:2", "--weights", tiny)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "again.mkv.edits.json").read_text())
    (generator,) = (one for one in record["shots"][0]["components"] if one["kind"] == "generator")
    assert hashlib.sha256(tiny.read_bytes()).hexdigest()[:16] in generator["fingerprint"]


def test_a_portrait_moves_as_long_and_as_fast_as_its_driver(dpe: Dpe, media: Path, tiny: Path, tmp_path: Path) -> None:
    portrait = tmp_path / "portrait.png"
    with VideoReader(media / "face.mkv") as reader:
        from dpe_toolkit.core.timing import Span
        from dpe_toolkit.geometry import full_rgb
        from dpe_toolkit.media import write_png

        write_png(portrait, full_rgb(reader.read(Span(0, 1)), 0))
    out = tmp_path / "out.mkv"
    done = dpe("animate", portrait, media / "face.mkv", "-o", out, "--weights", tiny, "--consent", "none needed")
    assert done.returncode == 0, done.stderr
    film, driver = probe(out), probe(media / "face.mkv")
    assert (film.num_frames, film.rate) == (driver.num_frames, driver.rate)
    effect = json.dumps(json.loads((tmp_path / "out.mkv.otio").read_text()))
    assert '"pose": 1.0' in effect
    assert '"compositor": "crop"' in effect


def test_a_portrait_without_weights_says_what_is_missing(dpe: Dpe, media: Path, tmp_path: Path) -> None:
    done = dpe(
        "animate", media / "face.mkv", media / "face.mkv", "-o", tmp_path / "out.mkv", "--consent", "none needed"
    )
    assert done.returncode == 2
    assert "the DPE network has no weights" in done.stderr
    done = dpe("animate", media / "face.mkv", media / "face.mkv", "-o", tmp_path / "none" / "out.mkv")
    assert "does not exist" in done.stderr
