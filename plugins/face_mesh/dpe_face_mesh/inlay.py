"""Lent pixels set into an edited window: mapped by mesh, matched in colour, feathered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from dpe_face_mesh.boxes import box_of, same_sized
from dpe_face_mesh.lips import seam_points
from dpe_face_mesh.patches import Patch
from dpe_face_mesh.raster import spread
from dpe_face_mesh.softness import blur
from dpe_toolkit.api import LIP_RINGS, LIP_SURROUND

__all__ = ["ColourMatch", "Lender", "inlay", "seam", "skin_colour"]

_WHITER_THAN_SKIN = torch.tensor([1.0, 1.3, 1.4])
"""White against light skin: (1, 1, 1) over about (1, 0.77, 0.7)."""
_LEAST_RIM = 0.01
_BOX_PX = 16
"""Sizes of boxes are multiples of this, so that neighbouring frames mostly share one."""
_SEAM_SHADE = 0.75


@dataclass(frozen=True, slots=True)
class ColourMatch:
    """One person's colours as they would be on another, for the inside of the mouth."""

    gain: torch.Tensor
    """(3,) factor of each channel."""
    skin: torch.Tensor | None = None
    """(3,) skin that the result stands in, None for no bound. Nothing in a mouth is greener or bluer, for its
    red, than about white under the light that the skin shows: it bounds what a gain makes of dark pixels."""
    softness_px: float = 0.0
    """Blur (one sigma) that brings the one camera's sharpness down to the other's."""

    def apply(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, h, w) matched pixels."""
        matched = blur(pixels, self.softness_px) * self.gain[:, None, None]
        if self.skin is None:
            return matched
        most = (_WHITER_THAN_SKIN.to(pixels.device) * self.skin / self.skin[0].clamp_min(0.02))[:, None, None]
        return torch.minimum(matched, matched[:, :1].clamp_min(0) * most)


@dataclass(frozen=True, slots=True)
class Lender:
    """Where one set of lent pixels comes from."""

    pixels: torch.Tensor
    """(N or 1, 3, h, w)."""
    points: torch.Tensor
    """(N or 1, 478, 3) its mesh in its own pixels."""
    weight: torch.Tensor
    """(N,) its share."""
    colour: ColourMatch | None = None
    """How its colours are taken over; None to match the rim of the patch frame by frame."""


def seam(window: torch.Tensor, points: torch.Tensor, weight: torch.Tensor) -> Lender:
    """Lips that lend the line along which they meet: their own colour, in shadow, instead of crushed teeth.

    Args:
        window: (N, 3, h, w) source windows.
        points: (N, 478, 3) their meshes.
        weight: (N,) how far the mouth is shut.
    """
    lips = points.clone()
    for ring in LIP_RINGS[2:]:
        lips[:, ring] = seam_points(points)
    return Lender(window, lips, weight, ColourMatch(torch.full((3,), _SEAM_SHADE, device=window.device)))


def inlay(
    window: torch.Tensor, target: torch.Tensor, patch: Patch, lenders: list[Lender], *, grow: torch.Tensor, edge_px: int
) -> torch.Tensor:
    """The windows with one patch taken, by share, from the lenders.

    Args:
        window: (N, 3, h, w) warped windows; not changed.
        target: (N, 478, 3) the mesh that they show.
        patch: the opening.
        lenders: their weights need not sum to 1; the rest stays the window's own.
        grow: (N,) 0 to 1, how much the line between shut lips is taken from the lenders as well.
        edge_px: half the width of the matte's hard edge; one for a whole shot, so that a frame does not
            depend on those that are rendered with it.
    """
    lending = torch.stack([lender.weight for lender in lenders]).sum(0).nonzero()[:, 0]
    out = window.clone()
    if not len(lending):
        return out
    triangles = patch.near if patch.hard_edge else patch.around
    origins, sizes = _boxes(target[lending][:, np.unique(triangles)], window.shape[2:], 2 + 2 * edge_px)
    for size_px, alike in same_sized(sizes):
        rows, origin = lending[alike], origins[alike]
        picked = [_rows(lender, rows) for lender in lenders]
        part = torch.stack([box_of(window[row], at, size_px) for row, at in zip(rows, origin, strict=True)])
        shown = target[rows].clone()
        shown[..., :2] -= origin[:, None].to(target.dtype)
        blended = _blend(part, shown, patch, picked, grow=grow[rows], edge_px=edge_px)
        for row, at, pixels in zip(rows, origin, blended, strict=True):
            box_of(out[row], at, size_px).copy_(pixels)
    return out


def _rows(lender: Lender, rows: torch.Tensor) -> Lender:
    """The lender of these rows; what one row lends to all stays one row."""
    pixels, points = (v if len(v) == 1 else v[rows] for v in (lender.pixels, lender.points))
    return Lender(pixels, points, lender.weight[rows], lender.colour)


def _blend(
    own: torch.Tensor, local: torch.Tensor, patch: Patch, lenders: list[Lender], *, grow: torch.Tensor, edge_px: int
) -> torch.Tensor:
    """(N, 3, h, w) the parts ``own`` of the windows that the patch can reach, blended; ``local`` is their mesh."""
    height, width = own.shape[2:]
    core = torch.zeros(1, local.shape[1], 1, device=own.device)
    core[:, patch.border if patch.hard_edge else np.unique(patch.near)] = 1
    carried = [core, *(lender.points[..., :2] for lender in lenders)]
    values = torch.cat([value.expand(len(own), -1, -1) for value in carried], dim=2)
    maps, known = spread(local, values, torch.from_numpy(patch.around).to(own.device), (width, height))
    matte = _smooth(maps[:, :1])
    if patch.hard_edge:
        # a line of shut lips has no inside to be covered: there the vertex value, which falls off over the lips, counts
        seam_line = _smooth(((maps[:, :1] - 0.05) / 0.6).clamp(0, 1)) * grow[:, None, None, None]
        matte = torch.maximum(_mouth_matte(local, patch, (width, height), edge_px), seam_line)
    matte = matte * known
    mixed, total = torch.zeros_like(own), torch.zeros(len(own), 1, 1, 1, device=own.device)
    for number, lender in enumerate(lenders):
        lent = _read(lender.pixels, maps[:, 2 * number + 1 : 2 * number + 3])
        matched = lent * _rim_gain(own, lent, matte) if lender.colour is None else lender.colour.apply(lent)
        weight = lender.weight[:, None, None, None]
        mixed = mixed + weight * matched
        total = total + weight
    return own + matte * (mixed - total * own)


def _boxes(points: torch.Tensor, limits: torch.Size, margin: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 2) whole origins and (N, 2) sizes that hold the points of each frame, whatever is drawn with it."""
    low, high = points[..., :2].amin(1).floor() - margin, points[..., :2].amax(1).ceil() + margin
    limit = torch.tensor([limits[1], limits[0]], device=points.device)
    size = torch.minimum(((high - low) / _BOX_PX).ceil().long() * _BOX_PX, limit)
    return torch.minimum(low.long().clamp_min(0), limit - size), size


