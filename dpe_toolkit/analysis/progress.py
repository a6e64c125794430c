"""Who is told how far the work is."""

from __future__ import annotations

from typing import Literal, Protocol

__all__ = ["NO_PROGRESS", "ProgressSink", "Stage"]

Stage = Literal["source", "driver", "render", "evaluate"]
"""``source`` and ``driver``: a clip is analysed; ``render``: a shot is rendered; ``evaluate``: results are measured."""


class ProgressSink(Protocol):
    """Receives the progress of one stage after the other; stages do not overlap."""

    def started(self, stage: Stage, name: str, num_frames: int) -> None:
        """A stage begins on the clip or shot ``name``, with this many frames ahead."""
        ...

    def advanced(self, num_frames: int) -> None:
        """So many more frames of the stage are done."""
        ...

    def finished(self) -> None:
        """The stage ended well. It is not called where an error ended it."""
        ...


class _Silent:
    def started(self, stage: Stage, name: str, num_frames: int) -> None:
        """Ignored."""

    def advanced(self, num_frames: int) -> None:
        """Ignored."""

    def finished(self) -> None:
        """Ignored."""


NO_PROGRESS: ProgressSink = _Silent()
"""A sink for those who do not ask."""
