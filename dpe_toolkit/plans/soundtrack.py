"""What is heard in an output: stretches of files at exact times, in tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dpe_toolkit.core.framemap import ExactFraction

__all__ = ["SoundPart", "SoundTrack", "keep_sound"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class SoundPart(_Model):
    """A stretch of one audio stream of a file."""

    path: Path
    digest: str = ""
    """``sha256:`` and the hex digest of the file's bytes."""
    stream: int = Field(default=0, ge=0)
    """0-based among the file's audio streams."""
    record_s: ExactFraction
    """Seconds from the timeline's first frame."""
    duration_s: ExactFraction
    start_s: ExactFraction
    """Time of the file, from its first frame, at ``record_s``."""
    speed: ExactFraction = Fraction(1)
    """Seconds of the file that pass in one of the timeline; below 0 backwards, never 0."""
    fade: tuple[ExactFraction, ExactFraction] = (Fraction(1), Fraction(1))
    """Share of it at its begin and its end, in [0, 1], in a straight line between: less than 1 in a cross-fade."""

    @property
    def stop_s(self) -> Fraction:
        """Seconds from the timeline's first frame at which it ends."""
        return self.record_s + self.duration_s

    def cut(self, first_s: Fraction, stop_s: Fraction) -> SoundPart | None:
        """What lies between two times, None where nothing does."""
        begin, end = max(self.record_s, first_s), min(self.stop_s, stop_s)
        if begin >= end:
            return None
        if (begin, end) == (self.record_s, self.stop_s):
            return self
        return self.model_copy(
            update={
                "record_s": begin,
                "duration_s": end - begin,
                "start_s": self.start_s + (begin - self.record_s) * self.speed,
                "fade": (self.share(begin), self.share(end)),
            }
        )

    def share(self, moment_s: Fraction) -> Fraction:
        """Share of it at a time inside it."""
        return self.fade[0] + (self.fade[1] - self.fade[0]) * (moment_s - self.record_s) / self.duration_s

    def without(self, first_s: Fraction, stop_s: Fraction) -> list[SoundPart]:
        """What lies before and behind a stretch of time."""
        kept = (self.cut(self.record_s, first_s), self.cut(stop_s, self.stop_s))
        return [part for part in kept if part is not None]

    def shift(self, seconds: Fraction) -> SoundPart:
        """The same, later."""
        return self.model_copy(update={"record_s": self.record_s + seconds})


class SoundTrack(_Model):
    """One track: parts that may overlap."""

    name: str = ""
    parts: tuple[SoundPart, ...] = ()


def keep_sound(
    tracks: Iterable[SoundTrack], stretches: Sequence[tuple[Fraction, Fraction, Fraction]]
) -> tuple[SoundTrack, ...]:
    """The tracks with only some stretches of time, each moved.

    Args:
        tracks: what is heard.
        stretches: begin and end, and how much later each comes to lie, in seconds.
    """
    return tuple(
        track.model_copy(
            update={
                "parts": tuple(
                    cut.shift(later_s)
                    for first_s, stop_s, later_s in stretches
                    for part in track.parts
                    if (cut := part.cut(first_s, stop_s)) is not None
                )
            }
        )
        for track in tracks
    )
