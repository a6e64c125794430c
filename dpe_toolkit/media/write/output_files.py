"""Outputs that appear under their name only when they are whole: a file, or a folder of numbered images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.files import replaced, replaced_folder
from dpe_toolkit.media.settings import CodecName

__all__ = ["check_folder", "folder_written_whole", "image_pattern", "sound_name", "written_whole"]

_DIGITS = 7
_ENDINGS = {"png": "png", "tiff": "tif", "exr": "exr"}


def image_pattern(name: str, codec: CodecName) -> str:
    """FFmpeg's pattern of the images' names: ``NAME.%07d.exr``."""
    return f"{name.replace('%', '%%')}.%0{_DIGITS}d.{_ENDINGS[codec]}"


def sound_name(name: str, number: int) -> str:
    """The file of the n-th audio stream beside the images: ``NAME.wav``, ``NAME.2.wav``."""
    return f"{name}.wav" if number == 0 else f"{name}.{number + 1}.wav"


def check_folder(path: Path) -> None:
    """Refuses a folder that holds anything but an earlier sequence of this name, since it would be replaced.

    Raises:
        MediaError: with the first file that is something else.
    """
    if path.is_file():
        raise MediaError(
            "The output is a file", "a folder for the images, new or of an earlier render", "rename it", path=path
        )
    ours = re.compile(re.escape(path.name) + rf"\.(\d{{{_DIGITS}}}\.({'|'.join(_ENDINGS.values())})|(\d+\.)?wav)")
    stranger = next((one for one in sorted(path.glob("*")) if not ours.fullmatch(one.name)), None)
    if stranger is not None:
        raise MediaError(
            f"The output folder holds {stranger.name!r}, which is no image of an earlier render",
            "a new folder, or one with a sequence of the same name alone",
            "choose another output",
            path=path,
        )


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its name on success and is deleted on any exception.

    Raises:
        MediaError: the folder is missing or may not be written, or ``path`` is a folder.
    """
    if path.is_dir():
        raise MediaError("The output is a folder", "the name of a file", "add a file name", path=path)
    with ExitStack() as stack:
        try:
            part = stack.enter_context(replaced(path))
        except OSError as error:
            raise _unwritable(path, error) from error
        yield part


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that takes its name on success and is deleted on any exception.

    Raises:
        MediaError: as `check_folder`, or the parent cannot be written.
    """
    check_folder(path)
    with ExitStack() as stack:
        try:
            part = stack.enter_context(replaced_folder(path))
        except OSError as error:
            raise _unwritable(path, error) from error
        yield part


def _unwritable(path: Path, error: OSError) -> MediaError:
    return MediaError(
        f"The output cannot be written ({error.strerror or error})",
        "a folder that exists and may be written",
        "create the folder, change its permissions or choose another output",
        path=path,
    )
