"""Compositor ``poisson``: the edit's gradients, the footage's light."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dpe_poisson_blend.membrane import membrane
from dpe_poisson_blend.options import PoissonOptions
from dpe_toolkit.api import Composited, FaceBatch, Generated, WindowShape

__all__ = ["PoissonCompositor"]

FloatArray = npt.NDArray[np.float32]
_OUTLINE = 17
"""Landmarks from which their hull is taken for the face's outline; the hull of eyes, nose and mouth is not."""
_LEAST_CLONED = 9
"""Pixels below which there is nothing to clone."""


class PoissonCompositor:
    """Adds to the edited face the smoothest correction that makes it agree with the footage along its edge.

    What is solved is the same as pasting the edit's gradients (Pérez et al., equation 4), written for the
    difference: it is harmonic inside, and on the edge it is what the footage differs from the edit.
    """

    def __init__(self, options: PoissonOptions) -> None:
        self._options = options

    def composite(self, source: FaceBatch, edited: Generated) -> Composited:
        """Pixels and matte of N windows; pixels that the generator left alone stay as they are."""
        changed = (edited.pixels != source.pixels).any(dim=1, keepdim=True)
        distance = self._depth_px(source, edited)
        inside = changed & (distance > 0)
        if self._options.method == "opencv":
            pixels = _cloned(source.pixels, edited.pixels, inside)
        else:
            correction = membrane(source.pixels - edited.pixels, inside, cycles=self._options.cycles)
            pixels = edited.pixels + correction
        matte = (distance / max(self._options.feather_px, 1.0)).clamp(0, 1)
        if edited.confidence is not None:
            matte = matte * edited.confidence
        return Composited(torch.where(inside, pixels, source.pixels), matte)

    def _depth_px(self, source: FaceBatch, edited: Generated) -> Tensor:
        """(N, 1, h, w) how far each pixel lies inside the grown hull of the face before and after; 0 outside."""
        height, width = source.pixels.shape[2:]
        depth = np.zeros((len(source), height, width), np.float32)
        before, after = (points[..., :2].cpu().numpy() for points in (source.landmarks_px, edited.landmarks_px))
        for row in range(len(source)):
            points = np.concatenate([before[row], after[row]])
            if len(before[row]) < _OUTLINE:
                points = _oval((width, height))
            hull = cv2.convexHull(points.astype(np.float32))[:, 0]
            centre = hull.mean(axis=0)
            grown = centre + (hull - centre) * self._options.reach
            filled = np.zeros((height + 2, width + 2), np.uint8)
            cv2.fillConvexPoly(filled, np.round((grown + 0.5) * 16).astype(np.int32), 1, shift=4)
            filled[[0, -1]] = 0
            filled[:, [0, -1]] = 0
            depth[row] = cv2.distanceTransform(filled, cv2.DIST_L2, 3)[1:-1, 1:-1]
        return torch.from_numpy(depth)[:, None].to(source.pixels.device)


def _oval(size: tuple[int, int]) -> FloatArray:
    """(32, 2) where a face lies in its window, for detectors that give too few landmarks for an outline."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    half = np.array(size, np.float32) / 2
    return np.asarray(half + half / WindowShape().margin * np.stack([np.cos(angle), np.sin(angle)], axis=1), np.float32)


def _cloned(source: Tensor, edited: Tensor, inside: Tensor) -> Tensor:
    """The same by OpenCV: what it changed of the edit, in steps of 8 bits, added to the edit itself."""
    result = edited.clone()
    for row in range(len(source)):
        area = inside[row, 0].cpu().to(torch.uint8).numpy() * 255
        area[[0, -1]] = 0
        area[:, [0, -1]] = 0
        if np.count_nonzero(area) < _LEAST_CLONED:
            continue
        theirs, own = (_bytes(pixels[row]) for pixels in (edited, source))
        left, top, width, height = cv2.boundingRect(area)
        middle = (left + width // 2, top + height // 2)
        cloned = cv2.seamlessClone(theirs, own, area, middle, cv2.NORMAL_CLONE)
        change = (cloned.astype(np.float32) - theirs) / 255
        result[row] += torch.from_numpy(change).permute(2, 0, 1).to(result)
    return result


def _bytes(pixels: Tensor) -> npt.NDArray[np.uint8]:
    rounded = (pixels.clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    return np.ascontiguousarray(rounded.permute(1, 2, 0).cpu().numpy())
