"""Compositor ``multiband``: Laplacian pyramids."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_multiband_blend.options import MultibandOptions
from dpe_multiband_blend.pyramid import blend_bands
from dpe_toolkit.api import Composited, FaceBatch, Generated, WindowShape

__all__ = ["MultibandCompositor"]

FloatArray = npt.NDArray[np.float32]
_OUTLINE = 17
"""Landmarks from which their hull is taken for the face's outline; the hull of eyes, nose and mouth is not."""


class MultibandCompositor:
    """Blends the hull of the face band by band, within what the generator changed and the window holds."""

    def __init__(self, options: MultibandOptions) -> None:
        self._options = options

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """Pixels and matte of N windows; pixels that the generator left alone stay as they are."""
        changed = (edited.pixels != source.pixels).any(dim=1, keepdim=True)
        hull, room_px = self._areas(source, edited, changed)
        blended = blend_bands(edited.pixels, source.pixels, hull, self._options.bands)
        # Coarse bands reach beyond the hull, so what bounds them is the room there is.
        ramp = (room_px / self._options.edge_px).clamp(0, 1)
        matte = ramp * ramp * (3 - 2 * ramp)
        if edited.confidence is not None:
            matte = matte * edited.confidence
        return Composited(torch.where(changed, blended, source.pixels), matte)

    def _areas(self, source: FaceBatch, edited: Generated, changed: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, h, w) 1 in the grown hull of the face before and after, and how far inside the change each pixel is.

        The window's rim bounds the change as well, since nothing can be blended beyond it.
        """
        height, width = source.pixels.shape[2:]
        hulls, rooms = (np.zeros((len(source), height, width), np.float32) for _ in range(2))
        before, after = (points[..., :2].cpu().numpy() for points in (source.landmarks_px, edited.landmarks_px))
        for row, area in enumerate(changed[:, 0].cpu().numpy().astype(np.uint8)):
            points = np.concatenate([before[row], after[row]])
            if len(before[row]) < _OUTLINE:
                points = _oval((width, height))
            hull = cv2.convexHull(points.astype(np.float32))[:, 0]
            centre = hull.mean(axis=0)
            grown = np.round((centre + (hull - centre) * self._options.reach - 0.5) * 16)
            cv2.fillConvexPoly(hulls[row], grown.astype(np.int32), 1.0, shift=4)
            rooms[row] = cv2.distanceTransform(np.pad(area, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        return tuple(torch.from_numpy(values)[:, None].to(source.pixels.device) for values in (hulls, rooms))  # type: ignore[return-value] # two


def _oval(size: tuple[int, int]) -> FloatArray:
    """(32, 2) where a face lies in its window, for detectors that give too few landmarks for an outline."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    half = np.array(size, np.float32) / 2
    return np.asarray(half + half / WindowShape().margin * np.stack([np.cos(angle), np.sin(angle)], axis=1), np.float32)
