"""Rows of any other method: results that lie in a folder.

::

    FOLDER/<group>/<stem>.png     pictures: .png, .jpg, .jpeg, .webp, .bmp or .tif
    FOLDER/<group>.mp4            or a video a group (not for the grid protocol), whose frame n is driven by frame n
                                  of the driver: .mp4, .mov, .mkv, .avi or .webm

``<group>`` and ``<stem>`` are those of `dpe_research.evaluation.Case`. Other sizes are resampled to the dataset's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_research.evaluation.cases import Case
from dpe_research.evaluation.methods.base import Edited
from dpe_toolkit.api import MediaError, OptionsError, Span
from dpe_toolkit.api.footage import VideoReader, full_rgb

__all__ = ["FolderMethod"]

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_VIDEOS = (".mp4", ".mov", ".mkv", ".avi", ".webm")
_LARGEST_BYTES = 2**28

RgbPicture = npt.NDArray[np.uint8]


class FolderMethod:
    """Results made elsewhere.

    Args:
        name: of its row.
        folder: where they lie.

    Raises:
        OptionsError: there is no such folder.
    """

    has_amounts = False

    def __init__(self, name: str, folder: Path) -> None:
        if not folder.is_dir():
            raise OptionsError("there is no such folder of results", "a folder", "correct --results", path=folder)
        self.name = name
        self.note = f"Results from the folder {folder.name!r}."
        self._folder = folder
        self._root = folder.resolve()
        self._reader: tuple[Path, VideoReader] | None = None
        self._find = lru_cache(maxsize=4096)(self._found)

    def edit(self, cases: Sequence[Case], true: Sequence[Tensor | None], *, amount: float = 1.0) -> Edited:
        """The pictures of the cases, as far as they are there.

        Raises:
            MediaError: a file is there but cannot be read.
        """
        sources = true[0]
        assert sources is not None
        pictures = torch.zeros_like(sources)
        present = np.zeros(len(cases), np.bool_)
        for row, case in enumerate(cases):
            found = self._picture(case)
            if found is not None:
                pictures[row] = torch.from_numpy(_sized(found, sources.shape[-1])).permute(2, 0, 1)
                present[row] = True
        missing = len(cases) - int(present.sum())
        return Edited(pictures, present, f"{missing} results are not in the folder" if missing else "")

    def close(self) -> None:
        """Closes the video that is open."""
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def _picture(self, case: Case) -> RgbPicture | None:
        path = self._find(f"{case.group}/{case.stem}", _PICTURES)
        if path is not None:
            return _read_picture(path)
        video = self._find(case.group, _VIDEOS)
        # The cases of a grid clip lie on no line of time.
        if video is None or not case.stem.isdigit():
            return None
        reader = self._opened(video)
        if case.position >= reader.info.num_frames:
            return None
        return np.asarray(full_rgb(reader.read(Span(case.position, case.position + 1)), 0), np.uint8)

    def _opened(self, path: Path) -> VideoReader:
        if self._reader is None or self._reader[0] != path:
            self.close()
            self._reader = (path, VideoReader(path))
        return self._reader[1]

    def _found(self, name: str, suffixes: tuple[str, ...]) -> Path | None:
        for suffix in suffixes:
            path = self._folder / f"{name}{suffix}"
            # A link may lead anywhere; results are read from within the folder that was named.
            if path.is_file() and path.resolve().is_relative_to(self._root):
                return path
        return None


def _read_picture(path: Path) -> RgbPicture:
    content = np.zeros(0, np.uint8)
    if path.stat().st_size <= _LARGEST_BYTES:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    if picture is None:
        raise MediaError(
            "the result is no picture that can be read", "a PNG or JPEG file", "make it again, or remove it", path=path
        )
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def _sized(picture: RgbPicture, size_px: int) -> RgbPicture:
    height, width = picture.shape[:2]
    if (height, width) == (size_px, size_px):
        return picture
    shrinks = max(height, width) > size_px
    sized = cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(sized, np.uint8)
