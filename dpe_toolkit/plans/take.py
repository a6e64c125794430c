"""A take: what a plan shows of one clip on one line of time, prepared and read as one wherever parts of it are seen."""

from __future__ import annotations

from fractions import Fraction

from pydantic import Field

from dpe_toolkit.core.framemap import ExactFraction, FrameMap
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.media import MediaPlan
from dpe_toolkit.plans.problems import Frozen

__all__ = ["Take"]


class Take(Frozen):
    """Media frames on one line of time, with what is done to them.

    An edit is made on the media's own frames, in media time; speed and rate come after it. The *rows* of a take are
    the media frames from the lowest to the highest that it shows, each once, or one row for each of its output frames
    where `held_rate` says so. What is estimated over a take (neutral face, smoothing, donors, windows) is estimated
    over all of its rows, however little of it a plan shows, so that a part renders as it does in the whole.
    """

    id: str = Field(min_length=1)
    """Which take it is, in its plan and in those made of it."""
    name: str
    """Of its clip, and of the shots that show it alone."""
    source: MediaPlan
    num_frames: int = Field(gt=0)
    """Output frames that it lasts."""
    time: FrameMap
    """Position in the media of each of its output frames."""
    held_rate: ExactFraction | None = None
    """Rows a second where one media frame is held while its driver moves on: a row for each output frame, all of
    that media frame. None elsewhere."""
    edit: EditPlan | None = None
    clip_index: int | None = None
    """Which clip of the timeline it shows, counted in reading order, disabled ones included; None where that is not
    known."""

    @property
    def source_span(self) -> Span:
        """Media frames from the lowest to the highest shown."""
        return self.time.covers(self.num_frames)

    @property
    def rows(self) -> Span:
        """Its rows, from 0."""
        return Span(0, self.num_frames if self.held_rate is not None else len(self.source_span))

    @property
    def row_rate(self) -> Fraction:
        """Rows in one second of the driver's counterpart: the media's rate, or that of a held frame."""
        return self.source.rate if self.held_rate is None else self.held_rate

    def media_frames(self, frames: Span) -> tuple[int, ...]:
        """The media frame of each of these output frames, counted from the take's first."""
        return self.time.frames(frames)

    def shown_rows(self, frames: Span) -> tuple[int, ...]:
        """The row of each of these output frames, counted from the take's first."""
        if self.held_rate is not None:
            return tuple(frames)
        first = self.source_span.start
        return tuple(frame - first for frame in self.time.frames(frames))

    def edit_from(self, row: int) -> EditPlan | None:
        """The edit, with the driver's time at a row as that of its start."""
        if self.edit is None or row == 0:
            return self.edit
        moved_s = row / self.row_rate * self.edit.retime
        return self.edit.model_copy(update={"driver_start_s": self.edit.driver_start_s + moved_s})
