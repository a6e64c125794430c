"""Hair as geometry: a cap over the skull and, where it is long, what falls beside the face."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import HAIR_PX, patch_uv
from dpe_research.dataset.synth.body import SKULL_RINGS, skull_points
from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_research.dataset.synth.identity import HairStyle
from dpe_research.dataset.synth.parts import Part, grid_triangles, own, ring_triangles
from dpe_toolkit.api.face import FACE_OVAL

__all__ = ["hair_parts"]

FloatArray = npt.NDArray[np.float64]
_THICKNESS_CM: dict[HairStyle, float] = {"cropped": 0.35, "short": 0.9, "full": 1.7, "curly": 2.3, "long": 1.1}
_BUMPS_CM: dict[HairStyle, float] = {"cropped": 0.04, "short": 0.2, "full": 0.3, "curly": 0.5, "long": 0.12}
_CENTRE = np.array([0.0, -3.5, 3.6])


def hair_parts(style: HairStyle, seed: int) -> list[Part]:
    """The pieces of a hair style; none for a bald head."""
    if style == "bald":
        return []
    random = np.random.default_rng([13, seed])
    return [_cap(style, random)] + ([_curtain(random)] if style == "long" else [])


def _cap(style: HairStyle, random: np.random.Generator) -> Part:
    """The skull's rings lifted by the hair's thickness; below the hairline they sink into the head instead."""
    rings = np.concatenate([face_mesh().neutral[FACE_OVAL][None], skull_points()])
    outward = (rings - _CENTRE) / (7.9, 9.4, 9.6)
    outward /= np.linalg.norm(outward, axis=2, keepdims=True)
    share = np.arange(SKULL_RINGS + 1) / SKULL_RINGS
    full = np.interp(share, [0, 0.12, 0.3, 1.0], [0.12, 0.65, 1.0, 1.0])[:, None]
    bumps = random.normal(size=rings.shape[:2]) * _BUMPS_CM[style]
    if style != "curly":
        bumps = (bumps + np.roll(bumps, 1, axis=1) + np.roll(bumps, 2, axis=1)) * 0.6
    hairline = np.interp(share, [0, 0.3, 0.5, 1.0], [-2.5, -0.5, 2.0, 5.0])[:, None]
    above = np.clip((hairline - rings[..., 1]) / 1.5, -1, 1)
    lift = np.where(above > 0, above * (full * _THICKNESS_CM[style] + bumps * share[:, None]), above * 0.8)
    points = (rings + outward * lift[..., None]).reshape(-1, 3)
    index = own(np.arange(len(points)).reshape(SKULL_RINGS + 1, -1))
    triangles = np.concatenate([ring_triangles(index[i], index[i + 1]) for i in range(SKULL_RINGS)])
    triangles = triangles[(above.reshape(-1)[own(triangles)] > -1).any(axis=1)]
    across, down = np.meshgrid(_folded(len(FACE_OVAL)), share * 0.9)
    num = len(points)
    return Part(
        "hair",
        points,
        triangles,
        patch_uv(HAIR_PX, across.reshape(-1), down.reshape(-1)),
        np.zeros(num, np.int64),
        np.zeros(num),
        two_sided=True,
        open_to_light=np.repeat(np.interp(share, [0, 0.2], [0.75, 1.0]), len(FACE_OVAL)),
    )


def _folded(count: int) -> FloatArray:
    """(count,) texture places round the head without a seam: there and back, three times."""
    turns = np.arange(count) / count * 6
    return np.asarray(np.abs((turns + 1) % 2 - 1))


def _shadowed(turn: FloatArray) -> FloatArray:
    """(columns,) light on falling hair: less the further behind the head, where its inner side is seen."""
    return np.asarray(0.25 + 0.75 * np.clip(1 - (np.pi - np.abs(turn - np.pi) - 1.5) / 0.6, 0, 1))


def _curtain(random: np.random.Generator) -> Part:
    """Hair that falls from the crown behind and beside the face down to the shoulders."""
    columns, heights = 33, np.array([-10.5, -8.5, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0, 12.0, 15.0])
    reach = random.uniform(1.15, 1.4)
    turn = np.linspace(reach, 2 * np.pi - reach, columns)
    across = np.interp(heights, [-10.5, -8.5, -6, 0, 8, 15], [5.0, 7.4, 8.7, 9.2, 9.2, 9.6])[:, None]
    deep = np.interp(heights, [-10.5, -8.5, -6, 0, 8, 15], [6.0, 8.6, 10.0, 10.2, 9.0, 8.0])[:, None]
    waves = 1 + 0.035 * random.normal(size=columns) * np.interp(heights, [-10.5, 15], [0.3, 1.4])[:, None]
    x, z = across * waves * np.sin(turn), 4.2 - deep * waves * np.cos(turn)
    points = np.stack([x, np.repeat(heights[:, None], columns, 1), z], axis=2)
    across_uv, down_uv = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, len(heights)))
    num = points.shape[0] * columns
    return Part(
        "curtain",
        points.reshape(-1, 3),
        grid_triangles(*points.shape[:2]),
        patch_uv(HAIR_PX, across_uv.reshape(-1), down_uv.reshape(-1)),
        np.zeros(num, np.int64),
        np.zeros(num),
        two_sided=True,
        turn=np.repeat(np.interp(heights, [6.0, 15.0], [1.0, 0.55]), columns),
        open_to_light=np.outer(np.interp(heights, [-6.0, 2.0, 12.0], [1.0, 0.85, 0.7]), _shadowed(turn)).reshape(-1),
    )
