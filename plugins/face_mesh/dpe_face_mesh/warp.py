"""The dense map that moves a face from one mesh to another and leaves what is around it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from dpe_face_mesh.raster import rasterise
from dpe_toolkit.api.face import EYES, FACE_OVAL, INNER_LIPS, NUM_MESH_VERTICES, canonical_face, canonical_mesh

__all__ = ["backward_map", "boxes", "map_step", "resample", "visibility"]

_BAND = 1.27
_GRID_PX = 210
"""Of a window's longer side: finer maps look no better."""
_BOX_PX = 32
"""Sizes of boxes are multiples of this, so that neighbouring frames mostly share one."""
_GAZE_UPRIGHT = 0.25
"""Share of the iris's own movement up and down that is drawn: lids hide the rest of the iris, and pull with it."""
_HEAD_CENTRE = np.array([0, 0, 2.5], np.float32)
_HEAD_RADII = np.array([8, 11, 10], np.float32)
_RINGS = (0.3, 0.65, 1.0)


@lru_cache(maxsize=1)
def _triangles() -> torch.Tensor:
    """Face triangles and, around the oval, strips to rings of extra vertices that follow the 478.

    The mouth's inside has a border of its own, at the very end, so that it can read elsewhere than the lips.
    """
    face = canonical_face().triangles.copy()
    inside = np.isin(face, INNER_LIPS).all(axis=1)
    own_border = np.full(NUM_MESH_VERTICES, -1)
    own_border[INNER_LIPS] = NUM_MESH_VERTICES + len(_RINGS) * len(FACE_OVAL) + np.arange(len(INNER_LIPS))
    face[inside] = own_border[face[inside]]
    oval = torch.from_numpy(FACE_OVAL)
    following = oval.roll(-1)
    strips, inner = [], (oval, following)
    for ring in range(len(_RINGS)):
        outer = torch.arange(len(oval)) + NUM_MESH_VERTICES + ring * len(oval)
        next_outer = outer.roll(-1)
        strips.append(torch.stack([inner[0], inner[1], outer], dim=1))
        strips.append(torch.stack([inner[1], next_outer, outer], dim=1))
        inner = (outer, next_outer)
    return torch.cat([torch.from_numpy(face), *strips])


@lru_cache(maxsize=1)
def _outward() -> torch.Tensor:
    """(478, 3) directions in which the head's surface faces at each vertex, taken from an ellipsoid.

    Normals of the mesh itself fold into mouth and eyes, where the movement matters most.
    """
    normal = (canonical_mesh() - _HEAD_CENTRE) / _HEAD_RADII**2
    return torch.from_numpy((normal / np.linalg.norm(normal, axis=1, keepdims=True)).astype(np.float32))


def visibility(rotation: torch.Tensor) -> torch.Tensor:
    """(N, 478) how much each vertex faces the camera, 0 (turned away) to 1.

    Vertices on the far side of a turned head fold over each other when they move, so they are held.

    Args:
        rotation: (N, 3, 3) head rotations.
    """
    towards, outward = rotation[:, 2, :, None], _outward().to(rotation.device).T
    # term by term: a matrix product adds in an order that goes by its size, and so by what is drawn together
    facing = -(towards[:, 0] * outward[0] + towards[:, 1] * outward[1] + towards[:, 2] * outward[2])
    weight = (facing / 0.3).clamp(0, 1)
    return weight * weight * (3 - 2 * weight)


def map_step(size_px: tuple[int, int]) -> int:
    """Pixels a cell of the map of a window of (width, height).

    It goes by the window, whose size is settled for a shot or a block of rows, and not by the meshes at hand: a
    frame is to look the same whatever is drawn with it, and a step that changes from frame to frame flickers.
    """
    return max(1, round(max(size_px) / _GRID_PX))


def boxes(source: torch.Tensor, target: torch.Tensor, size_px: tuple[int, int]) -> torch.Tensor:
    """(N, 4) whole-pixel boxes (xyxy) in a window outside which `backward_map` moves nothing.

    Each follows from its own meshes alone, and begins on a cell of the window's map.
    """
    centre = source[:, FACE_OVAL, :2].mean(1, keepdim=True)
    both = torch.cat([source[:, FACE_OVAL, :2], target[:, FACE_OVAL, :2]], dim=1)
    radius = (both - centre).norm(dim=2, keepdim=True)
    furthest = radius.unflatten(1, (2, -1)).amax(1).repeat(1, 2, 1)
    ring = centre + (both - centre) / radius.clamp_min(1e-6) * furthest * _BAND
    step = map_step(size_px)
    limit = torch.tensor(size_px, device=source.device)
    low = torch.div(ring.amin(1).floor().long() - step, step, rounding_mode="floor") * step
    low = torch.minimum(low.clamp_min(0), torch.div(limit - 1, step, rounding_mode="floor") * step)
    size = (ring.amax(1).ceil().long() + step - low).clamp_min(1)
    size = torch.div(size + _BOX_PX - 1, _BOX_PX, rounding_mode="floor") * _BOX_PX
    return torch.cat([low, torch.minimum(low + size, limit)], dim=1)


