"""Skull, ears, neck and shoulders around the face."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.atlas import CLOTH_PX, patch_uv, skin_uv
from dpe_research.dataset.synth.face_mesh import face_mesh
from dpe_research.dataset.synth.parts import Part, grid_triangles, own, ring_triangles
from dpe_toolkit.api.face import FACE_OVAL

__all__ = ["SKULL_RINGS", "ear", "neck", "shoulders", "skull", "skull_points"]

FloatArray = npt.NDArray[np.float64]
SKULL_RINGS = 9
_CRANIUM = np.array([0.0, -4.0, 3.6])
_CRANIUM_RADII = np.array([7.9, 9.4, 9.6])
_BACK = np.array([0.0, 0.12, 0.9928])


def skull_points() -> FloatArray:
    """(SKULL_RINGS, 36, 3) from behind the border of the face over the cranium to its back.

    Every vertex of the border runs along a great circle to the back of an ellipsoid, on which it comes to lie.
    """
    border = (face_mesh().neutral[FACE_OVAL] - _CRANIUM) / _CRANIUM_RADII
    start = np.linalg.norm(border, axis=1)
    direction = border / start[:, None]
    angle = np.arccos(direction @ _BACK)
    rings = []
    for ring in range(1, SKULL_RINGS + 1):
        share = (ring / SKULL_RINGS) ** 1.15 * 0.98
        ahead = np.sin((1 - share) * angle)[:, None] * direction + np.sin(share * angle)[:, None] * _BACK
        reach = 1 + (start - 1) * max(0.0, 1 - share / 0.55) ** 1.5
        rings.append(_CRANIUM + ahead / np.sin(angle)[:, None] * reach[:, None] * _CRANIUM_RADII)
    return np.stack(rings)


def skull() -> Part:
    """The head behind the border of the face, without its hair."""
    rings = skull_points()
    points = rings.reshape(-1, 3)
    index = own(np.arange(len(points)).reshape(SKULL_RINGS, -1))
    triangles = [ring_triangles(FACE_OVAL, index[0])]
    triangles += [ring_triangles(index[i], index[i + 1]) for i in range(SKULL_RINGS - 1)]
    pull = np.clip(1 - np.arange(1, SKULL_RINGS + 1) / 4, 0, 1)
    below = (points[:, 1] > 6.0) & (points[:, 2] < 6)
    return Part(
        "skull",
        points,
        np.concatenate(triangles),
        skin_uv(points),
        np.tile(FACE_OVAL, SKULL_RINGS),
        np.repeat(pull, len(FACE_OVAL)),
        open_to_light=np.where(below, 0.7, 1.0),
    )


def ear(side: int) -> Part:
    """One ear, a bent disc with a rim; ``side`` is -1 for the picture's left."""
    turn, depth = np.meshgrid(np.linspace(0, 2 * np.pi, 15), np.array([0.0, 0.45, 0.75, 1.0, 1.0]))
    out = np.array([0.15, 0.2, 0.62, 0.55, 0.0])[:, None] * np.ones_like(turn)
    back = np.cos(turn) * depth * 1.25
    up = np.sin(turn) * depth * (2.5 + 0.35 * np.sin(turn))
    open_ear = 0.55 * back
    x = side * (7.55 + out * 0.8 + np.maximum(open_ear, -0.1))
    points = np.stack([x, -0.3 - up, 3.7 + back + 0.25 * up], axis=2).reshape(-1, 3)
    light = np.repeat(np.array([0.55, 0.65, 1.0, 0.95, 0.8]), turn.shape[1])
    num = len(points)
    return Part(
        f"ear{side}",
        points,
        grid_triangles(*turn.shape),
        skin_uv(
            np.stack([side * 4.8 + 0.2 * out.reshape(-1), 1.2 - up.reshape(-1) * 0.15, np.full(num, -3.5)], axis=1)
        ),
        np.zeros(num, np.int64),
        np.zeros(num),
        open_to_light=light,
    )


def _lathe(heights: FloatArray, radii: FloatArray, centre_z: FloatArray, columns: int) -> FloatArray:
    """(rows, columns, 3) of a body of elliptical sections; radii are (rows, 2) along x and z."""
    turn = np.linspace(-np.pi, np.pi, columns)
    x = radii[:, :1] * np.sin(turn)
    z = centre_z[:, None] - radii[:, 1:] * np.cos(turn)
    return np.stack([x, np.repeat(heights[:, None], columns, 1), z], axis=2)


def neck() -> Part:
    """The neck; its upper end turns with the head, its lower one does not."""
    heights = np.array([6.5, 7.2, 8.0, 9.5, 11.0, 13.0, 15.0, 17.0])
    across = np.array([4.9, 4.9, 4.9, 4.9, 4.95, 5.1, 5.7, 6.6])
    deep = np.array([5.0, 5.0, 5.0, 5.0, 5.05, 5.2, 5.4, 5.6])
    centre = np.array([5.8, 5.7, 5.6, 5.4, 5.2, 5.1, 5.0, 4.9])
    points = _lathe(heights, np.stack([across, deep], 1), centre, 25)
    rows = np.repeat(heights, 25)
    num = len(rows)
    return Part(
        "neck",
        points.reshape(-1, 3),
        grid_triangles(*points.shape[:2]),
        skin_uv(points.reshape(-1, 3)),
        np.zeros(num, np.int64),
        np.zeros(num),
        turn=np.clip((15.0 - rows) / 10.0, 0, 1),
        open_to_light=np.interp(rows, [8.0, 9.5, 11.0, 14.0], [0.4, 0.5, 0.72, 1.0]),
    )


def shoulders() -> Part:
    """Clothes with a collar; they do not turn with the head."""
    heights = np.array([13.6, 13.2, 13.8, 15.0, 16.5, 19.0, 24.0, 40.0])
    across = np.array([5.0, 6.0, 7.2, 10.0, 14.0, 18.5, 20.5, 21.0])
    deep = np.array([5.2, 6.0, 6.6, 7.4, 8.4, 9.5, 10.5, 11.0])
    centre = np.array([4.7, 4.7, 4.9, 5.2, 5.5, 5.6, 5.6, 5.6])
    points = _lathe(heights, np.stack([across, deep], 1), centre, 25)
    points[:3, :, 1] -= 1.2 * np.clip((points[:3, :, 2] - 4.7) / 6.0, -1, 1)
    across_uv, down_uv = np.meshgrid(np.linspace(0, 1, 25), np.linspace(0, 1, len(heights)))
    num = points.shape[0] * points.shape[1]
    return Part(
        "shoulders",
        points.reshape(-1, 3),
        grid_triangles(*points.shape[:2]),
        patch_uv(CLOTH_PX, across_uv.reshape(-1), down_uv.reshape(-1)),
        np.zeros(num, np.int64),
        np.zeros(num),
        turn=np.zeros(num),
    )
