"""What the activities of mouth, jaw, cheeks and nose do to the vertices: handles and what holds still.

Source: our choice, drawn after what the activity looks like in people.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_toolkit.api.face import EYE_RINGS, FACE_OVAL, LIP_RINGS

__all__ = ["LOWER_FACE", "jaw_turn"]

FloatArray = npt.NDArray[np.float64]
Move = tuple[float, float, float]

_JAW_AXIS = np.array([0.0, 0.5, 1.5])
_JAW_RAD = math.radians(21)
_JAW_SLIDE = np.array([0.0, 0.55, -0.2])


def jaw_turn(points: FloatArray) -> FloatArray:
    """(V, 3) displacement of points fixed to the lower jaw when it opens fully."""
    c, s = math.cos(_JAW_RAD), math.sin(_JAW_RAD)
    arm = points - _JAW_AXIS
    turned = arm @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    return np.asarray(turned - arm + _JAW_SLIDE)


def _lower_face() -> FloatArray:
    """Free around the mouth and in the cheeks, held on the border, the nose and all above."""
    x, y = face_mesh().neutral[:, 0], face_mesh().neutral[:, 1]
    target = np.zeros_like(face_mesh().neutral)
    nose = (np.abs(x) < 1.9) & (y < 2.3)
    target[(y > -1.1) & ~nose & ~np.isin(np.arange(len(x)), FACE_OVAL)] = np.nan
    return target


def _lips(target: FloatArray, move: Callable[[float, int], Move]) -> FloatArray:
    """Sets the four rings of the lips.

    Args:
        target: changed and returned.
        move: from a column's x in units of the mouth's half width, and -1, 0, 1 for upper lip, corner, lower lip.
    """
    half = face_mesh().neutral[LIP_RINGS[3, 10], 0]
    for column in range(20):
        part = 0 if column in (0, 10) else (-1 if column < 10 else 1)
        x = float(face_mesh().neutral[LIP_RINGS[3, column], 0] / half)
        for ring in LIP_RINGS:
            target[ring[column]] = move(x, part)
    return target


def _put(target: FloatArray, moves: dict[int, Move]) -> FloatArray:
    for vertex, move in moves.items():
        target[vertex] = move
    return target


def _left_share(x: float) -> float:
    """0 at the person's right of the mouth's middle, 1 at the left corner."""
    share = min(1.0, max(0.0, (x + 0.15) / 1.15))
    return float(share**1.3)


def _smile() -> FloatArray:
    target = _put(_lower_face(), {425: (0.3, -0.45, -0.3), 280: (0.1, -0.35, -0.25), 427: (0.45, -0.45, 0.1)})
    return _lips(target, lambda x, part: _scaled((0.75, -0.85, 0.5), _left_share(x)))


def _frown() -> FloatArray:
    target = _put(_lower_face(), {425: (0.0, 0.15, 0.0)})
    return _lips(target, lambda x, part: _scaled((0.1, 0.85, 0.15), _left_share(x) ** 1.4))


def _stretch() -> FloatArray:
    target = _put(_lower_face(), {425: (0.25, 0.05, 0.05)})
    return _lips(target, lambda x, part: _scaled((0.85, 0.2, 0.4), _left_share(x)))


def _scaled(move: Move, share: float) -> Move:
    return (move[0] * share, move[1] * share, move[2] * share)


def _pucker() -> FloatArray:
    target = _put(_lower_face(), {425: (-0.25, 0.05, 0.1), 205: (0.25, 0.05, 0.1)})
    return _lips(target, lambda x, part: (-1.0 * x, 0.1 * part * (1 - x * x), -0.85 + 0.25 * abs(x)))


def _funnel() -> FloatArray:
    def move(x: float, part: int) -> Move:
        return (-0.75 * x, 0.45 * part * (1 - x * x), -0.6 + 0.2 * abs(x))

    return _lips(_put(_lower_face(), {425: (-0.2, 0.0, 0.1), 205: (0.2, 0.0, 0.1)}), move)


def _upper_up() -> FloatArray:
    def move(x: float, part: int) -> Move:
        bell = math.exp(-(((x - 0.4) / 0.5) ** 2))
        return (0.05 * bell, -0.6 * bell, 0.0) if part < 0 else (0.0, 0.0, 0.0)

    return _lips(_put(_lower_face(), {425: (0.05, -0.25, -0.15)}), move)


def _lower_down() -> FloatArray:
    def move(x: float, part: int) -> Move:
        bell = math.exp(-(((x - 0.4) / 0.5) ** 2))
        return (0.05 * bell, 0.6 * bell, 0.05 * bell) if part > 0 else (0.0, 0.0, 0.0)

    return _lips(_lower_face(), move)


def _mouth_left() -> FloatArray:
    return _lips(_lower_face(), lambda x, part: (0.8 + 0.1 * x, -0.1 * x, 0.15 * x + 0.05))


def _roll_upper() -> FloatArray:
    return _roll(upper=True)


def _roll_lower() -> FloatArray:
    return _roll(upper=False)


def _roll(*, upper: bool) -> FloatArray:
    """The lip's red goes behind the seam: outer rings move towards the inner one, which moves back."""
    mesh, target = face_mesh(), _lips(_lower_face(), lambda x, part: (0.0, 0.0, 0.0))
    for column in range(1, 10) if upper else range(11, 20):
        seam = mesh.neutral[LIP_RINGS[3, column]]
        for ring, share in zip(LIP_RINGS[:3], (0.5, 0.7, 0.8), strict=True):
            target[ring[column]] = (seam - mesh.neutral[ring[column]]) * (0, share, 0) + (0, 0, 0.35)
        target[LIP_RINGS[3, column]] = (0, 0, 0.3)
    return target


