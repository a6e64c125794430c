"""Compositor ``feather``: a soft matte from the face's hull, before and after the edit."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch

from dpe_feather_blend.options import FeatherOptions
from dpe_toolkit.api import Composited, FaceBatch, Generated, WindowShape

__all__ = ["FeatherCompositor"]

FloatArray = npt.NDArray[np.float32]
_REACH = 1.25
_OUTLINE = 17
"""Landmarks from which their hull is taken for the face's outline; the hull of eyes, nose and mouth is not."""


class FeatherCompositor:
    """Shows the edit inside the hull of both faces, grown by a quarter, and feathers it inward.

    Generators that hold the background (as ``mesh`` does) move pixels a little beyond the face, so the
    hull is grown; it stays within 1.25 times the face about its centre.
    """

    def __init__(self, options: FeatherOptions) -> None:
        self._options = options

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """The edited pixels of N windows as they are, and a matte that runs out towards each face's border."""
        height, width = source.pixels.shape[2:]
        mattes = np.zeros((len(source), height, width), np.float32)
        before, after = (points[..., :2].cpu().numpy() for points in (source.landmarks_px, edited.landmarks_px))
        for row, (own, theirs) in enumerate(zip(before, after, strict=True)):
            if len(own) < _OUTLINE:
                own = theirs = _oval((width, height))
            hull = cv2.convexHull(np.concatenate([own, theirs]).astype(np.float32))[:, 0]
            centre = hull.mean(axis=0)
            feather = self._options.feather_px or float(np.ptp(own[:, 0])) / 12
            mattes[row] = _matte(centre + (hull - centre) * _REACH, feather, (width, height))
        matte = torch.from_numpy(mattes)[:, None].to(source.pixels.device)
        if edited.confidence is not None:
            matte = matte * edited.confidence
        pixels = edited.pixels
        if self._options.match_colour:
            pixels = _match_colour(source.pixels, pixels, matte)
        return Composited(pixels, matte)


def _oval(size: tuple[int, int]) -> FloatArray:
    """(32, 2) the oval in which a face lies whose detector gave too few landmarks: the window less its usual margin."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    half = np.array(size, np.float32) / 2
    return np.asarray(half + half / WindowShape().margin * np.stack([np.cos(angle), np.sin(angle)], axis=1), np.float32)


def _matte(hull: FloatArray, feather_px: float, size: tuple[int, int]) -> FloatArray:
    """(h, w) 0 outside the hull, rising to 1 over the feather inside it."""
    width, height = size
    # a border of zeros, so that a hull cut by the window's edge still runs out there
    inside = np.zeros((height + 2, width + 2), np.uint8)
    cv2.fillConvexPoly(inside, np.round((hull + 0.5) * 16).astype(np.int32), 1, shift=4)
    inside[[0, -1]] = 0
    inside[:, [0, -1]] = 0
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    ramp = np.clip(distance / max(feather_px, 1.0), 0, 1).astype(np.float32)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def _match_colour(source: torch.Tensor, edited: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """The edited windows with the low frequencies of their colour at the matte's rim taken from the source."""
    rim = matte * (1 - matte) + 1e-6
    change = ((source - edited) * rim).sum((2, 3), keepdim=True) / rim.sum((2, 3), keepdim=True)
    unchanged = (source == edited).all(dim=1, keepdim=True)
    return torch.where(unchanged, edited, edited + change)