def backward_map(
    source: torch.Tensor,
    target: torch.Tensor,
    share: torch.Tensor,
    inside: torch.Tensor,
    size_px: tuple[int, int],
    *,
    step: int,
) -> torch.Tensor:
    """Where each pixel of the edited window comes from, relative to itself.

    Args:
        source: (N, 478, 3) mesh in window pixels.
        target: (N, 478, 3) mesh to show.
        share: (N, 478) how much of its movement each vertex makes, from `visibility`.
        inside: (N, 20, 3) where the border of the mouth's inside is read, in the order of `INNER_LIPS`.
        size_px: (width, height) of the window, or of a box in it.
        step: pixels a cell of the map, from `map_step`; between cells it is interpolated.

    Returns:
        (N, 2, h, w) displacement in pixels, x then y; exactly 0 beyond 1.27 times the face.
    """
    shown = source + (target - source) * share[..., None]
    before, after = _with_rings(source, shown)
    before, after = torch.cat([before, inside], dim=1), torch.cat([after, shown[:, INNER_LIPS]], dim=1)
    coarse = (-(-size_px[0] // step), -(-size_px[1] // step))
    scale = torch.tensor([1 / step, 1 / step, 1.0], device=source.device)
    moves = (before - after)[..., :2]
    grid, known = rasterise(after * scale, moves, _triangles().to(source.device), coarse)
    # where a turned face's edge slides over what is behind it the map jumps, and the edge would come out in steps
    grid = F.avg_pool2d(grid, 3, 1, 1, count_include_pad=False) * known
    grid = grid + _gaze(source, shown, grid, step)
    if step == 1:
        return grid
    full = F.interpolate(grid, scale_factor=step, mode="bilinear", align_corners=False)
    return full[:, :, : size_px[1], : size_px[0]]


def _with_rings(source: torch.Tensor, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both meshes with rings outside the face: they move less and less, the last not at all."""
    centre = source[:, FACE_OVAL, :2].mean(1, keepdim=True)
    before, after = source[:, FACE_OVAL], shown[:, FACE_OVAL]
    reach = torch.maximum((before[..., :2] - centre).norm(dim=2), (after[..., :2] - centre).norm(dim=2))
    direction = F.normalize(before[..., :2] - centre, dim=2)
    edge = centre + direction * reach[..., None] * _BAND
    far = source[..., 2].amax(dim=1)[:, None, None].expand(-1, len(FACE_OVAL), 1)
    sources, targets = [source], [shown]
    for share in _RINGS:
        sources.append(torch.cat([before[..., :2].lerp(edge, share), far], dim=2))
        targets.append(torch.cat([after[..., :2].lerp(edge, share), far], dim=2))
    return torch.cat(sources, dim=1), torch.cat(targets, dim=1)


def _gaze(source: torch.Tensor, shown: torch.Tensor, grid: torch.Tensor, step: int) -> torch.Tensor:
    """What turns the irises beyond the movement of the lids: full at the iris, none at the lids."""
    height, width = grid.shape[2:]
    extra = torch.zeros_like(grid)
    for eye in EYES:
        ring, iris = torch.from_numpy(eye.ring).to(grid.device), int(eye.iris[0])
        apex = shown[:, iris, :2]
        place = torch.stack([apex[:, 0] / (width * step), apex[:, 1] / (height * step)], dim=1) * 2 - 1
        lids = F.grid_sample(grid, place[:, None, None], align_corners=False)[:, :, 0, 0]
        rest = ((source - shown)[:, iris, :2] - lids) * torch.tensor([1.0, _GAZE_UPRIGHT], device=grid.device)
        fan = torch.cat([shown[:, ring], shown[:, iris : iris + 1]], dim=1) / torch.tensor(
            [step, step, 1.0], device=grid.device
        )
        count = len(ring)
        around = torch.arange(count, device=grid.device)
        triangles = torch.stack([around, around.roll(-1), torch.full_like(around, count)], dim=1)
        height_of = torch.zeros(len(grid), count + 1, 1, device=grid.device)
        height_of[:, -1] = 1
        cone = rasterise(fan, height_of, triangles, (width, height)).values
        bump = (cone * 1.7).clamp(max=1)
        extra += (bump * bump * (3 - 2 * bump)) * rest[:, :, None, None]
    return extra


def resample(pixels: torch.Tensor, move: torch.Tensor, *, mode: str = "bicubic") -> torch.Tensor:
    """(N, 3, h, w) the pixels that the map points at; borders are repeated."""
    height, width = pixels.shape[2:]
    rows = torch.arange(height, device=pixels.device) + 0.5
    columns = torch.arange(width, device=pixels.device) + 0.5
    x = (columns[None, None, :] + move[:, 0]) * (2 / width) - 1
    y = (rows[None, :, None] + move[:, 1]) * (2 / height) - 1
    return F.grid_sample(pixels, torch.stack([x, y], dim=3), mode=mode, padding_mode="border", align_corners=False)
