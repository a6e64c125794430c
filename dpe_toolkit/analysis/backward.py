"""Faces followed backward in time, into frames in which a detector that goes forward had not met them yet.

A small or turned face is often found late, and from there on followed with ease. Followed from its first
sighting to earlier frames it is found in those too.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from dpe_toolkit.analysis.association import box_overlap
from dpe_toolkit.analysis.detect import DetectBatch, FrameSource
from dpe_toolkit.analysis.tracks import find_people
from dpe_toolkit.core.timing import Span
from dpe_toolkit.face.tracks import Detections

__all__ = ["follow_backward"]

_BLOCK = 16
"""Frames decoded at once: each block may cost a seek."""
_SAME = 0.3
"""Overlap from which on two boxes of one frame are the same face."""


def follow_backward(
    reader: FrameSource, span: Span, found: Sequence[Detections], rate: Fraction, detect: DetectBatch
) -> list[Detections]:
    """``found``, with what is seen of each person before he was first seen, or seen again.

    A stretch is given up at the first block of frames that shows nobody new, so that a person who walks
    in costs one block.

    Args:
        reader: the clip.
        span: its frames that were looked at.
        found: T frames' faces.
        rate: frames a second.
        detect: gives the faces of a batch, the later frame first.
    """
    filled = list(found)
    for stretch in _missing_stretches(found, rate):
        stop = stretch.stop
        while stop > stretch.start:
            block = Span(max(stretch.start, stop - _BLOCK), stop)
            latest_first = np.arange(len(block))[::-1]
            seen = detect(reader.read(block.shift(span.start)).take(latest_first), filled[block.stop])
            known = filled[block.start : block.stop]
            joined = [_join(*pair) for pair in zip(known, reversed(seen), strict=True)]
            if sum(map(len, joined)) == sum(map(len, known)):
                break
            filled[block.start : block.stop] = joined
            stop = block.start
    return filled


def _missing_stretches(found: Sequence[Detections], rate: Fraction) -> list[Span]:
    """Runs of rows in which a person is unseen and behind which he is seen, the latest first."""
    stretches: set[Span] = set()
    for person in find_people(found, rate):
        before = -1
        for row in person.rows:
            if row > before + 1:
                stretches.add(Span(before + 1, row))
            before = row
    return sorted(stretches, key=lambda one: (one.stop, one.start), reverse=True)


def _join(known: Detections, further: Detections) -> Detections:
    """The faces of both, where both have one that of ``known``."""
    new = [
        i for i, box in enumerate(further.boxes_px) if all(box_overlap(box, other) < _SAME for other in known.boxes_px)
    ]
    if not new:
        return known
    return Detections(
        *(
            np.concatenate([getattr(known, name), getattr(further, name)[new]])
            for name in ("boxes_px", "landmarks_px", "scores", "blendshapes")
        )
    )
