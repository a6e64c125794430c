"""One person's colours and sharpness as they would be on another, so that a texture donor does not stand out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from dpe_toolkit.api import FaceBatch
from dpe_toolkit.api.face import FACE_OVAL, LIP_SURROUND, NOSE_BRIDGE

__all__ = ["ColourMatch", "blur", "match_colours", "matching_blur_px", "skin_colour"]

_WHITER_THAN_SKIN = torch.tensor([1.0, 1.3, 1.4])
"""White against light skin: (1, 1, 1) over about (1, 0.77, 0.7)."""
_SIGMAS_PX = (0.0, 0.4, 0.6, 0.8, 1.0, 1.3)
"""Blurs that are tried, least first."""
_REGION = 0.35
"""Radius of the compared circle over the face's width."""
_NEAR_ENOUGH = 1.15
"""Detail over the source's from which no more blur is added."""


@dataclass(frozen=True, slots=True)
class ColourMatch:
    """One person's colours as they would be on another, for the inside of the mouth."""

    gain: torch.Tensor
    """(3,) factor of each channel."""
    skin: torch.Tensor | None = None
    """(3,) skin that the result stands in, None for no bound. Nothing in a mouth is greener or bluer, for its
    red, than about white under the light that the skin shows: it bounds what a gain makes of dark pixels."""
    blur_px: float = 0.0
    """Blur (one sigma) that brings the one camera's sharpness down to the other's."""

    def apply(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, h, w) pixels of the one person in the colours and the sharpness of the other."""
        matched = blur(pixels, self.blur_px) * self.gain[:, None, None]
        if self.skin is None:
            return matched
        most = (_WHITER_THAN_SKIN.to(pixels.device) * self.skin / self.skin[0].clamp_min(0.02))[:, None, None]
        return torch.minimum(matched, matched[:, :1].clamp_min(0) * most)


def match_colours(source: FaceBatch, driver: FaceBatch) -> ColourMatch:
    """From the driver's skin and sharpness to the source's, by what both show of their faces in N windows each."""
    own = skin_colour(source.pixels, source.landmarks_px)
    theirs = skin_colour(driver.pixels, driver.landmarks_px)
    return ColourMatch((own / theirs.clamp_min(0.02)).clamp(0.4, 2.5), own, matching_blur_px(source, driver))


def skin_colour(pixels: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """(3,) median colour of the skin around the mouth over N windows."""
    height, width = pixels.shape[2:]
    size = torch.tensor([width, height], device=pixels.device, dtype=points.dtype)
    place = points[:, LIP_SURROUND, None, :2] * (2 / size) - 1
    colours = F.grid_sample(pixels, place, mode="bilinear", padding_mode="border", align_corners=False)
    return colours.permute(1, 0, 2, 3).reshape(3, -1).median(dim=1).values


def matching_blur_px(source: FaceBatch, driver: FaceBatch) -> float:
    """Width (sigma, source pixels) of the blur that makes the driver's image as soft as the source's.

    Compared is the Laplacian's energy over the luminance's variance, in a circle that holds eyes, brows and
    the bridge of the nose, with the driver shrunk or grown to the size of the source's face.

    Source: our choice. Crisp teeth in a soft image look pasted in.
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
    """Width of the face, mean over the windows."""
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
    variance = ((light - mean) ** 2 * inside).sum() / count
    return float((laplacian**2 * inside).sum() / count / variance.clamp_min(1e-6))
