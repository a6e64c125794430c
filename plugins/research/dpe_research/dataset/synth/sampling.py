"""Poses and expressions of one identity: drawn at random, spread evenly, frontal and neutral always first."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from dpe_research.dataset.synth.expression import ACTED_NAMES, NEUTRAL, Expression
from dpe_research.dataset.synth.pose import FRONTAL, Pose

__all__ = ["PITCH_DEG", "ROLL_DEG", "YAW_DEG", "Repertoire", "sample_expressions", "sample_poses"]

Repertoire: TypeAlias = Literal["all", "strong"]
"""Which expressions people have: all kinds and glances, or the nine kinds that small pictures still show."""

YAW_DEG, PITCH_DEG, ROLL_DEG = 30.0, 20.0, 15.0
"""Largest angles to either side."""
_SHIFT = 0.05
_SIZE_CHANGE = 0.06
"""How much larger or smaller than its usual size a face is at the most, in shares of the picture's width."""

Amounts = dict[str, tuple[float, float]]


def _both(name: str, low: float, high: float) -> Amounts:
    return {f"{name}Left": (low, high), f"{name}Right": (low, high)}


_FAMILIES: tuple[Amounts, ...] = (
    _both("mouthSmile", 0.6, 1.0) | _both("cheekSquint", 0.2, 0.7) | _both("eyeSquint", 0.0, 0.4),
    {"jawOpen": (0.45, 1.0)},
    _both("eyeBlink", 0.85, 1.0),
    {"browInnerUp": (0.6, 1.0)} | _both("browOuterUp", 0.5, 1.0) | _both("eyeWide", 0.5, 1.0) | {"jawOpen": (0.2, 0.6)},
    _both("browDown", 0.7, 1.0) | _both("eyeSquint", 0.2, 0.6) | _both("mouthFrown", 0.2, 0.6),
    {"mouthPucker": (0.6, 1.0)},
    _both("mouthSmile", 0.6, 1.0) | {"jawOpen": (0.2, 0.5)} | _both("mouthUpperUp", 0.2, 0.6),
    {"browInnerUp": (0.5, 1.0)} | _both("mouthFrown", 0.6, 1.0) | {"mouthShrugLower": (0.2, 0.7)},
    {"mouthFunnel": (0.5, 1.0), "jawOpen": (0.1, 0.4)},
    _both("mouthStretch", 0.4, 0.9) | _both("mouthLowerDown", 0.4, 0.9) | {"jawOpen": (0.05, 0.3)},
    _both("noseSneer", 0.6, 1.0) | _both("mouthUpperUp", 0.3, 0.8) | _both("browDown", 0.3, 0.8),
    {"cheekPuff": (0.7, 1.0), "mouthPucker": (0.0, 0.3)},
    {"mouthLeft": (0.5, 1.0)},
    {"mouthRight": (0.5, 1.0)},
    {"mouthSmileLeft": (0.6, 1.0), "browOuterUpLeft": (0.4, 1.0)},
    {"mouthSmileRight": (0.6, 1.0), "eyeBlinkRight": (0.8, 1.0)},
    {"mouthRollLower": (0.5, 1.0), "mouthRollUpper": (0.3, 1.0)},
    {"jawOpen": (0.26, 0.5), "mouthPucker": (0.1, 0.5)} | _both("mouthLowerDown", 0.0, 0.5),
    _both("browOuterUp", 0.5, 1.0) | {"jawLeft": (0.3, 1.0)},
    {"jawRight": (0.3, 1.0), "eyeBlinkLeft": (0.8, 1.0)},
)
"""What people do at once, as ranges of amounts. The first nine are the strongest and come first."""

_GAZES: tuple[tuple[str, ...], ...] = (
    ("eyeLookOutLeft", "eyeLookInRight"),
    ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookUpLeft", "eyeLookUpRight"),
    ("eyeLookDownLeft", "eyeLookDownRight"),
)
_GAZE_SHARE = 0.4
_CORE = 9


def sample_poses(seed: int, count: int, *, reach: float = 1.0, face_size: float = FRONTAL.size) -> tuple[Pose, ...]:
    """Poses of the identity with this seed; the first is frontal.

    Args:
        seed: of the identity.
        count: how many.
        reach: how far heads turn, move and come nearer, in shares of the largest angles and distances.
        face_size: usual width of the face in shares of the picture's width.

    Each number is drawn once from each of as many equal parts of its range as there are poses (a Latin hypercube),
    so that few poses cover every range and no two numbers go together. Source: McKay et al., Technometrics, 1979.
    """
    random = np.random.default_rng([29, seed])
    num = max(count - 1, 0)
    unit = np.stack([(random.permutation(num) + random.random(num)) / max(num, 1) for _ in range(6)], axis=1)
    frontal = replace(FRONTAL, size=face_size)
    middle = np.array([0.0, 0.0, 0.0, frontal.x, frontal.y, frontal.size])
    furthest = np.array([YAW_DEG, PITCH_DEG, ROLL_DEG, _SHIFT, _SHIFT, _SIZE_CHANGE]) * reach
    drawn = (middle + (2 * unit - 1) * furthest).round(4)
    return tuple([frontal] * min(count, 1) + [Pose(*(float(value) for value in row)) for row in drawn])


def sample_expressions(seed: int, count: int, *, repertoire: Repertoire = "all") -> tuple[Expression, ...]:
    """Expressions of the identity with this seed; the first is neutral.

    Families of what people do are shuffled and taken in turn, so that no two expressions of an identity are of one
    family before all were shown; amounts are drawn within the family. Of "all", four of ten look aside.

    Args:
        seed: of the identity.
        count: how many.
        repertoire: which families there are.
    """
    random = np.random.default_rng([31, seed])
    glances = _GAZE_SHARE if repertoire == "all" else 0.0
    order: list[int] = []
    while len(order) < count - 1:
        strong, others = random.permutation(_CORE), _CORE + random.permutation(len(_FAMILIES) - _CORE)
        half = (_CORE + 1) // 2
        if repertoire == "strong":
            others = others[:0]
        order += [*strong[:half], *others[: half - 2], *strong[half:], *others[half - 2 :]]
    drawn = [_draw(_FAMILIES[int(family)], random, glances) for family in order[: max(count - 1, 0)]]
    return tuple([NEUTRAL] * min(count, 1) + drawn)


def _draw(family: Amounts, random: np.random.Generator, glances: float) -> Expression:
    """Amounts within a family, a share of ``glances`` aside; the face's sides are alike and not the same."""
    shared: dict[str, float] = {}
    amounts: dict[str, float] = {}
    for name, (low, high) in family.items():
        share = shared.setdefault(name.removesuffix("Left").removesuffix("Right"), float(random.random()))
        share = min(1.0, max(0.0, share + float(random.uniform(-0.08, 0.08))))
        amounts[name] = round(low + share * (high - low), 4)
    if random.random() < glances and not any(name.startswith("eyeBlink") for name in family):
        gaze = _GAZES[int(random.integers(len(_GAZES)))]
        amounts |= dict.fromkeys(gaze, round(float(random.uniform(0.4, 1.0)), 4))
    return Expression.of({name: amounts[name] for name in ACTED_NAMES if amounts.get(name, 0.0) > 0})
