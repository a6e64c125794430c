"""From what a timeline calls its media to the file on this machine. Nothing is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from dpe_toolkit.core.errors import MediaError

__all__ = ["find_media", "media_basename"]

Resolver = Callable[[str, Path], Path | None]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")
_DRIVE = re.compile(r"^/?[A-Za-z]:[\\/]")


def find_media(
    reference: str, folders: Sequence[Path], *, roots: Iterable[Path] = (), resolve: Resolver | None = None
) -> Path:
    """The absolute path of the regular file that ``reference`` means.

    Looked for where the reference says, relative ones from each of ``folders``; then in each of
    ``roots`` under the same relative path and under the bare name; then ``resolve`` is asked.

    Args:
        reference: path or ``file:`` URL as the timeline has it.
        folders: where relative references start.
        roots: folders that the user named.
        resolve: asked last, with the reference and the first of ``folders``.

    Raises:
        MediaError: there is no such file, or the reference is of another kind than a local file.
    """
    if not reference or "\0" in reference:
        raise MediaError(f"the media reference {reference!r} names no file", "a path or a file: URL", "relink the clip")
    scheme = _scheme(reference)
    candidates = [] if scheme not in {"", "file"} else list(_candidates(reference, folders, roots))
    for candidate in candidates:
        if candidate.is_file():
            return candidate.absolute()
    found = resolve(reference, folders[0] if folders else Path()) if resolve else None
    if found is not None and found.is_file():
        return found.absolute()
    if scheme not in {"", "file"}:
        raise MediaError(
            f"the media reference {reference!r} is of kind {scheme!r}",
            "a local path or a file: URL; nothing is fetched over a network",
            "copy the media to this machine and relink the clip",
        )
    strange = next((candidate for candidate in candidates if candidate.exists()), None)
    if strange is not None:
        raise MediaError("it is no regular file", "a media file", "relink the clip", path=strange)
    raise MediaError(
        "the media file does not exist" if candidates else f"the media reference {reference!r} is on another host",
        "a file on this machine",
        "put the file there, relink the clip, or name a folder to look in (--media-root)",
        path=candidates[0] if candidates else None,
    )


def media_basename(reference: str) -> str:
    """The file name in a reference, in lower case: what hosts keep when they rewrite paths."""
    path = unquote(urlsplit(reference).path) if _scheme(reference) else reference
    return PureWindowsPath(path).name.casefold()


def _scheme(reference: str) -> str:
    """The URL scheme in lower case; a Windows drive letter is none."""
    match = _SCHEME.match(reference)
    return match[1].lower() if match else ""


def _candidates(reference: str, folders: Sequence[Path], roots: Iterable[Path]) -> Iterable[Path]:
    local = _local_paths(reference)
    for text in local:
        path = Path(text)
        yield from [path] if path.is_absolute() else [folder / path for folder in folders]
    for root in roots:
        for text in local:
            posix = PurePosixPath(text)
            if not posix.is_absolute() and not _DRIVE.match(text):
                yield root / posix
            yield root / PureWindowsPath(text).name


def _local_paths(reference: str) -> list[str]:
    """The paths that a reference may mean: a bare path is tried as written, then with %20 read as a space."""
    if _scheme(reference) != "file":
        return list(dict.fromkeys([reference, unquote(reference)]))
    parts = urlsplit(reference)
    if parts.netloc not in {"", "localhost"}:
        return []
    path = unquote(parts.path)
    return [path[1:] if _DRIVE.match(path) else path]