def _mouth_matte(local: torch.Tensor, patch: Patch, size_px: tuple[int, int], radius: int) -> torch.Tensor:
    """(N, 1, h, w) 1 inside the mouth, ending at the lips within a pixel or two.

    (Lids have no such edge: their matte is a vertex value that runs out over the skin around.)
    """
    nothing = local[..., :1]
    covered = spread(local, nothing, torch.from_numpy(patch.interior).to(local.device), size_px).covered.to(local.dtype)
    kernel = 2 * radius + 1
    soft = F.avg_pool2d(F.avg_pool2d(covered, kernel, 1, radius), kernel, 1, radius)
    return _smooth((soft * 1.25).clamp(max=1))


def _smooth(value: torch.Tensor) -> torch.Tensor:
    return value * value * (3 - 2 * value)


def _read(pixels: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """The lender's pixels at (N, 2, h, w) positions in its own pixels."""
    height, width = pixels.shape[2:]
    size = torch.tensor([width, height], device=pixels.device, dtype=place.dtype)
    grid = place.permute(0, 2, 3, 1) * (2 / size) - 1
    pixels = pixels.expand(len(place), -1, -1, -1)
    return F.grid_sample(pixels, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _rim_gain(own: torch.Tensor, lent: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """(N, 3, 1, 1) gain that makes the lent pixels meet the window's where the matte runs out."""
    rim = matte * (1 - matte)
    own_sum, lent_sum = ((pixels * rim).sum((2, 3), keepdim=True) for pixels in (own, lent))
    gain = (own_sum + _LEAST_RIM) / (lent_sum.clamp_min(0) + _LEAST_RIM)
    return gain.clamp(0.7, 1.4)


def skin_colour(pixels: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """(3,) median colour of the skin around the mouth over N windows."""
    height, width = pixels.shape[2:]
    size = torch.tensor([width, height], device=pixels.device, dtype=points.dtype)
    place = points[:, LIP_SURROUND, None, :2] * (2 / size) - 1
    colours = F.grid_sample(pixels, place, mode="bilinear", padding_mode="border", align_corners=False)
    return colours.permute(1, 0, 2, 3).reshape(3, -1).median(dim=1).values