def _shrug_lower() -> FloatArray:
    def move(x: float, part: int) -> Move:
        rise = -0.35 * (1 - 0.8 * x * x)
        return (0.0, rise * (1.0 if part > 0 else 0.85), -0.2 if part > 0 else -0.05)

    return _lips(_put(_lower_face(), {199: (0, -0.35, -0.1), 200: (0, -0.35, -0.15)}), move)


def _cheek_puff() -> FloatArray:
    side = {425: (0.35, 0.0, -0.75), 427: (0.75, 0.1, -0.45), 411: (0.6, 0, -0.6), 280: (0.15, 0.0, -0.3)}
    side |= {434: (0.7, 0.1, -0.3), 416: (0.7, 0.05, -0.3)}
    moves = dict(side)
    for vertex, (x, y, z) in side.items():
        moves[int(face_mesh().mirrored[vertex])] = (-x, y, z)
    return _lips(_put(_lower_face(), moves), lambda x, part: (-0.1 * x, 0.0, -0.1))


def _sneer() -> FloatArray:
    x, y = face_mesh().neutral[:, 0], face_mesh().neutral[:, 1]
    target = np.where(((x > 0.15) & (y > -2.6) & (y < 4.5) & (x < 5.5))[:, None], np.nan, 0.0) * np.ones(3)
    target[FACE_OVAL] = target[EYE_RINGS[1]] = target[LIP_RINGS] = 0
    target[LIP_RINGS[:, 7:9]] = (0, -0.22, 0)
    return _put(target, {327: (0.1, -0.35, 0), 294: (0.15, -0.4, 0), 278: (0.12, -0.4, 0), 425: (0, -0.2, -0.15)})


def _jaw_weight() -> FloatArray:
    """(468,) how much of the jaw's move a border or chin vertex takes."""
    y = face_mesh().neutral[:, 1]
    share = np.clip((y - 1.5) / 5.5, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def _jaw_target(field: FloatArray, corner: float, upper: float) -> FloatArray:
    """Handles of a move of the lower jaw: lower lip, chin and the border below the ears."""
    mesh, target = face_mesh(), _lower_face()
    weight = _jaw_weight()
    target[FACE_OVAL] = (weight[:, None] * field)[FACE_OVAL]
    chin = (mesh.neutral[:, 1] > 6.6) & (np.abs(mesh.neutral[:, 0]) < 4)
    target[chin] = (np.maximum(weight, 0.97)[:, None] * field)[chin]
    for column in range(20):
        x = abs(float(mesh.neutral[LIP_RINGS[3, column], 0] / mesh.neutral[LIP_RINGS[3, 10], 0]))
        low = corner + (1 - corner) * (1 - x**3.0) ** 0.7 if column > 10 else corner
        high = upper + (corner - upper) * x**2.5
        share = high if column <= 10 else low
        target[LIP_RINGS[:, column]] = field[LIP_RINGS[:, column]] * share
    return target


def _jaw_open() -> FloatArray:
    target = _jaw_target(jaw_turn(face_mesh().neutral), 0.42, 0.03)
    target[LIP_RINGS[:, [0, 10]], 0] = np.array([0.3, -0.3])
    return target


def _jaw_left() -> FloatArray:
    return _jaw_target(np.ones((468, 1)) * np.array([0.9, 0.0, 0.0]), 0.7, 0.45)


LOWER_FACE: dict[str, Callable[[], FloatArray]] = {
    "cheekPuff": _cheek_puff,
    "jawLeft": _jaw_left,
    "jawOpen": _jaw_open,
    "mouthFrownLeft": _frown,
    "mouthFunnel": _funnel,
    "mouthLeft": _mouth_left,
    "mouthLowerDownLeft": _lower_down,
    "mouthPucker": _pucker,
    "mouthRollLower": _roll_lower,
    "mouthRollUpper": _roll_upper,
    "mouthShrugLower": _shrug_lower,
    "mouthSmileLeft": _smile,
    "mouthStretchLeft": _stretch,
    "mouthUpperUpLeft": _upper_up,
    "noseSneerLeft": _sneer,
}
"""(468, 3) target of each activity, as `smooth_field` takes it; those of the left side stand for both."""
