"""Stringing the clips of a work folder together into shards, so that a killed run can go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dpe_research.dataset.drafts import StoredClip
from dpe_research.dataset.index import ClipRecord, DroppedClip
from dpe_research.dataset.motion import FramePlaces, motion_bytes, read_motion, read_places
from dpe_research.dataset.shards import END_OF_SHARD, shard_name
from dpe_toolkit.api import DatasetError
from dpe_toolkit.api.footage import written_whole

__all__ = ["MOTION_FOLDER", "SHARD_FOLDER", "MergePlan", "carry_out", "plan_merge", "read_work", "write_whole"]

SHARD_FOLDER = "shards"
MOTION_FOLDER = "motion"
M = TypeVar("M", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MergePlan(_Frozen):
    """Which clips of the work folder go into which shard. It is written down before the first shard is made."""

    shards: tuple[tuple[str, tuple[StoredClip, ...]], ...] = ()
    dropped: tuple[DroppedClip, ...] = ()

    @property
    def ids(self) -> set[str]:
        """Every clip that the plan is about."""
        return {clip.draft.id for _, clips in self.shards for clip in clips} | {clip.id for clip in self.dropped}


class _Records(_Frozen):
    clips: tuple[ClipRecord, ...]


def plan_merge(
    added: Iterable[StoredClip], dropped: Iterable[DroppedClip], *, first_shard: int, shard_bytes: int
) -> MergePlan:
    """The clips in the order of their ids, a new shard begun whenever one has reached ``shard_bytes``."""
    shards: list[tuple[str, list[StoredClip]]] = []
    filled = shard_bytes
    for clip in sorted(added, key=lambda one: one.draft.id):
        if filled >= shard_bytes:
            shards.append((shard_name(first_shard + len(shards)), []))
            filled = 0
        shards[-1][1].append(clip)
        filled += clip.num_bytes
    kept = tuple((name, tuple(clips)) for name, clips in shards)
    return MergePlan(shards=kept, dropped=tuple(sorted(dropped, key=lambda one: one.id)))


def carry_out(plan: MergePlan, folder: Path, work: Path) -> list[ClipRecord]:
    """Makes the shards that are not there yet and gives the records of all clips. A clip's parts are deleted behind it.

    Raises:
        DatasetError: a part is damaged.
    """
    for name in (SHARD_FOLDER, MOTION_FOLDER):
        (folder / name).mkdir(exist_ok=True)
    records: list[ClipRecord] = []
    for shard, clips in plan.shards:
        done = work / f"{shard}.records"
        if not done.is_file():
            made = _Records(clips=tuple(_make_shard(folder / SHARD_FOLDER / shard, clips, folder, work)))
            write_whole(done, made.model_dump_json().encode())
        records += read_work(done, _Records).clips
        _clear(clips, work)
    return records


def _clear(clips: Iterable[StoredClip], work: Path) -> None:
    for clip in clips:
        for suffix in (".clip", ".npz", ".tar"):
            (work / f"{clip.draft.id}{suffix}").unlink(missing_ok=True)


def _make_shard(path: Path, clips: Sequence[StoredClip], folder: Path, work: Path) -> list[ClipRecord]:
    records: list[ClipRecord] = []
    with written_whole(path) as part, part.open("wb") as file:
        for clip in clips:
            start = file.tell()
            content = _part_of(work / f"{clip.draft.id}.tar", clip)
            file.write(content)
            motion = _placed_motion(work / f"{clip.draft.id}.npz", clip.num_frames, start)
            write_whole(folder / MOTION_FOLDER / f"{clip.draft.id}.npz", motion)
            digest = hashlib.sha256(content + motion).hexdigest()
            records.append(
                ClipRecord(
                    **dict(clip.draft),
                    shard=path.name,
                    motion=f"{clip.draft.id}.npz",
                    num_frames=clip.num_frames,
                    digest=f"sha256:{digest}",
                )
            )
        file.write(END_OF_SHARD)
    return records


def _part_of(path: Path, clip: StoredClip) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged_work(path) from error
    if len(content) != clip.num_bytes:
        raise _damaged_work(path)
    return content


def _placed_motion(path: Path, num_frames: int, start: int) -> bytes:
    """The motion file, with places counted from the start of the shard."""
    places = read_places(path, num_frames)
    return motion_bytes(read_motion(path, num_frames), FramePlaces(places.offsets + start, places.lengths))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file in one step.

    Raises:
        MediaError: the folder cannot be written.
    """
    with written_whole(path) as part:
        part.write_bytes(content)


def read_work(path: Path, model: type[M]) -> M:
    """A file of the work folder.

    Raises:
        DatasetError: it is damaged.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _damaged_work(path) from error


def _damaged_work(path: Path) -> DatasetError:
    return DatasetError(
        "a file of the unfinished dataset is damaged",
        "what an interrupted run left",
        f"delete the folder {path.parent.name!r} and run the command again; finished shards are kept",
        path=path,
    )
