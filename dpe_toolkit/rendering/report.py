"""What a render gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.plans.model import ShotPlan
from dpe_toolkit.rendering.record import ShotRecord

__all__ = ["RenderReport", "RenderedFrame"]


@dataclass(frozen=True, slots=True)
class RenderReport:
    """A finished render."""

    output: Path
    edits: Path
    """The record of what was edited."""
    num_frames: int
    analysis_s: float
    """Wall time of analysis and mixing."""
    render_s: float
    """Wall time of rendering and encoding."""
    shots: tuple[ShotRecord, ...]
    """The edited shots."""
    num_passed: int = 0
    """Frames that were copied as they are stored."""

    @property
    def frames_per_s(self) -> float:
        """Output frames for each second of the whole, analysis included."""
        return self.num_frames / max(self.analysis_s + self.render_s, 1e-9)


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """One output frame, before and after."""

    shot: ShotPlan
    source: FrameBatch
    """One frame, as decoded."""
    result: FrameBatch
    """One frame, as rendered; the same object as ``source`` where nothing is edited."""
    amount: float
    """Cross-fade of the edit, 0 to 1."""
    source_landmarks_px: npt.NDArray[np.float32] | None
    """(P, 3) the source's mesh in frame pixels; None where nothing is edited."""
    result_landmarks_px: npt.NDArray[np.float32] | None
    """(P, 3) the edited mesh in frame pixels."""
