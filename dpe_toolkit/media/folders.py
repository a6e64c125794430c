"""Folders of numbered pictures, which appear under their name only when they are whole."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media.replacing import unwritable

__all__ = ["check_folder", "folder_written_whole", "picture_pattern", "sound_name"]

_DIGITS = 7


def picture_pattern(name: str, codec: str) -> str:
    """FFmpeg's pattern of the pictures' names: ``NAME.%07d.exr``."""
    return f"{name.replace('%', '%%')}.%0{_DIGITS}d.{_ending(codec)}"


def sound_name(name: str, number: int) -> str:
    """The file of the n-th audio stream: ``NAME.wav``, ``NAME.2.wav``."""
    return f"{name}.wav" if number == 0 else f"{name}.{number + 1}.wav"


def check_folder(path: Path) -> None:
    """Refuses a folder that holds anything but an earlier sequence of this name, since it would be replaced.

    Raises:
        MediaError: with the first file that is something else.
    """
    if path.is_file():
        raise MediaError(
            "The output is a file", "a folder for the pictures, new or of an earlier render", "rename it", path=path
        )
    ours = re.compile(re.escape(path.name) + r"\.(\d{7}\.(png|tif|exr)|(\d+\.)?wav)")
    stranger = next((one for one in sorted(path.glob("*")) if not ours.fullmatch(one.name)), None)
    if stranger is not None:
        raise MediaError(
            f"The output folder holds {stranger.name!r}, which is no picture of an earlier render",
            "a new folder, or one with a sequence of the same name alone",
            "choose another output",
            path=path,
        )


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its name on success and is deleted on any exception.

    An earlier sequence under that name is moved aside first and deleted after: at every moment one of the two is
    whole, though for an instant neither has the name.

    Raises:
        MediaError: as `check_folder`, or the parent cannot be written.
    """
    check_folder(path)
    mark = secrets.token_hex(4)
    part, former = (path.with_name(f".{path.name}.{mark}.{state}") for state in ("part", "former"))
    try:
        part.mkdir()
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield part
        if path.exists():
            path.rename(former)
        try:
            part.rename(path)
        except OSError:
            if former.exists():
                former.rename(path)
            raise
    finally:
        for leftover in (part, former):
            shutil.rmtree(leftover, ignore_errors=True)


def _ending(codec: str) -> str:
    return "tif" if codec == "tiff" else codec
