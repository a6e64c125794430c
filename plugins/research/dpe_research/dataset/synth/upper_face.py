"""What the activities of brows and lids do to the vertices: handles and what holds still.

Source: our choice, drawn after what the activity looks like in people.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_toolkit.api.face import BROWS, EYE_RINGS, FACE_OVAL, LID_PAIRS, LIP_RINGS

__all__ = ["UPPER_FACE"]

FloatArray = npt.NDArray[np.float64]
Move = tuple[float, float, float]
_LEFT_EYE = np.array([3.16, -2.62])


def _put(target: FloatArray, moves: dict[int, Move]) -> FloatArray:
    for vertex, move in moves.items():
        target[vertex] = move
    return target


def _upper_face() -> FloatArray:
    """Free in forehead and brows, held at the lids and below, and on the border."""
    x, y = face_mesh().neutral[:, 0], face_mesh().neutral[:, 1]
    target = np.where(((y < -3.2) & (np.abs(x) < 6.9))[:, None], np.nan, 0.0) * np.ones(3)
    target[FACE_OVAL] = target[EYE_RINGS] = 0
    return target


def _brow(side: int, rises: tuple[float, ...], inward: float = 0.0) -> FloatArray:
    """Moves one brow down by ``rises`` centimetres (up where negative), temple to nose."""
    target = _upper_face()
    sign = 1 if side else -1
    for (upper, lower), rise in zip(BROWS[side], rises, strict=True):
        target[upper] = target[lower] = (-sign * inward * abs(rise), rise, 0.25 * rise)
    other = face_mesh().neutral[:, 0] * sign < -0.6
    target[other] = 0
    return target


def _brow_down() -> FloatArray:
    return _put(_brow(1, (0.15, 0.35, 0.55, 0.68, 0.72), 0.35), {9: (0.0, 0.18, 0.0), 8: (0.0, 0.12, -0.02)})


def _brow_outer_up() -> FloatArray:
    return _brow(1, (-0.75, -1.0, -0.95, -0.5, -0.15))


def _brow_inner_up() -> FloatArray:
    target = _upper_face()
    for side in range(2):
        for (upper, lower), rise in zip(BROWS[side], (0.0, -0.1, -0.45, -0.85, -1.0), strict=True):
            target[upper] = target[lower] = ((-0.08 if side else 0.08) * -rise, rise, 0.15 * rise)
    return _put(target, {9: (0.0, -0.45, -0.03), 8: (0.0, -0.25, 0.0), 151: (0, -0.2, 0)})


def _around_eye(reach: tuple[float, float] = (2.0, 1.15)) -> FloatArray:
    """Free in an ellipse around the left eye but for the brow, held elsewhere; the ring keeps its place."""
    mesh = face_mesh()
    apart = (mesh.neutral[:, :2] - _LEFT_EYE) / reach
    target = np.where(((apart**2).sum(1) < 1)[:, None], np.nan, 0.0) * np.ones(3)
    target[BROWS[1]] = target[BROWS[1, :, 1]] = target[EYE_RINGS[1]] = 0
    return target


def _blink() -> FloatArray:
    mesh, target = face_mesh(), _around_eye()
    for upper, lower in LID_PAIRS[1]:
        meeting = mesh.neutral[lower] + 0.12 * (mesh.neutral[upper] - mesh.neutral[lower])
        target[upper] = meeting + (0, 0.03, -0.04) - mesh.neutral[upper]
        target[lower] = meeting - mesh.neutral[lower]
    return target


def _lids(up: float, down: float) -> FloatArray:
    """Moves the lids along y, least at the corners."""
    target = _around_eye()
    for pair, share in zip(LID_PAIRS[1], (0.4, 0.75, 0.95, 1.0, 1.0, 0.8, 0.5), strict=True):
        target[pair[0]] = (0, up * share, 0)
        target[pair[1]] = (0, down * share, 0)
    return target


def _wide() -> FloatArray:
    return _lids(-0.28, 0.1)


def _squint() -> FloatArray:
    return _lids(0.1, -0.24)


def _look_down() -> FloatArray:
    return _lids(0.36, 0.08)


def _look_up() -> FloatArray:
    return _lids(-0.1, -0.03)


def _cheek_squint() -> FloatArray:
    mesh = face_mesh()
    x, y = mesh.neutral[:, 0], mesh.neutral[:, 1]
    target = np.where(((x > 1.6) & (x < 6.6) & (y > -2.0) & (y < 3.2))[:, None], np.nan, 0.0) * np.ones(3)
    target[FACE_OVAL] = target[EYE_RINGS[1]] = target[LIP_RINGS] = 0
    return _put(target, {280: (0.0, -0.45, -0.3), 347: (0, -0.3, -0.15), 425: (0.0, -0.3, -0.2)})


UPPER_FACE: dict[str, Callable[[], FloatArray]] = {
    "browDownLeft": _brow_down,
    "browInnerUp": _brow_inner_up,
    "browOuterUpLeft": _brow_outer_up,
    "cheekSquintLeft": _cheek_squint,
    "eyeBlinkLeft": _blink,
    "eyeLookDownLeft": _look_down,
    "eyeLookUpLeft": _look_up,
    "eyeSquintLeft": _squint,
    "eyeWideLeft": _wide,
}
"""(468, 3) target of each activity, as `smooth_field` takes it; those of the left side stand for both."""
