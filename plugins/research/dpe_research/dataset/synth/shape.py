"""What makes one head differ from another: smooth moves of the space that the head is in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["SHAPE_NAMES", "shape_field"]

FloatArray = npt.NDArray[np.float64]

SHAPE_NAMES: tuple[str, ...] = (
    "faceWidth",
    "faceLength",
    "jawWidth",
    "chinLength",
    "chinForward",
    "cheekFullness",
    "cheekboneWidth",
    "noseLength",
    "noseWidth",
    "noseForward",
    "noseBridge",
    "eyeSpacing",
    "eyeSize",
    "eyeHeight",
    "eyeSlant",
    "browHeight",
    "browRidge",
    "mouthWidth",
    "mouthHeight",
    "lipFullness",
    "mouthForward",
    "foreheadSlope",
)
"""Amounts of 1 are one usual spread."""

_WAVES = 10


def shape_field(points: FloatArray, shape: tuple[float, ...], seed: int) -> FloatArray:
    """(V, 3) displacement in centimetres of points of the neutral head.

    It depends on where a point is and not on which it is, so that lips that touch keep touching and teeth stay
    behind them. A sum of a few long waves that depend on the seed adds what has no name, left and right unlike.

    Args:
        points: (V, 3) of the neutral head in canonical centimetres.
        shape: amounts of `SHAPE_NAMES`.
        seed: of the waves.
    """
    amount = dict(zip(SHAPE_NAMES, shape, strict=True))
    field = _whole(points, amount) + _jaw_and_cheeks(points, amount) + _nose(points, amount)
    return np.asarray(field + _eyes(points, amount) + _mouth(points, amount) + _waves(points, seed))


def _bell(points: FloatArray, centre: tuple[float, float, float], reach: tuple[float, float, float]) -> FloatArray:
    """(V,) 1 at the centre, of points folded onto the left half (x above 0)."""
    folded = points.copy()
    folded[:, 0] = np.abs(folded[:, 0])
    apart = (folded - centre) / reach
    return np.asarray(np.exp(-(apart**2).sum(1)))


def _step(values: FloatArray, low: float, high: float) -> FloatArray:
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def _along(axis: int, values: FloatArray) -> FloatArray:
    field = np.zeros((len(values), 3))
    field[:, axis] = values
    return field


def _whole(points: FloatArray, amount: dict[str, float]) -> FloatArray:
    x, y = points[:, 0], points[:, 1]
    field = _along(0, x * 0.045 * amount["faceWidth"])
    field += _along(1, y * 0.035 * amount["faceLength"])
    top = _step(-y, 4.5, 11.0)
    return np.asarray(field + _along(2, top * 0.2 * amount["foreheadSlope"]))


def _jaw_and_cheeks(points: FloatArray, amount: dict[str, float]) -> FloatArray:
    x, y, z = points.T
    head = 1 - _step(y, 10.0, 14.0)
    low = _step(y, 1.5, 7.5) * head
    field = _along(0, x * low * 0.08 * amount["jawWidth"])
    chin = _step(y, 5.4, 9.0) * head * (1 - _step(z, -1.0, 4.0))
    field += _along(1, chin * 0.5 * amount["chinLength"])
    field -= _along(2, chin * 0.4 * amount["chinForward"])
    full = _bell(points, (5.2, 2.8, -1.5), (2.4, 2.8, 3.0)) * amount["cheekFullness"]
    bone = _bell(points, (6.0, -0.6, -1.8), (2.0, 1.8, 2.6)) * amount["cheekboneWidth"]
    side = np.sign(x)
    return np.asarray(field + _along(0, side * (0.28 * full + 0.28 * bone)) - _along(2, 0.25 * full + 0.15 * bone))


def _nose(points: FloatArray, amount: dict[str, float]) -> FloatArray:
    x = points[:, 0]
    tip = _bell(points, (0.0, 1.0, -7.2), (1.9, 1.7, 2.2))
    wings = _bell(points, (1.5, 1.3, -5.6), (1.0, 1.1, 1.5))
    bridge = _bell(points, (0.0, -2.0, -6.0), (1.1, 2.2, 1.6))
    field = _along(1, tip * 0.16 * amount["noseLength"]) - _along(2, tip * 0.32 * amount["noseForward"])
    field += _along(0, np.sign(x) * np.minimum(np.abs(x), 1.0) * wings * 0.25 * amount["noseWidth"])
    return np.asarray(field - _along(2, bridge * 0.2 * amount["noseBridge"]))


def _eyes(points: FloatArray, amount: dict[str, float]) -> FloatArray:
    x, y = points[:, 0], points[:, 1]
    side = np.sign(x)
    near = _bell(points, (3.16, -2.6, -3.4), (2.2, 1.7, 3.0))
    field = _along(0, side * near * 0.16 * amount["eyeSpacing"]) + _along(1, near * 0.1 * amount["eyeHeight"])
    field += _along(1, -near * (np.abs(x) - 3.16) * 0.07 * amount["eyeSlant"])
    size = near * amount["eyeSize"]
    field += _along(0, side * size * (np.abs(x) - 3.16) * 0.05) + _along(1, size * (y + 2.62) * 0.10)
    brow = _bell(points, (3.3, -4.8, -4.3), (3.2, 1.2, 2.6))
    return np.asarray(
        field - _along(1, brow * 0.2 * amount["browHeight"]) - _along(2, brow * 0.2 * amount["browRidge"])
    )


def _mouth(points: FloatArray, amount: dict[str, float]) -> FloatArray:
    x, y = points[:, 0], points[:, 1]
    near = _bell(points, (0.0, 4.3, -5.0), (3.4, 1.9, 3.2))
    field = _along(0, x * near * 0.09 * amount["mouthWidth"]) + _along(1, near * 0.13 * amount["mouthHeight"])
    field += _along(1, near * (y - 4.27) * 0.16 * amount["lipFullness"])
    return np.asarray(field - _along(2, near * 0.3 * amount["mouthForward"]))


def _waves(points: FloatArray, seed: int) -> FloatArray:
    random = np.random.default_rng([11, seed])
    field = np.zeros_like(points)
    for _ in range(_WAVES):
        wave = random.normal(size=3) * 0.28
        phase = random.uniform(0, 2 * np.pi)
        field += np.sin(np.einsum("vi,i->v", points, wave) + phase)[:, None] * random.normal(size=3) * 0.045
    return field
