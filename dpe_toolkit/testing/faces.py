"""A drawn face whose expression and pose are parameters: moving footage without any person's likeness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dpe_toolkit.testing.pictures import RgbPicture

__all__ = ["DrawnFace", "draw_face", "performance"]

_SHIFT = 4
_BROWN = (74, 48, 36)
_WHITE = (240, 238, 234)
_IRIS = (70, 98, 120)
_LIPS = (168, 82, 82)
_MOUTH = (52, 18, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFace:
    """One face in one frame."""

    center_px: tuple[float, float]
    """Between the eyes and the mouth, x right, y down."""
    height_px: float
    """Chin to crown."""
    mouth_open: float = 0.0
    """0 shut to 1 wide."""
    smile: float = 0.0
    """-1 sad to 1 broad."""
    eyes_open: float = 1.0
    """0 shut to 1 open."""
    brows_up: float = 0.0
    """-1 frowning to 1 raised."""
    yaw: float = 0.0
    """-1 turned to the left of the picture to 1 turned to its right."""
    roll_deg: float = 0.0
    """Clockwise."""
    skin: tuple[int, int, int] = (222, 178, 150)
    """RGB."""

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """Corners (left, top, right, bottom) around the head, roll ignored."""
        (x, y), half_height, half_width = self.center_px, self.height_px / 2, self.height_px * 0.38
        return x - half_width, y - half_height, x + half_width, y + half_height


def performance(frame: int, *, size_px: tuple[int, int], rate: float = 25.0) -> tuple[DrawnFace, ...]:
    """One face that talks, smiles, blinks and sways; the same frame always gives the same face."""
    width, height = size_px
    time_s = frame / rate
    blink = math.exp(-(((time_s % 1.6) - 1.2) ** 2) / 0.004)
    face = DrawnFace(
        center_px=(width * (0.5 + 0.03 * math.sin(1.3 * time_s)), height * (0.47 + 0.01 * math.sin(2.1 * time_s))),
        height_px=min(width, height) * 0.66,
        mouth_open=0.5 * max(0.0, math.sin(9.0 * time_s)) * (0.6 + 0.4 * math.sin(2.0 * time_s)),
        smile=0.6 * math.sin(1.1 * time_s),
        eyes_open=1.0 - blink,
        brows_up=0.5 * math.sin(1.7 * time_s),
        yaw=0.3 * math.sin(0.9 * time_s),
        roll_deg=4.0 * math.sin(0.7 * time_s),
    )
    return (face,)


def draw_face(picture: RgbPicture, face: DrawnFace) -> None:
    """Draws ``face`` into ``picture`` (H, W, 3), in place, at sub-pixel positions."""
    pen = _Pen(picture, face)
    shadow = _tinted(face.skin, 0.8)
    pen.oval((0, -0.03), (0.39, 0.52), _BROWN)
    pen.oval((0, 0.03), (0.34, 0.47), face.skin)
    for side in (-1.0, 1.0):
        pen.oval((side * 0.35, 0.04), (0.04, 0.09), shadow, turned=False)
        _draw_eye(pen, side, face)
        _draw_brow(pen, side, face)
    pen.oval((0, 0.1), (0.045, 0.1), _tinted(face.skin, 0.93))
    pen.oval((0, 0.18), (0.065, 0.03), shadow)
    _draw_mouth(pen, face)


def _draw_eye(pen: _Pen, side: float, face: DrawnFace) -> None:
    eye = (side * 0.15, -0.06)
    opening = 0.042 * face.eyes_open
    pen.oval(eye, (0.078, 0.055), _tinted(face.skin, 0.88))
    if opening > 0.004:
        pen.oval(eye, (0.068, opening), _WHITE)
        pen.oval(eye, (min(0.032, opening), min(0.032, opening)), _IRIS)
        pen.oval(eye, (min(0.015, opening), min(0.015, opening)), (12, 12, 12))
    pen.line([(eye[0] - 0.068, eye[1]), (eye[0], eye[1] - opening), (eye[0] + 0.068, eye[1])], 0.012, _BROWN)


def _draw_brow(pen: _Pen, side: float, face: DrawnFace) -> None:
    height = -0.15 - 0.04 * face.brows_up
    inner = height + 0.015 - 0.015 * face.brows_up
    pen.line([(side * 0.07, inner), (side * 0.15, height - 0.015), (side * 0.23, height + 0.01)], 0.024, _BROWN)


def _draw_mouth(pen: _Pen, face: DrawnFace) -> None:
    half_width = 0.115 + 0.03 * face.smile - 0.02 * face.mouth_open
    corner = 0.29 - 0.035 * face.smile
    opening = 0.11 * face.mouth_open
    steps = np.linspace(-1, 1, 13)
    arch = 1 - steps**2
    middle = corner + (0.29 + 0.01 * face.smile - corner) * arch
    upper = np.stack([steps * half_width, middle - (0.02 + 0.2 * opening) * arch], axis=1)
    lower = np.stack([steps * half_width, middle + (0.025 + opening) * arch], axis=1)
    pen.polygon(np.concatenate([upper, lower[::-1]]), _LIPS)
    if opening > 0.005:
        inner_upper = np.stack([steps * half_width * 0.85, middle - 0.2 * opening * arch], axis=1)
        inner_lower = np.stack([steps * half_width * 0.85, middle + 0.9 * opening * arch], axis=1)
        pen.polygon(np.concatenate([inner_upper, inner_lower[::-1]]), _MOUTH)
        teeth = np.stack([steps * half_width * 0.7, middle + 0.1 * opening * arch], axis=1)
        pen.polygon(np.concatenate([inner_upper[1:-1], teeth[1:-1][::-1]]), _WHITE)


def _tinted(color: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    red, green, blue = (min(255, round(part * factor)) for part in color)
    return red, green, blue


class _Pen:
    """Draws in face units: the origin between the features, 1 = the height of the head."""

    def __init__(self, picture: RgbPicture, face: DrawnFace) -> None:
        self._picture = picture
        self._face = face
        angle = math.radians(face.roll_deg)
        self._turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def oval(
        self,
        center: tuple[float, float],
        radii: tuple[float, float],
        color: tuple[int, int, int],
        *,
        turned: bool = True,
    ) -> None:
        angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        points = np.stack([center[0] + radii[0] * np.cos(angles), center[1] + radii[1] * np.sin(angles)], axis=1)
        cv2.fillPoly(self._picture, [self._to_px(points, turned)], color, cv2.LINE_AA, _SHIFT)

    def polygon(self, points: npt.NDArray[np.float64], color: tuple[int, int, int]) -> None:
        cv2.fillPoly(self._picture, [self._to_px(points)], color, cv2.LINE_AA, _SHIFT)

    def line(self, points: list[tuple[float, float]], width: float, color: tuple[int, int, int]) -> None:
        thickness = max(1, round(width * self._face.height_px))
        cv2.polylines(self._picture, [self._to_px(np.array(points))], False, color, thickness, cv2.LINE_AA, _SHIFT)

    def _to_px(self, points: npt.NDArray[np.float64], turned: bool = True) -> npt.NDArray[np.int32]:
        depth = 1 - (points**2).sum(axis=1)
        moved = points + (np.stack([0.16 * self._face.yaw * depth, np.zeros_like(depth)], axis=1) if turned else 0.0)
        placed = moved @ self._turn.T * self._face.height_px + np.array(self._face.center_px)
        # OpenCV puts pixel i's centre at i; here pixel i covers [i, i + 1).
        return np.asarray(np.rint((placed - 0.5) * (1 << _SHIFT)), np.int32)
