"""Files whose frames last differently long, seen at a constant rate: each frame is shown for as long as it lasts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from dpe_toolkit.core.timing import snap_rate
from dpe_toolkit.media.index import FrameIndex

__all__ = ["conformed"]

_USUAL = tuple(Fraction(*rate) for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1)))
_USUAL += (Fraction(60000, 1001), Fraction(60))
_NEAR = Fraction(1, 100)


def conformed(index: FrameIndex, time_base: Fraction) -> tuple[FrameIndex, Fraction]:
    """The index with, for every frame at a constant rate, the stored frame that is on screen at its time.

    The rate is the one that most frames keep: that of the median duration, taken as the usual rate that lies
    within a hundredth of it, if one does. Frames that last longer are repeated, those in between are left out.

    Args:
        index: with times that tell frames apart, at least two.
        time_base: seconds in a tick of its times.
    """
    steps = np.diff(index.pts)
    usual = int(np.median(steps))
    measured = 1 / (usual * time_base)
    # The usual rates lie a thousandth apart: rounded times cannot tell 30 from 30000/1001, the long run can.
    near = [rate for rate in _USUAL if abs(rate - measured) <= measured * _NEAR]
    regular = steps[np.abs(steps - usual) <= max(1, usual // 50)]
    mean = 1 / (Fraction(int(regular.sum()), len(regular)) * time_base)
    rate = min(near, key=lambda one: abs(one - mean)) if near else snap_rate(measured)
    elapsed = index.pts - index.pts[0]
    num_frames = round(int(elapsed[-1]) * time_base * rate) + 1
    ticks_a_frame = 1 / (rate * time_base)
    # A frame counts from its start, give or take the rounding of its time to a tick.
    starts = np.array([round(number * ticks_a_frame) + 1 for number in range(num_frames)], np.int64)
    shown = np.searchsorted(elapsed, starts, side="right") - 1
    return replace(index, shown=shown.astype(np.int64)), rate
