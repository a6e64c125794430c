from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpe_toolkit.checkpoint import download
from dpe_toolkit.core.errors import CheckpointError
from tests.downloads import Site, serve


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site()) as served:
        yield served


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt"


def digest(site: Site) -> str:
    return hashlib.sha256(site.content).hexdigest()


def left_overs(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_download_arrives_whole_and_tells_how_far_it_is(site: Site, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    found = download(f"{site.address}/w", target, sha256=digest(site).upper(), progress=lambda *step: told.append(step))
    assert found == digest(site)
    assert target.read_bytes() == site.content
    assert told[0] == (0, len(site.content))
    assert told[-1] == (len(site.content), len(site.content))
    assert left_overs(target) == []


def test_a_download_that_broke_off_goes_on_where_it_stopped(site: Site, target: Path) -> None:
    site.break_after = 300_000
    with pytest.raises(CheckpointError, match=r"could not be downloaded: .*what has come so far is kept"):
        download(f"{site.address}/w", target)
    assert not target.exists()
    told: list[int] = []
    download(f"{site.address}/w", target, sha256=digest(site), progress=lambda done, total: told.append(done))
    assert site.seen == ["", "bytes=300000-"]
    assert told[0] == 300_000
    assert target.read_bytes() == site.content
    assert left_overs(target) == []


def test_another_version_of_the_file_is_fetched_from_its_start(site: Site, target: Path) -> None:
    site.break_after = 1000
    with pytest.raises(CheckpointError):
        download(f"{site.address}/w", target)
    site.content, site.version = b"new" * 4000, '"v2"'
    download(f"{site.address}/w", target, sha256=digest(site))
    assert target.read_bytes() == site.content


@pytest.mark.parametrize("fault", ["no ranges", "another address", "weak mark"])
def test_what_cannot_be_gone_on_with_is_fetched_again(site: Site, target: Path, fault: str) -> None:
    site.break_after = 1000
    site.ranges = fault != "no ranges"
    site.version = 'W/"v1"' if fault == "weak mark" else site.version
    with pytest.raises(CheckpointError):
        download(f"{site.address}/{'other' if fault == 'another address' else 'w'}", target)
    download(f"{site.address}/w", target, sha256=digest(site))
    assert target.read_bytes() == site.content
    assert (site.seen[1] == "bytes=1000-") == (fault == "no ranges")


def test_a_download_that_only_lacked_its_end_is_finished(site: Site, target: Path) -> None:
    site.break_after = 1000
    with pytest.raises(CheckpointError):
        download(f"{site.address}/w", target)
    target.with_name(".weights.pt.partial").write_bytes(site.content)
    download(f"{site.address}/w", target, sha256=digest(site))
    assert target.read_bytes() == site.content


def test_another_digest_is_refused_and_nothing_is_kept(site: Site, target: Path) -> None:
    target.write_bytes(b"old")
    with pytest.raises(CheckpointError, match=r"has the digest [0-9a-f]{64}\. 0{64}"):
        download(f"{site.address}/w", target, sha256="0" * 64)
    assert target.read_bytes() == b"old"
    assert left_overs(target) == []


@pytest.mark.parametrize(
    "address", ["http://example.org/w", "ftp://127.0.0.1/w", "file:///etc/passwd", "w.pt", "https:///w"]
)
def test_only_https_and_this_machine_are_downloaded_from(target: Path, address: str) -> None:
    with pytest.raises(CheckpointError, match="an https address, or http of this machine"):
        download(address, target)


def test_a_redirect_to_an_unsafe_address_is_not_followed(site: Site, target: Path) -> None:
    site.redirect = "http://example.org/w"
    with pytest.raises(CheckpointError, match=r"'http://example.org/w' is not downloaded from"):
        download(f"{site.address}/w", target)


def test_a_server_that_has_no_such_file_is_quoted(site: Site, target: Path) -> None:
    with pytest.raises(CheckpointError, match="the server answered 404"):
        download(f"{site.address}/gone", target)


def test_a_server_that_is_not_there_is_named(target: Path) -> None:
    with pytest.raises(CheckpointError, match=r"http://127.0.0.1:9/w could not be downloaded"):
        download("http://127.0.0.1:9/w", target, timeout_s=5)
