"""Media that appear under their name only when they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.core.files import replaced

__all__ = ["unwritable", "written_whole"]


def unwritable(path: Path, error: OSError) -> MediaError:
    """What is raised where the folder of an output takes nothing new."""
    return MediaError(
        f"The output cannot be written ({error.strerror or error})",
        "a folder that exists and may be written",
        "create the folder, change its permissions or choose another output",
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
            raise unwritable(path, error) from error
        yield part
