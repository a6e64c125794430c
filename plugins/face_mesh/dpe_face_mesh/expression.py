"""The regressor's expression vector: which blendshapes and which vertices it is made of, and their spreads."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["BLENDSHAPE_SPREADS", "EXPRESSION_SIZE", "SHAPE_SPREADS", "VertexGroup"]

_BOTH = {
    "browDown": 0.11,
    "browOuterUp": 0.095,
    "eyeBlink": 0.135,
    "eyeSquint": 0.09,
    "eyeWide": 0.05,
    "mouthDimple": 0.05,
    "mouthLowerDown": 0.12,
    "mouthPress": 0.06,
    "mouthSmile": 0.24,
    "mouthStretch": 0.05,
    "mouthUpperUp": 0.155,
}
_ONE = {
    "browInnerUp": 0.1,
    "jawOpen": 0.16,
    "mouthClose": 0.05,
    "mouthFunnel": 0.05,
    "mouthPucker": 0.165,
    "mouthRollLower": 0.105,
    "mouthRollUpper": 0.1,
    "mouthShrugLower": 0.05,
    "mouthShrugUpper": 0.05,
}

BLENDSHAPE_SPREADS = MappingProxyType(
    {name + side: spread for name, spread in _BOTH.items() for side in ("Left", "Right")} | _ONE
)
"""Blendshapes of the vector, in its order, with their usual spread: the deviation within a clip, root mean square
over nine clips of talking, laughing and grimacing people, at least 0.05.

Left out are `_neutral`, the directions of gaze, and those that hardly answer (deviations below 0.015: cheeks,
nose, jaw and mouth sideways, frown).
"""


@dataclass(frozen=True, slots=True)
class VertexGroup:
    """Vertices that move alike."""

    vertices: tuple[int, ...]
    spread_x: float
    """Canonical units, measured as in `BLENDSHAPE_SPREADS`."""
    spread_y: float


SHAPE_SPREADS = (
    VertexGroup((61, 291), 0.33, 0.36),  # mouth corners
    VertexGroup((0, 13, 82, 312), 0.15, 0.3),  # middle of the upper lip
    VertexGroup((14, 17, 87, 317), 0.17, 0.69),  # middle of the lower lip
    VertexGroup((40, 270), 0.26, 0.3),  # sides of the upper lip
    VertexGroup((91, 321), 0.26, 0.49),  # sides of the lower lip
    VertexGroup((152,), 0.23, 0.46),  # chin
    VertexGroup((66, 105, 107, 296, 334, 336), 0.08, 0.14),  # brows
    VertexGroup((159, 386), 0.09, 0.2),  # upper lids
    VertexGroup((145, 374), 0.085, 0.105),  # lower lids
)
"""Vertices of the vector: x and y of each in canonical units over these spreads. Depth is left out, since the
network guesses it. What a person's build adds is a constant of that person."""

EXPRESSION_SIZE = len(BLENDSHAPE_SPREADS) + 2 * sum(len(group.vertices) for group in SHAPE_SPREADS)
