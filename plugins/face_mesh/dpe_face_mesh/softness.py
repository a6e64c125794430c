"""How much softer one camera's picture is than another's, so that lent pixels do not stand out as crisp."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from dpe_toolkit.api import FACE_OVAL, NOSE_BRIDGE, FaceBatch

__all__ = ["blur", "softness"]

_SIGMAS_PX = (0.0, 0.4, 0.6, 0.8, 1.0, 1.3)
_REGION = 0.35
_NEAR_ENOUGH = 1.15


def softness(source: FaceBatch, driver: FaceBatch) -> float:
    """Width (sigma, source pixels) of the blur that makes the driver's picture as soft as the source's.

    Compared is the Laplacian's energy over the luminance's variance, in a circle that holds eyes, brows and
    the bridge of the nose, with the driver shrunk or grown to the size of the source's face.

    Source: our choice. Crisp teeth in a soft picture look pasted in.
    """
    own_size, size = (_face_px(faces) for faces in (source, driver))
    own = _detail(source.pixels, source.landmarks_px[:, NOSE_BRIDGE, :2], own_size)
    scale = own_size / size
    theirs = F.interpolate(driver.pixels, scale_factor=scale, mode="bilinear", antialias=True)
    centre = driver.landmarks_px[:, NOSE_BRIDGE, :2] * scale
    for sigma in _SIGMAS_PX:
        if _detail(blur(theirs, sigma), centre, own_size) <= own * _NEAR_ENOUGH:
            return sigma
    return _SIGMAS_PX[-1]


def blur(pixels: torch.Tensor, sigma_px: float) -> torch.Tensor:
    """(N, C, h, w) through a Gaussian; the border is repeated."""
    if sigma_px <= 0:
        return pixels
    reach = math.ceil(3 * sigma_px)
    steps = torch.arange(-reach, reach + 1, device=pixels.device, dtype=pixels.dtype)
    weights = torch.exp(-((steps / sigma_px) ** 2) / 2)
    taps = (weights / weights.sum()).tolist()
    height, width = pixels.shape[2:]
    padded = F.pad(pixels, (reach, reach, reach, reach), mode="replicate")
    nothing = torch.zeros((), device=pixels.device)
    across = sum((tap * padded[..., i : i + width] for i, tap in enumerate(taps)), start=nothing)
    return sum((tap * across[:, :, i : i + height] for i, tap in enumerate(taps)), start=nothing)


def _face_px(faces: FaceBatch) -> float:
    across = faces.landmarks_px[:, FACE_OVAL, 0]
    return float((across.amax(1) - across.amin(1)).mean())


def _detail(pixels: torch.Tensor, centre: torch.Tensor, face_px: float) -> float:
    """Laplacian energy over variance of the luminance near ``centre`` (N, 2), mean over the windows."""
    light = pixels.mean(dim=1)
    laplacian = 4 * light[:, 1:-1, 1:-1] - light[:, :-2, 1:-1] - light[:, 2:, 1:-1]
    laplacian = laplacian - light[:, 1:-1, :-2] - light[:, 1:-1, 2:]
    light = light[:, 1:-1, 1:-1]
    rows = torch.arange(light.shape[1], device=light.device)[None, :, None] + 1.5 - centre[:, 1, None, None]
    columns = torch.arange(light.shape[2], device=light.device)[None, None, :] + 1.5 - centre[:, 0, None, None]
    inside = (rows**2 + columns**2 < (_REGION * face_px) ** 2).to(light.dtype)
    count = inside.sum().clamp_min(1)
    mean = (light * inside).sum() / count
    spread = ((light - mean) ** 2 * inside).sum() / count
    return float((laplacian**2 * inside).sum() / count / spread.clamp_min(1e-6))
