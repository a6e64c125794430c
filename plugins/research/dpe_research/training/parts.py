"""Where a face's expression shows: mouth, eyes and brows, as masks drawn from its mesh."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from dpe_toolkit.api.face import BROWS, EYE_RINGS, LIP_RINGS

__all__ = ["NUM_VERTICES_NEEDED", "mask_parts"]

_PARTS = (LIP_RINGS[0], *(np.concatenate((EYE_RINGS[side], BROWS[side].reshape(-1))) for side in (0, 1)))
"""Vertices whose convex hulls are the lips, and each eye with its brow."""
_MARGIN = 1 / 32
"""How far masks reach beyond the hulls, in shares of the picture's width: edges are what moves."""
NUM_VERTICES_NEEDED = 1 + max(int(part.max()) for part in _PARTS)
"""Vertices that a mesh of the bundled face model has at least."""


def mask_parts(mesh_px: Tensor, size_px: int) -> Tensor:
    """Masks of the parts of each face whose changes are an expression.

    They are about a sixth of a picture that a face fills, and far less of one that it does not, so a distance over
    the whole picture hardly sees an expression change. Source: our choice.

    Args:
        mesh_px: (N, V, 2 or 3) meshes of the bundled face model in pixels; V is at least `NUM_VERTICES_NEEDED`.
        size_px: side S of the pictures.

    Returns:
        (N, 1, S, S) uint8, 1 within a part.
    """
    points_px = np.asarray(mesh_px[..., :2].detach().cpu().numpy(), np.float32)
    margin = 2 * max(1, round(_MARGIN * size_px)) + 1
    brush = np.ones((margin, margin), np.uint8)
    masks = np.zeros((len(points_px), size_px, size_px), np.uint8)
    for mask, points in zip(masks, points_px, strict=True):
        for part in _PARTS:
            # Pixel k covers [k, k + 1), so a point at 0.5 is the first pixel's middle.
            corners = np.floor(points[part]).astype(np.int32)
            cv2.fillConvexPoly(mask, cv2.convexHull(corners), 1)
        cv2.dilate(mask, brush, dst=mask)
    return torch.from_numpy(masks)[:, None]
