"""Which vertices of the face mesh are which part of the face.

The mesh has 478 vertices: 468 on the face and, after them, five on each iris. The numbers are facts of the face
model (MediaPipe's). Left and right are the image's: the person's right eye is on the image's left. Arrays are int64
and shared: nobody writes to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "BEARD_OUTLINE",
    "BROWS",
    "EYES",
    "EYE_RINGS",
    "FACE_OVAL",
    "INNER_LIPS",
    "INNER_LIP_PAIRS",
    "JAW_LINE",
    "LID_PAIRS",
    "LIP_RINGS",
    "LIP_SURROUND",
    "MOUSTACHE_OUTLINE",
    "MOUTH_CORNERS",
    "NOSE_BASE",
    "NOSE_BRIDGE",
    "NUM_FACE_VERTICES",
    "NUM_MESH_VERTICES",
    "OUTER_LIPS",
    "RIGID_VERTICES",
    "Eye",
]

IntArray = npt.NDArray[np.int64]

NUM_MESH_VERTICES = 478
"""Vertices of the mesh, irises included."""

NUM_FACE_VERTICES = 468
"""Vertices of the face alone, which come first and which the canonical face has."""

FACE_OVAL: IntArray = np.array(
    [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
    + [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
)
"""(36,) the border of the face, clockwise in the image from the top of the forehead."""

JAW_LINE: IntArray = FACE_OVAL[26:9:-1].copy()
"""(17,) the lower part of the border, from the image's left ear over the chin to the right one."""

RIGID_VERTICES: IntArray = np.array(
    [10, 151, 9, 8, 168, 6, 197, 195, 127, 356, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389]
)
"""(22,) forehead, temples and bridge of the nose: what expression hardly moves, and what defines the pose."""

LIP_RINGS: IntArray = np.array(
    [
        [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146],
        [76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 307, 320, 404, 315, 16, 85, 180, 90, 77],
        [62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96],
        [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95],
    ]
)
"""(4, 20) rings of the lips from outside to inside, each from the image's left corner over the upper lip and back
along the lower; entries of one column lie along one line across the lip."""

OUTER_LIPS: IntArray = LIP_RINGS[0].copy()
"""(20,) the border of the lips."""

INNER_LIPS: IntArray = LIP_RINGS[-1].copy()
"""(20,) the border of the mouth opening."""

INNER_LIP_PAIRS: IntArray = np.stack([INNER_LIPS[1:10], INNER_LIPS[:10:-1]], axis=1)
"""(9, 2) upper and lower vertices that touch where the lips touch, from the image's left."""

MOUTH_CORNERS = (78, 308)
"""Left and right corner of the mouth opening."""

LIP_SURROUND: IntArray = np.array(
    [57, 43, 106, 182, 83, 18, 313, 406, 335, 273, 287, 410, 322, 391, 393, 164, 167, 165, 92, 186]
)
"""(20,) skin around the lips, from the image's left corner below the lower lip and back above the upper."""

MOUSTACHE_OUTLINE: IntArray = np.concatenate([LIP_SURROUND[[0, *range(-1, -10, -1), 10]], OUTER_LIPS[9:0:-1]])
"""(20,) the skin between nose and upper lip: its upper border from the image's left, then the lip's back."""

BEARD_OUTLINE: IntArray = np.concatenate([JAW_LINE, [435, 434, 432, 422, 406, 18, 182, 202, 212, 214, 215]])
"""(28,) chin and lower cheeks: `JAW_LINE`, then back below the lower lip."""

NOSE_BRIDGE = 168
"""Between the eyes."""

NOSE_BASE = 2
"""Where the nose meets the upper lip."""

BROWS: IntArray = np.array(
    [
        [(70, 46), (63, 53), (105, 52), (66, 65), (107, 55)],
        [(300, 276), (293, 283), (334, 282), (296, 295), (336, 285)],
    ]
)
"""(2, 5, 2) upper and lower border of the left and the right brow, from the temple to the nose."""

EYE_RINGS: IntArray = np.array(
    [
        [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7],
        [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249],
    ]
)
"""(2, 16) borders of the left and the right eye opening: outer corner, upper lid, inner corner, lower lid."""

LID_PAIRS: IntArray = np.stack([EYE_RINGS[:, 1:8], EYE_RINGS[:, :8:-1]], axis=2)
"""(2, 7, 2) upper and lower vertices of each eye that touch where the lids touch, from the outer corner."""


@dataclass(frozen=True, slots=True)
class Eye:
    """Vertices of one eye."""

    ring: IntArray
    """(16,) border of the eye opening, a row of `EYE_RINGS`."""
    lid_pairs: IntArray
    """(7, 2) upper and lower lid vertices that touch where the lids touch."""
    corners: tuple[int, int]
    """Outer and inner corner."""
    iris: IntArray
    """(5,) centre, then four on the border; the canonical face has none of them."""


EYES = (
    Eye(EYE_RINGS[0].copy(), LID_PAIRS[0].copy(), (33, 133), np.arange(468, 473)),
    Eye(EYE_RINGS[1].copy(), LID_PAIRS[1].copy(), (263, 362), np.arange(473, 478)),
)
"""The eye on the image's left, then the right one."""
