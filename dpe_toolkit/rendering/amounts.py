"""How much of the edit each row shows: faded where a face is lost, a driver ends, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from dpe_toolkit.analysis import Gap, find_gaps
from dpe_toolkit.core.errors import AnalysisError
from dpe_toolkit.core.timing import Span
from dpe_toolkit.editing.keyframes import value_at
from dpe_toolkit.face.regions import REGIONS
from dpe_toolkit.face.tracks import FaceTrack
from dpe_toolkit.plans.edit import EditPlan
from dpe_toolkit.plans.take import Take
from dpe_toolkit.rendering.mapping import DriverMap, smoothstep

__all__ = ["Missing", "driver_usable", "fade", "keyed_rows", "keyed_values", "source_usable"]

SHORT_GAP_S = Fraction(1, 4)
"""Up to here a face is taken to have been there, unseen: a fade in and out would show more than the bridge."""
_SHORT_MOVE = 0.35
"""...unless it moved farther than this meanwhile, in face sizes, so that the bridge cannot be trusted."""
HOLD_GAP_S = Fraction(1)
"""Up to here ``missing_face = hold`` edits over a gap."""
_HOLD_MOVE = 1.0

Treatment = Literal["bridged", "passed through"]


@dataclass(frozen=True, slots=True)
class Missing:
    """A run of frames in which a face was not seen, and what was done about it."""

    role: Literal["source", "driver"]
    frames: Span
    """In the media."""
    treatment: Treatment


def fade(
    usable: npt.NDArray[np.bool_], fade_frames: int, *, starts_inside: bool = False, ends_inside: bool = False
) -> npt.NDArray[np.float64]:
    """(T,) 0 where not usable, rising to 1 over ``fade_frames`` rows on either side of that.

    An end of the shot is no reason to fade where there is a cut.

    Args:
        usable: (T,) rows that may be edited at all.
        fade_frames: length of the fade; 0 for none.
        starts_inside: the row before the first one is seen too, without the edit.
        ends_inside: the row behind the last one is.
    """
    if starts_inside or ends_inside:
        outside = np.pad(usable, 1)
        outside[[0, -1]] = not starts_inside, not ends_inside
        return fade(outside, fade_frames)[1:-1]
    rows = np.arange(len(usable), dtype=np.float64)
    never = float(len(usable) + fade_frames + 1)
    before = np.maximum.accumulate(np.where(usable, -never, rows))
    after = np.minimum.accumulate(np.where(usable, rows[-1] + never, rows)[::-1])[::-1]
    distance = np.minimum(rows - before, after - rows)
    return smoothstep(distance / (fade_frames + 1))


def keyed_values(edit: EditPlan, name: str, num_rows: int) -> npt.NDArray[np.float64]:
    """(T,) an amount, or the weight of a region, at each row."""
    keys = edit.keys.get(name, ())
    if keys:
        return np.array([value_at(keys, row) for row in range(num_rows)])
    plain = edit.regions.get(name, 1.0) if name in REGIONS else float(getattr(edit, name))
    return np.full(num_rows, plain)


def keyed_rows(edit: EditPlan, num_rows: int) -> npt.NDArray[np.bool_]:
    """(T,) False where keys leave nothing of the edit, so that the frame is passed through untouched."""
    if not edit.keys:
        return np.ones(num_rows, np.bool_)
    weights = np.stack([keyed_values(edit, region, num_rows) for region in REGIONS]).max(axis=0)
    expression = keyed_values(edit, "expression", num_rows) * weights
    return np.asarray((expression > 0) | (keyed_values(edit, "pose", num_rows) > 0))


def source_usable(
    track: FaceTrack, edit: EditPlan, rate: Fraction, shot: Take
) -> tuple[npt.NDArray[np.bool_], list[Missing]]:
    """(T,) rows whose face may be edited, and the gaps in the source.

    Gaps of at most `SHORT_GAP_S` over which the face hardly moved are edited on the bridged mesh;
    ``hold`` raises the bound to `HOLD_GAP_S`. A gap at an end of the shot has no bridge.

    Raises:
        AnalysisError: a face is missing and the shot says that this is an error.
    """
    usable = track.present.copy()
    missing: list[Missing] = []
    for gap in find_gaps(track):
        bridged = _bridges(gap, rate, hold=edit.missing_face == "hold")
        frames = gap.rows.shift(int(track.index[0]))
        if not bridged and edit.missing_face == "error":
            raise _missing(shot, frames)
        usable[gap.rows.start : gap.rows.stop] = bridged
        missing.append(Missing("source", frames, "bridged" if bridged else "passed through"))
    return usable, missing


def _bridges(gap: Gap, rate: Fraction, *, hold: bool) -> bool:
    bounds = [(SHORT_GAP_S, _SHORT_MOVE)] + ([(HOLD_GAP_S, _HOLD_MOVE)] if hold else [])
    return any(len(gap.rows) <= longest * rate and gap.moved <= farthest for longest, farthest in bounds)


def driver_usable(track: FaceTrack, mapping: DriverMap, rate: Fraction) -> tuple[npt.NDArray[np.bool_], list[Missing]]:
    """(T,) rows of the shot whose driver can be trusted, and the gaps in the driver that the shot meets.

    Args:
        track: the driver's face, D rows.
        mapping: of the shot's T rows.
        rate: frames a second of the driver.
    """
    start = int(track.index[0])
    trusted = track.present.copy()
    low = np.floor(mapping.frames).astype(np.int64) - start
    high = np.ceil(mapping.frames).astype(np.int64) - start
    missing: list[Missing] = []
    for gap in find_gaps(track):
        bridged = len(gap.rows) <= SHORT_GAP_S * rate and np.isfinite(gap.moved)
        trusted[gap.rows.start : gap.rows.stop] = bridged
        if ((high >= gap.rows.start) & (low < gap.rows.stop)).any():
            missing.append(Missing("driver", gap.rows.shift(start), "bridged" if bridged else "passed through"))
    return trusted[low] & trusted[high], missing


def _missing(shot: Take, frames: Span) -> AnalysisError:
    return AnalysisError(
        f"the face is not seen from frame {frames.start} to {frames.stop - 1}",
        "a face in every frame, as missing_face = error says",
        "set missing_face to passthrough or hold, or trim the shot",
        clip=shot.name,
        path=shot.source.path,
        frame=frames.start,
    )
