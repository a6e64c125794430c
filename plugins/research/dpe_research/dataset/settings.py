"""What decides how clips are found and which are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.api import ComponentChoice

__all__ = ["BuildSettings"]


class BuildSettings(BaseModel):
    """All of it. Two runs into one folder must agree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_px: int = Field(default=256, ge=32, le=1024)
    """Side of the pictures; the network's."""
    margin: float = Field(default=0.3, ge=0, le=1)
    """What the box adds on each side, as a share of what the face covers through the clip. # DPE differs: 0.1 of a
    box that holds the whole head; the mesh's box ends at the forehead."""
    min_face_px: int = Field(default=128, ge=16)
    """Face size (longer side of the mesh's box, median) below which a clip is too small."""
    min_frames: int = Field(default=48, ge=1)
    max_frames: int = Field(default=1024, ge=2)
    """A longer clip is split. Source of the value: the preparation of VoxCeleb for first-order motion models."""
    max_yaw_deg: float = Field(default=60.0, gt=0, le=90)
    max_pitch_deg: float = Field(default=40.0, gt=0, le=90)
    max_travel: float = Field(default=1.8, ge=1.05, le=4)
    """How large the area that the face covers may grow through a clip, in face sizes; then a new clip begins."""
    max_blur: float = Field(default=0.65, ge=0, le=1)
    """Blur (0 sharp, 1 flat) of the face from which on a clip is blurred. Nine sharp clips measured 0.43 to 0.53, the
    same under a Gaussian of 1 px 0.52 to 0.62, of 2 px 0.63 to 0.73."""
    bridge_frames: int = Field(default=4, ge=0, le=50)
    """A face that is unseen for no longer is interpolated, with score 0."""
    stretch_frames: int = Field(default=3000, ge=100)
    """Longer videos are worked on in pieces of about this length; clips end where pieces do."""
    test_share: float = Field(default=0.1, ge=0, le=1)
    pictures: Literal["jpg", "png"] = "jpg"
    shard_bytes: int = Field(default=256 * 2**20, ge=1024)
    detector: ComponentChoice
    regressor: ComponentChoice | None = None
    """Who reads pose and place; None computes them from the tracked mesh."""
