"""What is known of a clip before it has a place in the dataset."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from dpe_research.dataset.index import ClipId, Named, Split
from dpe_research.dataset.motion import ClipMotion
from dpe_toolkit.api import DatasetError, ExactFraction

__all__ = ["ClipDraft", "StoredClip", "check_draft"]


class ClipDraft(BaseModel):
    """A clip that is to be added. Fields are those of `dpe_research.dataset.ClipRecord`."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    id: ClipId
    identity: Named
    split: Split
    rate: ExactFraction = Field(gt=0)
    source: Named
    source_start: int = Field(default=0, ge=0)
    box_px: tuple[float, float, float, float]
    grid: tuple[int, int] | None = None


class StoredClip(BaseModel):
    """A clip that lies in the work folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    draft: ClipDraft
    num_frames: int = Field(gt=0)
    num_bytes: int = Field(gt=0)


def check_draft(draft: ClipDraft, motion: ClipMotion) -> None:
    """Refuses what a later step could not store.

    Raises:
        DatasetError: the motion has no frames, or not those of the grid.
    """
    if draft.grid is not None and draft.grid[0] * draft.grid[1] != len(motion):
        wrong = f"the motion has {len(motion)} frames, the grid {draft.grid[0]} x {draft.grid[1]}"
    elif not len(motion):
        wrong = "the motion has no frames"
    else:
        return
    raise DatasetError(wrong, "one frame for each pose and expression", "correct the motion", clip=draft.id)
