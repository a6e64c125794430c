"""The head in action: activities added up, lids over balls, gaze turned, and all of it put into the picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dpe_research.dataset.synth.expression import ACTED_NAMES, Expression
from dpe_research.dataset.synth.head import Head
from dpe_research.dataset.synth.inside import BALL_RADIUS, IRIS_RADIUS
from dpe_research.dataset.synth.pose import Pose
from dpe_toolkit.api.face import FACE_WIDTH_CM, NUM_FACE_VERTICES

__all__ = ["PosedHead", "act", "canonical_irises", "put_into_picture"]

FloatArray = npt.NDArray[np.float64]
_GAZE_SIDE_RAD, _GAZE_UP_RAD, _GAZE_DOWN_RAD = (math.radians(angle) for angle in (30.0, 22.0, 26.0))
_LID_CM = 0.07
"""How far a lid lies outside its ball."""
_CREASE_DEPTH = 2.2
"""How fast a crease darkens with its depth in shares of a centimetre."""


class PosedHead(NamedTuple):
    """The head in picture pixels."""

    points: FloatArray
    """(V, 3)."""
    normals: FloatArray
    """(V, 3) of length 1, outward, in the picture's axes."""
    open_to_light: FloatArray
    """(V,)."""
    triangles: npt.NDArray[np.int64]
    """(T, 3) those that the viewer may see."""


def act(head: Head, expression: Expression) -> FloatArray:
    """(V, 3) the head with an expression, without its pose, in canonical centimetres."""
    amounts = np.array([expression[name] for name in ACTED_NAMES])
    active = np.flatnonzero(amounts)
    points = head.rest + np.einsum("a,avi->vi", amounts[active], head.activities[active])
    for side in range(2):
        centre = head.ball_centres[side]
        _lift_off(points[:NUM_FACE_VERTICES], centre)
        ball = head.balls[side]
        points[ball] = centre + np.einsum("vi,ji->vj", head.rest[ball] - centre, _gaze(expression, side))
    return np.asarray(points)


def canonical_irises(head: Head, expression: Expression) -> FloatArray:
    """(10, 3) centre, then right, upper, left and lower border of each iris, the picture's left eye first."""
    depth = -math.sqrt(BALL_RADIUS**2 - IRIS_RADIUS**2)
    r = IRIS_RADIUS
    rest = np.array([[0, 0, -BALL_RADIUS], [r, 0, depth], [0, -r, depth], [-r, 0, depth], [0, r, depth]])
    eyes = []
    for side in range(2):
        # the outer and inner border of the left eye mirror those of the right one
        local = rest * (1 if side == 0 else -1, 1, 1)
        eyes.append(head.ball_centres[side] + np.einsum("vi,ji->vj", local, _gaze(expression, side)))
    return np.asarray(np.concatenate(eyes))


def put_into_picture(head: Head, points: FloatArray, pose: Pose, size_px: int) -> PosedHead:
    """Turns head and neck, leaves the shoulders, and scales all to pixels of a picture of the given side."""
    scale = pose.size * size_px / FACE_WIDTH_CM
    turned = np.einsum("vi,ji->vj", points, pose.rotation())
    share = head.turn[:, None]
    placed = (turned * share + points * (1 - share)) * scale + (pose.x * size_px, pose.y * size_px, 0.0)
    first, second, third = (placed[head.triangles[:, i]] for i in range(3))
    faces = np.cross(second - first, third - first)
    order, begins = head.incidence
    normals = np.add.reduceat(faces[order], begins, axis=0)
    normals /= np.sqrt((normals * normals).sum(1, keepdims=True)) + 1e-12
    light = head.open_to_light * _creases(head, placed, normals, scale)
    return PosedHead(placed, normals, light, head.triangles[_faces_viewer(placed, head)])


def _faces_viewer(points: FloatArray, head: Head) -> npt.NDArray[np.bool_]:
    """(T,) True for triangles of which the viewer may see the front, or the back where that shows."""
    x, y = points[:, 0][head.triangles], points[:, 1][head.triangles]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    return (area < 0) | (head.two_sided & (area > 0))


def _creases(head: Head, placed: FloatArray, normals: FloatArray, scale: float) -> FloatArray:
    """(V,) light left in hollows: how far a vertex lies behind the mean of its triangles' centres."""
    centres = placed[head.triangles].mean(1)
    order, begins = head.incidence
    counts = np.diff(np.append(begins, len(order)))
    mean = np.add.reduceat(centres[order], begins, axis=0) / np.maximum(counts, 1)[:, None]
    depth = np.einsum("vi,vi->v", mean - placed, normals) / scale
    return np.asarray(1 / (1 + _CREASE_DEPTH * np.clip(depth, 0, 0.5)))


def _lift_off(points: FloatArray, centre: FloatArray) -> None:
    """Moves the points of the face that lie inside a ball out onto it, in place."""
    arm = points - centre
    distance = np.sqrt((arm * arm).sum(1))
    inside = distance < BALL_RADIUS + _LID_CM
    points[inside] = centre + arm[inside] * ((BALL_RADIUS + _LID_CM) / distance[inside])[:, None]


def _gaze(expression: Expression, side: int) -> FloatArray:
    """(3, 3) turn of one ball; ``side`` 0 is the picture's left, the person's right eye."""
    name = "Left" if side else "Right"
    outward = expression[f"eyeLookOut{name}"] - expression[f"eyeLookIn{name}"]
    yaw = _GAZE_SIDE_RAD * outward * (1 if side else -1)
    up = _GAZE_UP_RAD * expression[f"eyeLookUp{name}"] - _GAZE_DOWN_RAD * expression[f"eyeLookDown{name}"]
    return Pose(yaw_deg=math.degrees(yaw), pitch_deg=math.degrees(up)).rotation()
