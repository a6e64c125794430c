"""Pixels of texture donors set into an edited window: mapped by mesh, matched in colour, feathered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from dpe_face_mesh.colour_match import ColourMatch
from dpe_face_mesh.openings import Opening, seam_points
from dpe_face_mesh.raster import box_in, rasterise, rows_by_size
from dpe_toolkit.api.face import LIP_RINGS

__all__ = ["TextureDonor", "inlay", "lip_seam"]

_LEAST_RIM = 0.01
"""Added to both sums of the rim, so that black divides by no zero."""
_BOX_PX = 16
"""Sizes of boxes are multiples of this, so that neighbouring frames mostly share one."""
_SEAM_SHADE = 0.75
"""Brightness of the line between shut lips over that of the lips."""


@dataclass(frozen=True, slots=True)
class TextureDonor:
    """One donor: pixels that fill an opening, mapped by the mesh that they show."""

    pixels: torch.Tensor
    """(N or 1, 3, h, w)."""
    points: torch.Tensor
    """(N or 1, 478, 3) its mesh in its own pixels."""
    weight: torch.Tensor
    """(N,) its share of the opening, in [0, 1]."""
    colour: ColourMatch | None = None
    """How its colours are taken over; None to match the rim of the opening frame by frame."""


def lip_seam(window: torch.Tensor, points: torch.Tensor, weight: torch.Tensor) -> TextureDonor:
    """The lips as donor of the line along which they meet: their own colour, in shadow, instead of crushed teeth.

    Args:
        window: (N, 3, h, w) source windows.
        points: (N, 478, 3) their meshes.
        weight: (N,) how far the mouth is shut.
    """
    lips = points.clone()
    for ring in LIP_RINGS[2:]:
        lips[:, ring] = seam_points(points)
    return TextureDonor(window, lips, weight, ColourMatch(torch.full((3,), _SEAM_SHADE, device=window.device)))


def inlay(
    window: torch.Tensor,
    target: torch.Tensor,
    opening: Opening,
    donors: list[TextureDonor],
    *,
    grow: torch.Tensor,
    edge_px: int,
) -> torch.Tensor:
    """The windows with one opening taken, by share, from the donors.

    Args:
        window: (N, 3, h, w) warped windows; not changed.
        target: (N, 478, 3) the mesh that they show.
        opening: what is filled.
        donors: their weights need not sum to 1; the rest stays the window's own.
        grow: (N,) 0 to 1, how much the line between shut lips is taken from the donors as well.
        edge_px: half the width of the matte's hard edge; one for a whole shot, so that a frame does not
            depend on those that are rendered with it.
    """
    filled = torch.stack([donor.weight for donor in donors]).sum(0).nonzero()[:, 0]
    out = window.clone()
    if not len(filled):
        return out
    triangles = opening.near if opening.hard_edge else opening.around
    origins, sizes = _boxes(target[filled][:, np.unique(triangles)], window.shape[2:], 2 + 2 * edge_px)
    for size_px, alike in rows_by_size(sizes):
        rows, origin = filled[alike], origins[alike]
        picked = [_rows(donor, rows) for donor in donors]
        part = torch.stack([box_in(window[row], at, size_px) for row, at in zip(rows, origin, strict=True)])
        shown = target[rows].clone()
        shown[..., :2] -= origin[:, None].to(target.dtype)
        blended = _blend(part, shown, opening, picked, grow=grow[rows], edge_px=edge_px)
        for row, at, pixels in zip(rows, origin, blended, strict=True):
            box_in(out[row], at, size_px).copy_(pixels)
    return out


def _rows(donor: TextureDonor, rows: torch.Tensor) -> TextureDonor:
    """The donor for these rows; a donor of one image for all rows stays one row."""
    pixels, points = (v if len(v) == 1 else v[rows] for v in (donor.pixels, donor.points))
    return TextureDonor(pixels, points, donor.weight[rows], donor.colour)


def _blend(
    own: torch.Tensor,
    local: torch.Tensor,
    opening: Opening,
    donors: list[TextureDonor],
    *,
    grow: torch.Tensor,
    edge_px: int,
) -> torch.Tensor:
    """(N, 3, h, w) the parts ``own`` of the windows that the opening can reach, blended; ``local`` is their mesh."""
    height, width = own.shape[2:]
    core = torch.zeros(1, local.shape[1], 1, device=own.device)
    core[:, opening.border if opening.hard_edge else np.unique(opening.near)] = 1
    carried = [core, *(donor.points[..., :2] for donor in donors)]
    values = torch.cat([value.expand(len(own), -1, -1) for value in carried], dim=2)
    maps, known = rasterise(local, values, torch.from_numpy(opening.around).to(own.device), (width, height))
    matte = _smooth(maps[:, :1])
    if opening.hard_edge:
        # a line of shut lips has no inside to be covered: there the vertex value, which falls off over the lips, counts
        seam_line = _smooth(((maps[:, :1] - 0.05) / 0.6).clamp(0, 1)) * grow[:, None, None, None]
        matte = torch.maximum(_mouth_matte(local, opening, (width, height), edge_px), seam_line)
    matte = matte * known
    filling, total = torch.zeros_like(own), torch.zeros(len(own), 1, 1, 1, device=own.device)
    for number, donor in enumerate(donors):
        read = _read(donor.pixels, maps[:, 2 * number + 1 : 2 * number + 3])
        matched = read * _rim_gain(own, read, matte) if donor.colour is None else donor.colour.apply(read)
        weight = donor.weight[:, None, None, None]
        filling = filling + weight * matched
        total = total + weight
    return own + matte * (filling - total * own)


def _boxes(points: torch.Tensor, limits: torch.Size, margin: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 2) whole origins and (N, 2) sizes that hold the points of each frame, whatever is drawn with it."""
    low, high = points[..., :2].amin(1).floor() - margin, points[..., :2].amax(1).ceil() + margin
    limit = torch.tensor([limits[1], limits[0]], device=points.device)
    size = torch.minimum(((high - low) / _BOX_PX).ceil().long() * _BOX_PX, limit)
    return torch.minimum(low.long().clamp_min(0), limit - size), size


