"""Which sound goes under the picture: that of the sources, shot by shot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from dpe_toolkit.plan import RenderPlan
from dpe_toolkit.video import AudioSegment

__all__ = ["audio_segments"]


def audio_segments(plan: RenderPlan) -> list[AudioSegment]:
    """Segments as long as the picture, silence where a shot has no sound; none where no shot has any.

    Shots that go on in the same file are one segment, so that a cut without a jump is not heard and a
    file used whole can be copied.
    """
    parts: list[tuple[Path | None, Fraction, Fraction]] = []
    for shot in plan.shots:
        length_s = Fraction(shot.num_frames) / plan.rate
        media = shot.source if shot.source is not None and shot.source.has_audio else None
        path = None if media is None else media.path
        start_s = Fraction(0) if media is None else Fraction(shot.source_start) / media.rate
        if parts and parts[-1][0] == path and (path is None or parts[-1][1] + parts[-1][2] == start_s):
            parts[-1] = (path, parts[-1][1], parts[-1][2] + length_s)
        else:
            parts.append((path, start_s, length_s))
    if all(path is None for path, _, _ in parts):
        return []
    return [AudioSegment(path, start_s, length_s) for path, start_s, length_s in parts]
