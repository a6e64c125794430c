"""What shows where lids and lips part: eyeballs, lids' edges, lips' backs, teeth, tongue and the dark behind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import EYE_PX, MOUTH_PX, TEETH_PX, patch_uv, skin_uv
from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_research.dataset.synth.parts import Part, grid_triangles, own, ring_triangles
from dpe_toolkit.api.face import EYE_RINGS, LIP_RINGS

__all__ = [
    "BALL_CENTRES",
    "BALL_RADIUS",
    "IRIS_RADIUS",
    "eyeball",
    "lid_edge",
    "lip_backs",
    "teeth",
    "throat",
    "tongue",
]

FloatArray = npt.NDArray[np.float64]

BALL_CENTRES = np.array([[-3.13, -2.62, -2.3], [3.13, -2.62, -2.3]])
"""(2, 3) of the left and the right eye in the picture."""
BALL_RADIUS = 1.42
IRIS_RADIUS = 0.62
_EYE_EDGE_RAD = 1.5
"""Angle from the gaze at which the texture of an eye ends."""
_SEAM = LIP_RINGS[3]
_UPPER = np.array([0.0] + [-1.0] * 9 + [0.0] + [1.0] * 9)
"""-1 upper lip, 1 lower lip, 0 corner."""


def eyeball(side: int) -> Part:
    """The front of one eyeball that looks at the camera; ``side`` 0 is the picture's left."""
    angles = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.65, 0.85, 1.1, 1.5])
    turn, away = np.meshgrid(np.linspace(0, 2 * np.pi, 25), angles)
    direction = np.stack([np.sin(away) * np.cos(turn), np.sin(away) * np.sin(turn), -np.cos(away)], axis=2)
    points = (BALL_CENTRES[side] + BALL_RADIUS * direction).reshape(-1, 3)
    radius = away / _EYE_EDGE_RAD / 2
    uv = patch_uv(EYE_PX, (0.5 + radius * np.cos(turn)).reshape(-1), (0.5 + radius * np.sin(turn)).reshape(-1))
    num = len(points)
    return Part(f"eye{side}", points, grid_triangles(*turn.shape), uv, np.zeros(num, np.int64), np.zeros(num))


def lid_edge(side: int) -> Part:
    """The edge of the lids of one eye, from the opening back to the ball."""
    ring = EYE_RINGS[side]
    border = face_mesh().neutral[ring]
    arm = border - BALL_CENTRES[side]
    points = BALL_CENTRES[side] + arm * (BALL_RADIUS - 0.06) / np.linalg.norm(arm, axis=1)[:, None]
    uv = skin_uv(face_mesh().canonical[ring])
    inward = uv + 0.9 * (uv.mean(0) - uv)
    triangles = ring_triangles(ring, own(np.arange(len(ring))))[:, ::-1]
    light = np.full(len(ring), 0.7)
    return Part(f"lid_edge{side}", points, triangles, inward, ring, np.ones(len(ring)), open_to_light=light)


def lip_backs() -> Part:
    """Red of the lips rolled in behind the opening."""
    seam = face_mesh().neutral[_SEAM]
    first = seam + np.stack([np.zeros(20), 0.06 * _UPPER, np.full(20, 0.28)], axis=1)
    second = seam + np.stack([-0.05 * seam[:, 0], 0.32 * _UPPER, np.full(20, 0.75)], axis=1)
    uv = skin_uv(face_mesh().canonical[_SEAM])
    middle = np.array([uv[:, 0], np.full(20, uv[:, 1].mean())]).T
    index = own(np.arange(40).reshape(2, 20))
    return Part(
        "lip_backs",
        np.concatenate([first, second]),
        np.concatenate([ring_triangles(_SEAM, index[0]), ring_triangles(index[0], index[1])])[:, ::-1],
        np.concatenate([uv + 0.3 * (middle - uv), uv + 0.8 * (middle - uv)]),
        np.tile(_SEAM, 2),
        np.ones(40),
        open_to_light=np.repeat([0.8, 0.35], 20),
    )


def throat() -> Part:
    """The dark of the mouth behind the lips, closed at its end."""
    seam = face_mesh().neutral[_SEAM]
    start = seam + np.stack([-0.05 * seam[:, 0], 0.3 * _UPPER, np.full(20, 0.72)], axis=1)
    middle = seam * (0.95, 1, 1) + np.stack([np.zeros(20), 0.9 * _UPPER, np.full(20, 1.7)], axis=1)
    end = seam * (0.5, 1, 1) + np.stack([np.zeros(20), 0.5 * _UPPER, np.full(20, 3.2)], axis=1)
    points = np.concatenate([start, middle, end, [[0.0, 4.4, -1.2]]])
    index = own(np.arange(60).reshape(3, 20))
    tip = np.full(20, own(np.array(60)))
    triangles = [ring_triangles(index[i], index[i + 1]) for i in range(2)] + [ring_triangles(index[2], tip)[:20]]
    down = np.concatenate([np.repeat([0.1, 0.5, 0.95], 20), [0.98]])
    uv = patch_uv(MOUTH_PX, np.full(61, 0.25), down)
    pull = np.concatenate([np.repeat([1.0, 0.9, 0.5], 20), [0.5]])
    light = np.concatenate([np.repeat([0.6, 0.4, 0.2], 20), [0.2]])
    anchor = np.concatenate([np.tile(_SEAM, 3), [14]])
    return Part("throat", points, np.concatenate(triangles), uv, anchor, pull, open_to_light=light)


def teeth(*, upper: bool) -> Part:
    """One row of teeth with its gum."""
    along = np.radians(np.linspace(-80, 80, 21))
    heights = np.array([2.9, 3.45, 3.85, 4.4]) if upper else np.array([5.85, 5.4, 5.1, 4.62])
    back = 0.0 if upper else 0.25
    turn, down = np.meshgrid(along, heights)
    points = np.stack([2.25 * np.sin(turn), down, -4.5 + back + 2.0 * (1 - np.cos(turn))], axis=2).reshape(-1, 3)
    across, rows = np.meshgrid(np.linspace(0, 1, 21), np.array([0.0, 0.3, 0.55, 1.0]))
    num = len(points)
    light = np.interp(np.abs(turn), [0.3, 1.2], [0.8, 0.35]).reshape(-1) * (1.0 if upper else 0.8)
    return Part(
        "upper_teeth" if upper else "lower_teeth",
        points,
        grid_triangles(*turn.shape),
        patch_uv(TEETH_PX, across.reshape(-1), rows.reshape(-1)),
        np.zeros(num, np.int64),
        np.zeros(num),
        jaw=np.zeros(num) if upper else np.full(num, 0.96),
        open_to_light=light,
    )


def tongue() -> Part:
    """The tongue's upper side."""
    turn, out = np.meshgrid(np.linspace(0, 2 * np.pi, 13), np.array([0.0, 0.4, 0.75, 1.0]))
    rise = np.cos(out * np.pi / 2)
    points = np.stack([1.6 * out * np.cos(turn), 5.45 - 0.55 * rise, -2.6 + 1.5 * out * np.sin(turn)], axis=2).reshape(
        -1, 3
    )
    num = len(points)
    uv = patch_uv(MOUTH_PX, np.full(num, 0.75), (0.2 + 0.6 * out).reshape(-1))
    light = np.interp(points[:, 2], [-4.0, -1.5], [0.6, 0.25])
    still = np.zeros(num)
    return Part(
        "tongue",
        points,
        grid_triangles(*turn.shape),
        uv,
        np.zeros(num, np.int64),
        still,
        jaw=np.ones(num),
        open_to_light=light,
    )
