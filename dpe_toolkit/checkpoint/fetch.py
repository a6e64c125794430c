"""Downloads: resumed where they broke off, checked against a digest, under their name only when whole."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import BaseHandler, OpenerDirector, ProxyHandler, Request, build_opener

from dpe_toolkit.core.errors import CheckpointError
from dpe_toolkit.core.files import append_to, place_file, write_text

__all__ = ["download"]

Progress = Callable[[int, int | None], None]
"""Told the bytes that are there and the bytes of the whole, None where the server does not say."""

_CHUNK = 1 << 20
_PARTIAL_CONTENT = 206
_RANGE_REFUSED = 416
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class _Part:
    """A download that is under way: what has come so far, and of which version of the file."""

    content: Path
    notes: Path

    @classmethod
    def beside(cls, target: Path) -> _Part:
        return cls(target.with_name(f".{target.name}.partial"), target.with_name(f".{target.name}.partial.json"))

    def version(self, address: str) -> tuple[int, str]:
        """Bytes that can be kept and the mark of their version; 0 and nothing where none can."""
        try:
            notes = json.loads(self.notes.read_text(encoding="utf-8"))
            size = self.content.stat().st_size
        except (OSError, ValueError):
            return 0, ""
        if not isinstance(notes, dict) or notes.get("address") != address or not notes.get("version"):
            return 0, ""
        return size, str(notes["version"])

    def start(self, address: str, version: str) -> None:
        self.content.unlink(missing_ok=True)
        write_text(self.notes, json.dumps({"address": address, "version": version}))

    def drop(self) -> None:
        self.content.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)


def download(
    address: str,
    target: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    timeout_s: float = 30.0,
) -> str:
    """The SHA-256 of the file that now lies at ``target``.

    What came before a failure stays beside the target, hidden, and is gone on with at the next call, if
    the server still has the same version of the file.

    Args:
        address: https, or http of this machine.
        target: where the file goes; its folder must exist.
        sha256: digest it must have; None where none is known.
        progress: told after each piece.
        timeout_s: longest silence of the server.

    Raises:
        CheckpointError: an address that is not allowed, no answer, another digest, or no room.
    """
    _check_address(address)
    part = _Part.beside(target)
    try:
        _receive(address, part, progress or _silent, timeout_s)
        digest = _digest(part.content)
        if sha256 is not None and digest != sha256.lower():
            part.drop()
            raise CheckpointError(
                f"what {address} sent has the digest {digest}",
                f"{sha256.lower()}",
                "it was changed or damaged on its way and is not kept; try again, or ask its publisher",
            )
        place_file(part.content, target)
        part.notes.unlink(missing_ok=True)
    except HTTPError as error:
        # An error of HTTP is an open answer too.
        error.close()
        raise _failed(address, f"the server answered {error.code} {error.reason}") from error
    except URLError as error:
        raise _failed(address, str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _failed(address, str(error) or type(error).__name__) from error
    return digest


def _silent(done: int, total: int | None) -> None:
    """Tells nobody."""


def _failed(address: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"{address} could not be downloaded: {why}",
        "a server that answers, and room for the file",
        "try again: what has come so far is kept",
    )


def _receive(address: str, part: _Part, progress: Progress, timeout_s: float) -> None:
    kept, version = part.version(address)
    headers = {"User-Agent": "dpe_toolkit", "Accept-Encoding": "identity"}
    if kept:
        headers |= {"Range": f"bytes={kept}-", "If-Range": version}
    try:
        answer = _opener(address).open(Request(address, headers=headers), timeout=timeout_s)
    except HTTPError as error:
        if error.code != _RANGE_REFUSED or not kept:
            raise
        error.close()
        part.drop()
        _receive(address, part, progress, timeout_s)
        return
    with answer:
        start = _resumed_at(answer.status, answer.headers.get("Content-Range"))
        if start != kept or not kept:
            if start:
                raise CheckpointError(f"{address} sent bytes from {start} on", f"bytes from {kept} on", "try again")
            kept = 0
            # A weak mark says that two versions mean the same, not that their bytes are the same.
            mark = answer.headers.get("ETag") or ""
            part.start(address, "" if mark.startswith("W/") else mark or answer.headers.get("Last-Modified") or "")
        length = answer.headers.get("Content-Length")
        total = kept + int(length) if length is not None and length.isdigit() else None
        with append_to(part.content) as file:
            _copy(answer, file, kept, total, progress)
    if total is not None and part.content.stat().st_size != total:
        raise OSError(f"it broke off after {part.content.stat().st_size} of {total} bytes")


def _resumed_at(status: int, content_range: str | None) -> int:
    found = _RANGE.match(content_range or "")
    return int(found.group(1)) if status == _PARTIAL_CONTENT and found else 0


def _copy(answer: IO[bytes], file: IO[bytes], done: int, total: int | None, progress: Progress) -> None:
    progress(done, total)
    while piece := answer.read(_CHUNK):
        file.write(piece)
        done += len(piece)
        progress(done, total)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _AllowedAddresses(BaseHandler):
    """Refuses every address that would not be allowed, those that a server redirects to included."""

    def http_request(self, request: Request) -> Request:
        """The same request."""
        _check_address(request.full_url)
        return request

    https_request = http_request


def _opener(address: str) -> OpenerDirector:
    # A proxy cannot reach this machine's own servers.
    handlers = [ProxyHandler({})] if _is_loopback(urlsplit(address).hostname) else []
    return build_opener(_AllowedAddresses(), *handlers)


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))):
        return
    raise CheckpointError(
        f"{address!r} is not downloaded from",
        "an https address, or http of this machine",
        "download the file by hand and import it with `dpe weights import`",
    )
