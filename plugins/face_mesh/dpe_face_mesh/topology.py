"""Which vertices of the 478-point mesh make up which part of the face.

The numbers are facts of the face model's topology. Left and right are the picture's: the person's
right eye is on the picture's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "BLENDSHAPE_INPUTS",
    "BLENDSHAPE_NAMES",
    "EYES",
    "INNER_LIPS",
    "INNER_LIP_PAIRS",
    "LIP_RINGS",
    "MOUTH_CORNERS",
    "NUM_VERTICES",
    "OUTER_LIPS",
    "OVAL",
    "RIGID",
    "Eye",
]

NUM_VERTICES = 478

OVAL = np.array(
    [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
    + [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
)
"""The border of the face, clockwise in the picture from the top of the forehead."""

RIGID = np.array([10, 151, 9, 8, 168, 6, 197, 195, 127, 356, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389])
"""Forehead, temples and bridge of the nose: what expression hardly moves."""

INNER_LIPS = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95])
"""The border of the mouth opening, from the picture's left corner over the upper lip."""

OUTER_LIPS = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146])
"""The border of the lips, entry by entry outside `INNER_LIPS`."""

LIP_RINGS = np.array(
    [
        OUTER_LIPS,
        [76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 307, 320, 404, 315, 16, 85, 180, 90, 77],
        [62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 325, 319, 403, 316, 15, 86, 179, 89, 96],
        INNER_LIPS,
    ]
)
"""(4, 20) rings of the lips from outside to inside; entries of one column lie along one line across the lip."""

INNER_LIP_PAIRS = np.array(
    [(191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324)]
)
"""(upper, lower) vertices that touch where the lips touch."""

MOUTH_CORNERS = (78, 308)


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye's vertices."""

    ring: npt.NDArray[np.int64]
    """Border of the eye opening."""
    lid_pairs: npt.NDArray[np.int64]
    """(upper, lower) lid vertices that touch where the lids touch."""
    corners: tuple[int, int]
    iris: npt.NDArray[np.int64]
    """Centre first, then four on its border."""


EYES = (
    Eye(
        np.array([33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]),
        np.array([(246, 7), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154), (173, 155)]),
        (33, 133),
        np.arange(468, 473),
    ),
    Eye(
        np.array([263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]),
        np.array([(466, 249), (388, 390), (387, 373), (386, 374), (385, 380), (384, 381), (398, 382)]),
        (263, 362),
        np.arange(473, 478),
    ),
)

BLENDSHAPE_INPUTS = np.array(
    [0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78]
    + [80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150]
    + [152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197]
    + [234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308]
    + [310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377]
    + [378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466]
    + [468, 469, 470, 471, 472, 473, 474, 475, 476, 477]
)
"""Vertices that the blendshape network reads, in its order."""

BLENDSHAPE_NAMES = [
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
]
"""The network's 52 outputs, in order."""
