"""Which media frame an output frame shows, exactly, at any rate and speed.

The convention, for the whole toolkit: an output frame shows what is on screen at the moment at which it
begins. Frame i of a file is on screen from i to i + 1, counted in its frames. Played forwards, the moment i
belongs to frame i; played backwards, time runs down through a frame from its end to its start, so the moment
i belongs to frame i - 1. A file shown backwards thus shows the very frames that it shows forwards.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from dpe_toolkit.core.timing import Span

__all__ = ["ExactFraction", "FrameMap"]

ExactFraction = Annotated[
    Fraction,
    BeforeValidator(lambda value: Fraction(value) if isinstance(value, str | int | float) else value),
    PlainSerializer(str, return_type=str),
]
"""A fraction stored as text: ``30000/1001``."""


class FrameMap(BaseModel):
    """A straight line from output frames to positions in a media file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    start: ExactFraction
    """Position, in media frames, at the moment at which output frame 0 begins."""
    step: ExactFraction = Fraction(1)
    """Media frames that pass in one output frame: 1 frame by frame, 2 at double speed or half the rate, 0 for a
    freeze frame, below 0 backwards."""

    @property
    def is_plain(self) -> bool:
        """True where each output frame shows the next media frame."""
        return self.step == 1

    def position(self, frame: int) -> Fraction:
        """Position in media frames at which output frame ``frame`` begins."""
        return self.start + frame * self.step

    def frame(self, frame: int) -> int:
        """The media frame that output frame ``frame`` shows."""
        return _on_screen(self.position(frame).numerator, self.position(frame).denominator, self.step < 0)

    def frames(self, span: Span) -> tuple[int, ...]:
        """The media frame of each output frame of ``span``."""
        whole = lcm(self.start.denominator, self.step.denominator)
        start, step = int(self.start * whole), int(self.step * whole)
        return tuple(_on_screen(start + frame * step, whole, step < 0) for frame in span)

    def covers(self, num_frames: int) -> Span:
        """The run of media frames from the lowest to the highest that the first output frames show."""
        first, last = self.frame(0), self.frame(num_frames - 1)
        return Span(min(first, last), max(first, last) + 1)

    def later(self, frames: int) -> FrameMap:
        """The same line, counted from an output frame on."""
        return FrameMap(start=self.position(frames), step=self.step)


def _on_screen(numerator: int, denominator: int, backwards: bool) -> int:
    return -(-numerator // denominator) - 1 if backwards else numerator // denominator
