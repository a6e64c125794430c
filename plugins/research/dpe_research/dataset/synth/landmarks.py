"""Which vertices of the 468-vertex face are which. Left and right in names of vertices are the picture's.

The numbers are facts of the face model's topology; a test compares them with those of plugin face_mesh.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BLENDSHAPE_NAMES", "BROWS", "EYE_RINGS", "LID_PAIRS", "LIP_RINGS", "OVAL", "RIGID"]

IntArray = npt.NDArray[np.int64]

OVAL: IntArray = np.array(
    [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
    + [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
)
"""The border of the face, clockwise in the picture from the top of the forehead."""

RIGID: IntArray = np.array(
    [10, 151, 9, 8, 168, 6, 197, 195, 127, 356, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389]
)
"""Forehead, temples and bridge of the nose: what expression hardly moves, and what defines the pose."""

LIP_RINGS: IntArray = np.array(
    [
        [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146],
        [76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 307, 320, 404, 315, 16, 85, 180, 90, 77],
        [62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96],
        [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95],
    ]
)
"""(4, 20) rings of the lips from outside to inside, from the left corner over the upper lip and back below."""

EYE_RINGS: IntArray = np.array(
    [
        [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7],
        [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249],
    ]
)
"""(2, 16) borders of the eye openings of the left and the right eye: outer corner, upper lid, inner, lower lid."""

LID_PAIRS: IntArray = np.array(
    [
        [(246, 7), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154), (173, 155)],
        [(466, 249), (388, 390), (387, 373), (386, 374), (385, 380), (384, 381), (398, 382)],
    ]
)
"""(2, 7, 2) upper and lower vertices that touch where the lids touch."""

BROWS: IntArray = np.array(
    [
        [(70, 46), (63, 53), (105, 52), (66, 65), (107, 55)],
        [(300, 276), (293, 283), (334, 282), (296, 295), (336, 285)],
    ]
)
"""(2, 5, 2) upper and lower border of the brows, from the temple to the nose."""

BLENDSHAPE_NAMES: tuple[str, ...] = (
    "_neutral",
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight"),
    *("eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft"),
    *("eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight"),
    *("eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft"),
    *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker"),
    *("mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft"),
    *("mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)
"""The 52 activities that face models report, in their usual order; Left and Right are the person's here."""