def _mouth_matte(local: torch.Tensor, opening: Opening, size_px: tuple[int, int], radius: int) -> torch.Tensor:
    """(N, 1, h, w) 1 inside the mouth, ending at the lips within a pixel or two.

    (Lids have no such edge: their matte is a vertex value that runs out over the skin around.)
    """
    nothing = local[..., :1]
    triangles = torch.from_numpy(opening.interior).to(local.device)
    covered = rasterise(local, nothing, triangles, size_px).covered.to(local.dtype)
    kernel = 2 * radius + 1
    soft = F.avg_pool2d(F.avg_pool2d(covered, kernel, 1, radius), kernel, 1, radius)
    return _smooth((soft * 1.25).clamp(max=1))


def _smooth(value: torch.Tensor) -> torch.Tensor:
    return value * value * (3 - 2 * value)


def _read(pixels: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """The donor's pixels at (N, 2, h, w) positions in its own pixels."""
    height, width = pixels.shape[2:]
    size = torch.tensor([width, height], device=pixels.device, dtype=place.dtype)
    grid = place.permute(0, 2, 3, 1) * (2 / size) - 1
    pixels = pixels.expand(len(place), -1, -1, -1)
    return F.grid_sample(pixels, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _rim_gain(own: torch.Tensor, read: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """(N, 3, 1, 1) gain that makes the donor's pixels meet the window's where the matte runs out."""
    rim = matte * (1 - matte)
    own_sum, read_sum = ((pixels * rim).sum((2, 3), keepdim=True) for pixels in (own, read))
    gain = (own_sum + _LEAST_RIM) / (read_sum.clamp_min(0) + _LEAST_RIM)
    return gain.clamp(0.7, 1.4)
