"""Timelines that travel with their media in one ``.otioz`` file."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from dpe_toolkit.core.errors import TimelineError
from dpe_toolkit.core.files import replaced

__all__ = ["PLAYLIST", "default_unpack_dir", "read_playlist", "unpack_media"]

PLAYLIST = "content.otio"
_MEDIA_FOLDER = "media"


def default_unpack_dir(path: Path) -> Path:
    """Where the media of the bundle ``path`` are unpacked unless told otherwise: a folder beside it."""
    return path.with_name(path.name + ".media")


def read_playlist(path: Path, *, largest_bytes: int) -> bytes:
    """The timeline inside the bundle, as the bytes of an .otio file.

    Raises:
        TimelineError: the file is no bundle, or its timeline is missing or too large.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            entry = bundle.getinfo(PLAYLIST)
            if entry.file_size > largest_bytes:
                raise TimelineError(
                    f"the timeline inside has {entry.file_size} bytes", f"at most {largest_bytes}", path=path
                )
            return bundle.read(entry)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError) as error:
        raise TimelineError(
            f"it is no OTIO bundle: {error}",
            f"a zip file with {PLAYLIST!r} inside",
            "export the .otioz again",
            path=path,
        ) from error


def unpack_media(path: Path, target: Path) -> Path:
    """Unpacks the bundle's media under ``target`` and returns ``target``, whose ``media`` folder they fill.

    What was unpacked before from the same bundle is kept. Entries that would land elsewhere are refused.

    Raises:
        TimelineError: an entry has a hostile name, or there is no room or right to write.
    """
    stamp = path.stat().st_mtime_ns
    try:
        with zipfile.ZipFile(path) as bundle:
            entries = [entry for entry in bundle.infolist() if not entry.is_dir() and _is_media(entry, path)]
            wanted = [entry for entry in entries if not _is_unpacked(target / entry.filename, entry, stamp)]
            if not wanted:
                return target
            (target / _MEDIA_FOLDER).mkdir(parents=True, exist_ok=True)
            _expect_room(sum(entry.file_size for entry in wanted), target, path)
            for entry in wanted:
                _unpack(bundle, entry, target / entry.filename, stamp)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise TimelineError(
            f"its media cannot be unpacked to {str(target)!r}: {error}",
            "an undamaged bundle and a folder that can be written",
            "copy the bundle to a folder of your own, or name another folder",
            path=path,
        ) from error
    return target


def _is_media(entry: zipfile.ZipInfo, path: Path) -> bool:
    parts = PurePosixPath(entry.filename).parts
    if parts[:1] != (_MEDIA_FOLDER,):
        return False
    if len(parts) != 2 or parts[1] in {".", ".."} or "\\" in entry.filename or entry.filename != "/".join(parts):
        raise TimelineError(
            f"the bundle holds an entry named {entry.filename!r}",
            f"files directly in {_MEDIA_FOLDER!r}",
            "do not trust this bundle; ask for a new export",
            path=path,
        )
    return True


def _is_unpacked(target: Path, entry: zipfile.ZipInfo, stamp: int) -> bool:
    if target.is_symlink() or not target.is_file():
        return False
    status = target.stat()
    return status.st_size == entry.file_size and status.st_mtime_ns == stamp


def _expect_room(num_bytes: int, target: Path, path: Path) -> None:
    free = shutil.disk_usage(target).free
    if num_bytes > free:
        raise TimelineError(
            f"its media need {num_bytes} bytes in {str(target)!r}, where {free} are free",
            "enough room on the disk",
            "make room, or unpack the bundle elsewhere",
            path=path,
        )


def _unpack(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, stamp: int) -> None:
    with replaced(target) as part:
        with part.open("wb") as file, bundle.open(entry) as packed:
            shutil.copyfileobj(packed, file, 2**20)
        os.utime(part, ns=(stamp, stamp))
