"""Reading a dataset: any frame of any clip, without unpacking anything."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt
import torch

from dpe_research.dataset.index import ClipRecord, DatasetIndex, Split, read_index
from dpe_research.dataset.merging import MOTION_FOLDER, SHARD_FOLDER
from dpe_research.dataset.motion import ClipMotion, FramePlaces, read_motion, read_places
from dpe_research.dataset.shards import decode_picture
from dpe_toolkit.api import DatasetError, nearest_names

__all__ = ["FaceDataset"]

_MOST_OPEN = 32
_MOST_PLACES = 4096


class FaceDataset:
    """A dataset that was built. It may be sent to DataLoader workers, forked or spawned: each opens files of its own.

    Args:
        folder: the dataset.
        index: its index.
    """

    def __init__(self, folder: Path, index: DatasetIndex) -> None:
        self.folder = folder
        self.index = index
        self._root = folder.resolve()
        self._handles = _Handles()

    @classmethod
    def open(cls, path: Path) -> Self:
        """The dataset in a folder.

        Raises:
            DatasetError: there is none, or its index cannot be read.
        """
        return cls(path, read_index(path))

    def __getstate__(self) -> tuple[Path, DatasetIndex]:
        return self.folder, self.index

    def __setstate__(self, state: tuple[Path, DatasetIndex]) -> None:
        self.__init__(*state)  # type: ignore[misc] # a fresh one, without open files

    def close(self) -> None:
        """Closes the files that this process holds open; a later read opens them again."""
        self._handles.close()

    @property
    def size_px(self) -> int:
        """S, the side of the pictures."""
        return self.index.size_px

    @cached_property
    def _by_id(self) -> dict[str, ClipRecord]:
        return {clip.id: clip for clip in self.index.clips}

    def clips(self, split: Split | None = None) -> tuple[ClipRecord, ...]:
        """The clips of a split, all of them for None, in the order of the index."""
        return tuple(clip for clip in self.index.clips if split is None or clip.split == split)

    def clip(self, clip_id: str) -> ClipRecord:
        """The record of a clip.

        Raises:
            DatasetError: there is none of that id.
        """
        try:
            return self._by_id[clip_id]
        except KeyError:
            known = nearest_names(clip_id, self._by_id) if len(self._by_id) < 20 else "an id that the index lists"
            raise DatasetError(f"there is no clip {clip_id!r}", known, "correct the id", path=self.folder) from None

    def frames(self, clip_id: str, rows: Sequence[int] | npt.NDArray[np.int64]) -> torch.Tensor:
        """(N, 3, S, S) uint8 RGB pictures of these rows of a clip, in any order.

        Raises:
            DatasetError: there is no such clip or row, or a picture is damaged.
        """
        clip = self.clip(clip_id)
        wanted = [int(row) for row in rows]
        pictures = np.empty((len(wanted), self.size_px, self.size_px, 3), np.uint8)
        for place, row in enumerate(wanted):
            pictures[place] = self._picture(clip, row)
        return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()

    def motion(self, clip_id: str) -> ClipMotion:
        """What the face of a clip does, in every frame. It is read anew at each call.

        Raises:
            DatasetError: there is no such clip, or its file is damaged.
        """
        clip = self.clip(clip_id)
        return read_motion(self._inside(MOTION_FOLDER, clip.motion), clip.num_frames)

    def places(self, clip_id: str) -> FramePlaces:
        """Where a clip's pictures lie in its shard.

        Raises:
            DatasetError: as `motion`.
        """
        clip = self.clip(clip_id)
        known = self._handles.places.get(clip_id)
        if known is None:
            known = read_places(self._inside(MOTION_FOLDER, clip.motion), clip.num_frames)
            if len(self._handles.places) < _MOST_PLACES:
                self._handles.places[clip_id] = known
        return known

    def shard_path(self, clip: ClipRecord) -> Path:
        """The clip's shard.

        Raises:
            DatasetError: it is missing, or a link that leads out of the dataset.
        """
        return self._inside(SHARD_FOLDER, clip.shard)

    def _picture(self, clip: ClipRecord, row: int) -> npt.NDArray[np.uint8]:
        if not 0 <= row < clip.num_frames:
            expected = f"a frame from 0 to {clip.num_frames - 1}"
            raise DatasetError(f"frame {row} is asked for", expected, "correct the frame", clip=clip.id)
        places = self.places(clip.id)
        offset, length = int(places.offsets[row]), int(places.lengths[row])
        path = self.shard_path(clip)
        picture = decode_picture(self._handles.read(path, offset, length))
        if picture is None or picture.shape != (self.size_px, self.size_px, 3):
            found = "no picture" if picture is None else f"a picture of {picture.shape[1]}x{picture.shape[0]}"
            raise DatasetError(
                f"there is {found} at byte {offset} of the shard",
                f"a picture of {self.size_px}x{self.size_px}",
                "run 'dpe dataset check' to see every fault; copy the dataset again or build it anew",
                clip=clip.id,
                path=path,
                frame=row,
            )
        return picture

    def _inside(self, folder: str, name: str) -> Path:
        """A file of the dataset. Names were checked with the index; links are followed only to within it."""
        path = self._root / folder / name
        if not path.resolve().is_relative_to(self._root):
            raise DatasetError(
                "the file is a link that leads out of the dataset",
                "files inside its folder",
                "copy the file in place of the link",
                path=path,
            )
        return path


class _Handles:
    """Files that this process holds open. After a fork the child starts anew: a shared file has one position."""

    def __init__(self) -> None:
        self.places: dict[str, FramePlaces] = {}
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()
        self._process = os.getpid()
        self._lock = threading.Lock()

    def close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()

    def __del__(self) -> None:
        self.close()

    def read(self, path: Path, offset: int, length: int) -> bytes:
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), threading.Lock()
            self.close()
        try:
            with self._lock:
                file = self._file(path)
                size = os.fstat(file.fileno()).st_size
                file.seek(min(offset, size))
                return file.read(min(length, size))
        except OSError as error:
            raise DatasetError(
                f"the shard cannot be read ({error.strerror or error})",
                "every shard that the index names",
                "copy the dataset again or build it anew",
                path=path,
            ) from error

    def _file(self, path: Path) -> BinaryIO:
        if path in self._open:
            self._open.move_to_end(path)
        else:
            while len(self._open) >= _MOST_OPEN:
                self._open.popitem(last=False)[1].close()
            self._open[path] = path.open("rb")
        return self._open[path]
