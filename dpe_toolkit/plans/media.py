"""The media of a plan, as their headers describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from dpe_toolkit.core.framemap import ExactFraction
from dpe_toolkit.plans.problems import Frozen

__all__ = ["MediaPlan", "MissingImages"]

MissingImages = Literal["error", "hold", "black"]


class MediaPlan(Frozen):
    """One media file, as its headers describe it."""

    path: Path
    digest: str
    """``sha256:`` and the hex digest of the file's bytes."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    num_frames: int = Field(gt=0)
    rate: ExactFraction
    start_frame: int = 0
    """Frame number of the media's start timecode."""
    pixel_format: str = ""
    has_audio: bool = False
    missing_images: MissingImages | None = None
    """Of an image sequence: what is shown for an image that is not there. None for a file."""
