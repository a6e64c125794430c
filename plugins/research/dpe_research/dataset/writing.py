"""Writing a dataset: clip by clip from any number of processes, then put together in one order.

While it is made, a clip is three files in ``work``: its part of a shard, its motion, and its record, which comes
last and makes it count. `DatasetWriter.finish` strings the parts together in the order of clip ids. What the
folder holds in the end therefore depends on neither the number of processes nor on where a run was killed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from dpe_research.dataset.drafts import ClipDraft, StoredClip, check_draft
from dpe_research.dataset.index import INDEX_NAME, ClipRecord, DatasetIndex, DroppedClip, Kind, read_index
from dpe_research.dataset.merging import MergePlan, carry_out, plan_merge, read_work, write_whole
from dpe_research.dataset.motion import ClipMotion, motion_bytes
from dpe_research.dataset.shards import PictureFormat, RgbPicture, write_clip
from dpe_toolkit.api import DatasetError
from dpe_toolkit.api.footage import written_whole

__all__ = ["WORK_NAME", "DatasetWriter"]

WORK_NAME = "work"
_MERGE_NAME = "merge.json"
_SETTINGS_NAME = "settings.json"


class _Settings(BaseModel):
    """What must not change between the runs that make one dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["video", "synthetic"]
    size_px: int
    pictures: PictureFormat
    shard_bytes: int


