"""Which moment of the driver each row of a shot shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dpe_toolkit.core.errors import RenderError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.take import Take

__all__ = ["DriverMap", "driver_spans", "map_driver", "smoothstep"]

BLOCK_S = 5
"""What is analysed of a driver begins and ends at multiples of this, or where he ends."""
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class DriverMap:
    """Positions in the driver's media, one for each row of the shot."""

    frames: npt.NDArray[np.float64]
    """(T,) fractional frame, inside the media."""
    covered: npt.NDArray[np.bool_]
    """(T,) False where the driver has ended and the shot wants to be passed through."""
    closing: npt.NDArray[np.float64]
    """(T,) in [0, 1]: share of the driver's first frame, which a loop eases into at its end."""


def smoothstep(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """0 to 1 with flat ends, clamped."""
    x = np.clip(share, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x), np.float64)


def map_driver(shot: Take, edit: EditPlan, rate: Fraction) -> DriverMap:
    """Driver positions by seconds, one for each row, so that neither rate nor retime makes motion judder.

    A loop wraps at the end of the driver's file to its start, not to ``driver_start_s``: that differs
    between a shot and its trimmed parts.

    Args:
        shot: the take.
        edit: its edit.
        rate: rows a second.

    Raises:
        RenderError: the driver is too short and the shot says that this is an error.
    """
    media = edit.driver
    first = edit.driver_start_s * media.rate
    step = edit.retime * media.rate / rate
    exact = float(first) + np.arange(len(shot.rows)) * float(step)
    whole = np.round(exact)
    frames = np.where(np.abs(exact - whole) < _EXACT, whole, exact)
    # A map that begins inside of a frame of the source may begin before the driver's first by less than a frame.
    frames = np.where((frames > -1) & (frames < 0), 0, frames)
    short = (frames < 0) | (frames >= media.num_frames)
    if edit.when_short == "error" and short.any():
        raise _too_short(shot, edit, float(frames[short][0] / float(media.rate)))
    closing = np.zeros(len(frames))
    if edit.when_short == "loop" and short.any():
        frames = np.mod(frames, media.num_frames)
        ease = max(1, min(edit.fade_frames, media.num_frames // 4))
        closing = smoothstep((frames - (media.num_frames - 1 - ease)) / (ease + 1))
    covered = ~short if edit.when_short == "passthrough" else np.ones(len(frames), np.bool_)
    return DriverMap(np.clip(frames, 0, media.num_frames - 1), covered, closing)


def driver_spans(mapping: DriverMap, edit: EditPlan) -> tuple[Span, Span]:
    """Media frames to analyse, and those among them that the shot shows.

    Whole blocks of `BLOCK_S` are analysed: a shot of a few seconds does not pay for a driver of minutes,
    shots that show the same blocks share one analysis, and a neutral face is estimated from `BLOCK_S` at
    least wherever the file is that long.
    """
    media = edit.driver
    stop = min(math.ceil(float(mapping.frames.max())) + 1, media.num_frames)
    used = Span(0 if mapping.closing.any() else int(mapping.frames.min()), stop)
    first, last = used.start, used.stop - 1
    if edit.driver_neutral_frame is not None:
        first, last = min(first, edit.driver_neutral_frame), max(last, edit.driver_neutral_frame)
    block = max(1, round(BLOCK_S * media.rate))
    wanted = Span(first // block * block, min((last // block + 1) * block, media.num_frames))
    if len(wanted) < block:
        # The file's last block is shorter: the one before it is taken too.
        wanted = Span(max(0, wanted.start - block), wanted.stop)
    return wanted, used


def _too_short(shot: Take, edit: EditPlan, at_s: float) -> RenderError:
    held_s = float(edit.driver.num_frames / edit.driver.rate)
    return RenderError(
        f"the shot needs its driver at {at_s:.2f} s, which the driver does not have",
        f"a driver that covers the whole shot; this one is {held_s:.2f} s long",
        "shorten the shot, start the driver earlier, or set when_short to hold, loop or passthrough",
        clip=shot.name,
        path=edit.driver.path,
    )
