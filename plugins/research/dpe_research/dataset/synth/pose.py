"""Where the synthetic head is and which way it looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dpe_toolkit.api.face import FACE_WIDTH_CM

__all__ = ["FRONTAL", "Pose"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """A head seen by a distant camera (no perspective). The signs are those of `FaceReading.pose_deg` and `.place`."""

    yaw_deg: float = 0.0
    """Positive turns the face to the picture's right."""
    pitch_deg: float = 0.0
    """Positive turns it up."""
    roll_deg: float = 0.0
    """Positive tilts it clockwise in the picture."""
    x: float = 0.5
    """Where the origin of the canonical face (behind the nose) lies, in shares of the picture's width."""
    y: float = 0.48
    size: float = 0.54
    """Width of the canonical face in shares of the picture's width."""

    def rotation(self) -> FloatArray:
        """(3, 3) from the head's axes to the picture's: pitch first, then yaw, then roll.

        So turning the picture itself changes the roll alone.
        """
        (cy, sy), (cp, sp), (cr, sr) = (
            (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
            for angle in (self.yaw_deg, self.pitch_deg, self.roll_deg)
        )
        yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        pitch = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
        roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return np.asarray(np.einsum("ij,jk,kl->il", roll, yaw, pitch))

    def to_picture(self, points_cm: FloatArray, size_px: int) -> FloatArray:
        """(V, 3) points of the head in picture pixels, z in the same scale."""
        scale = self.size * size_px / FACE_WIDTH_CM
        turned = np.einsum("vi,ji->vj", points_cm, self.rotation() * scale)
        return np.asarray(turned + (self.x * size_px, self.y * size_px, 0.0))

    def angles_deg(self) -> npt.NDArray[np.float32]:
        """(3,) yaw, pitch, roll, as the truth of `FaceReading.pose_deg`."""
        return np.array([self.yaw_deg, self.pitch_deg, self.roll_deg], np.float32)

    def place(self) -> npt.NDArray[np.float32]:
        """(3,) x, y and size, as the truth of `FaceReading.place`."""
        return np.array([self.x, self.y, self.size], np.float32)


FRONTAL = Pose()
"""Facing the camera in the middle of the picture."""