class DatasetWriter:
    """Adds clips to the dataset in a folder. Any number of writers, in any processes, may add at once.

    Clips of an earlier, finished or interrupted run stay, and new ones go into new shards.

    Args:
        folder: the dataset; made where it is missing.
        kind: what the dataset holds.
        size_px: side of its pictures.
        pictures: how they are stored.
        shard_bytes: a shard is closed when it has reached this size.

    Raises:
        DatasetError: the folder holds something else, or a dataset begun with other settings.
    """

    def __init__(
        self,
        folder: Path,
        kind: Kind,
        size_px: int,
        *,
        pictures: PictureFormat = "jpg",
        shard_bytes: int = 256 * 2**20,
    ) -> None:
        self.folder = folder
        self.size_px = size_px
        self._pictures: PictureFormat = pictures
        self._shard_bytes = shard_bytes
        self._work = folder / WORK_NAME
        settings = _Settings(kind=kind, size_px=size_px, pictures=pictures, shard_bytes=shard_bytes)
        self._index = _begin(folder, self._work, settings)
        self._known = {clip.id for clip in self._index.clips} | self._merging().ids
        self._dropped = {clip.id for clip in self._index.dropped}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finishes the dataset where nothing went wrong; otherwise what was added is kept for the next run."""
        if kind is None:
            self.finish()

    def has(self, clip_id: str) -> bool:
        """True where the clip was added or dropped, in this run or an earlier one."""
        if clip_id in self._known or clip_id in self._dropped:
            return True
        return any((self._work / f"{clip_id}{suffix}").is_file() for suffix in (".clip", ".dropped"))

    def add(self, draft: ClipDraft, pictures: Iterable[RgbPicture], motion: ClipMotion) -> None:
        """Adds a clip; nothing is done where it is there already.

        Args:
            draft: what the clip is.
            pictures: its T pictures, (S, S, 3) uint8 RGB, taken one at a time.
            motion: what its face does, T frames.

        Raises:
            DatasetError: the pictures are of another size or number than the motion says.
        """
        if self.has(draft.id):
            return
        check_draft(draft, motion)
        with written_whole(self._work / f"{draft.id}.tar") as part, part.open("wb") as file:
            sized = _of_size(pictures, self.size_px, len(motion), draft)
            stored = write_clip(file, sized, clip=draft.id, identity=draft.identity, form=self._pictures)
        write_whole(self._work / f"{draft.id}.npz", motion_bytes(motion, stored.places))
        entry = StoredClip(draft=draft, num_frames=len(motion), num_bytes=stored.num_bytes)
        write_whole(self._work / f"{draft.id}.clip", entry.model_dump_json().encode())

    def drop(self, dropped: DroppedClip) -> None:
        """Notes that a stretch of footage was looked at and left out, and why."""
        if not self.has(dropped.id):
            write_whole(self._work / f"{dropped.id}.dropped", dropped.model_dump_json().encode())

    def finish(self) -> DatasetIndex:
        """Puts everything that was added together and writes the index. Call it once, when no writer adds any more.

        Raises:
            DatasetError: a clip's files in ``work`` are damaged.
        """
        for plan in self._merges():
            clips = carry_out(plan, self.folder, self._work)
            self._index = _joined(self._index, clips, plan.dropped)
            write_whole(self.folder / INDEX_NAME, self._index.to_json().encode())
            self._forget(plan)
        if not (self.folder / INDEX_NAME).exists():  # Nothing was added.
            write_whole(self.folder / INDEX_NAME, self._index.to_json().encode())
        shutil.rmtree(self._work, ignore_errors=True)
        self._known = {clip.id for clip in self._index.clips}
        self._dropped = {clip.id for clip in self._index.dropped}
        return self._index

    def _merges(self) -> Iterator[MergePlan]:
        """The merge that was interrupted, then that of what was added since."""
        if (self._work / _MERGE_NAME).is_file():
            yield self._merging()
        added = [read_work(path, StoredClip) for path in sorted(self._work.glob("*.clip"))]
        dropped = [read_work(path, DroppedClip) for path in sorted(self._work.glob("*.dropped"))]
        if added or dropped:
            first = 1 + max((int(clip.shard[6:-4]) for clip in self._index.clips), default=-1)
            plan = plan_merge(added, dropped, first_shard=first, shard_bytes=self._shard_bytes)
            write_whole(self._work / _MERGE_NAME, plan.model_dump_json().encode())
            yield plan

    def _forget(self, plan: MergePlan) -> None:
        """Deletes what is now in the index: the plan last, by which an interrupted run knows of it."""
        for dropped in plan.dropped:
            (self._work / f"{dropped.id}.dropped").unlink(missing_ok=True)
        (self._work / _MERGE_NAME).unlink()
        for shard, _ in plan.shards:
            (self._work / f"{shard}.records").unlink(missing_ok=True)

    def _merging(self) -> MergePlan:
        path = self._work / _MERGE_NAME
        return read_work(path, MergePlan) if path.is_file() else MergePlan()


def _begin(folder: Path, work: Path, settings: _Settings) -> DatasetIndex:
    """The index as it stands, with the work folder made."""
    fresh = DatasetIndex(kind=settings.kind, size_px=settings.size_px)
    index = read_index(folder) if (folder / INDEX_NAME).exists() else fresh
    path = work / _SETTINGS_NAME
    if path.is_file():
        begun = read_work(path, _Settings)
    else:
        begun = settings.model_copy(update={"kind": index.kind, "size_px": index.size_px})
        if index is fresh and folder.is_dir() and any(entry.name != WORK_NAME for entry in folder.iterdir()):
            raise DatasetError(
                "the folder holds other files",
                "a new or empty folder, or a dataset",
                "name another folder",
                path=folder,
            )
    if begun != settings:
        raise DatasetError(
            f"the dataset was begun with {_words(begun)}, not {_words(settings)}",
            "the same settings as before",
            "name another folder, or give the settings that it was begun with",
            path=folder,
        )
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"the folder cannot be made ({error.strerror or error})",
            "a folder that can be written",
            "choose another, or change its permissions",
            path=folder,
        ) from error
    if not path.is_file():
        write_whole(path, settings.model_dump_json().encode())
    return index


def _words(settings: _Settings) -> str:
    return f"kind {settings.kind}, {settings.size_px} px {settings.pictures}, shards of {settings.shard_bytes} bytes"


def _of_size(pictures: Iterable[RgbPicture], size_px: int, count: int, draft: ClipDraft) -> Iterator[RgbPicture]:
    seen = 0
    for seen, picture in enumerate(pictures, 1):
        if picture.shape != (size_px, size_px, 3) or seen > count:
            wrong = f"picture {seen - 1} is {picture.shape}" if seen <= count else "there are more pictures than motion"
            raise _misfit(wrong, size_px, count, draft)
        yield picture
    if seen < count:
        raise _misfit(f"there are {seen} pictures", size_px, count, draft)


def _misfit(wrong: str, size_px: int, count: int, draft: ClipDraft) -> DatasetError:
    expected = f"{count} pictures of ({size_px}, {size_px}, 3), as the motion and the dataset say"
    return DatasetError(wrong, expected, "give each frame of the motion its picture", clip=draft.id)


def _joined(index: DatasetIndex, clips: Iterable[ClipRecord], dropped: Iterable[DroppedClip]) -> DatasetIndex:
    known = {clip.id for clip in index.clips}
    left_out = {clip.id for clip in index.dropped}
    return DatasetIndex(
        kind=index.kind,
        size_px=index.size_px,
        clips=(*index.clips, *(clip for clip in clips if clip.id not in known)),
        dropped=(*index.dropped, *(clip for clip in dropped if clip.id not in left_out)),
    )
