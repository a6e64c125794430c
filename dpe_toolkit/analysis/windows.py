"""Native windows: which part of each frame components get to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from dpe_toolkit.core.frames import FrameBatch
from dpe_toolkit.editing.handover import upload
from dpe_toolkit.editing.protocols import ShapesWindow, WindowShape
from dpe_toolkit.face.tracks import FaceBatch, FaceTrack, FloatArray, Placement
from dpe_toolkit.geometry import upload_window

__all__ = ["BLOCK", "WindowPlan", "cut_faces", "gather_faces", "place_faces", "plan_windows", "window_shape"]

BLOCK = 8
"""Rows that share a size where one size for the shot would waste too much; spans never cross a block."""
_INNER = 1.25
"""The face, grown by this, never leaves the window, however fast it moves."""
_UNEVEN = 1.5
"""Ratio of largest to smallest face from which on sizes go by block."""
_OUTLINE = 17
"""Landmarks from which they are taken to reach as far as the face; eyes, nose and mouth alone do not."""
_GRID = 16
_SIGMA_ROWS = 3.0
_SIGMA_SIZE_ROWS = 12.0
"""Slower than the place: a face that grows walks, and a crop must not breathe with a jaw that opens."""
_STILL_SHARE = 0.004
"""Of the face's side: a face that wanders no farther does not move, the detector does (a still, held)."""
_USUAL = WindowShape()


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Where the window of each row lies. A window's place depends on nothing but its row and size."""

    centre_px: npt.NDArray[np.float64]
    """(T, 2) in frame pixels."""
    size_px: npt.NDArray[np.int64]
    """(T, 2) width, height; even."""
    present: npt.NDArray[np.bool_]
    """(T,)"""
    focus_px: FloatArray
    """(T, 3) as in `Placement`."""

    def placement(self, rows: npt.NDArray[np.int64]) -> Placement:
        """Windows of these rows, of one size: the largest that any of them needs."""
        size = self.size_px[rows].max(axis=0) if len(rows) else np.full(2, _GRID)
        corner = self.centre_px[rows] - size / 2
        # Even, so that windows start on a chroma cell of 4:2:0.
        origin = np.round(corner / 2).astype(np.int64) * 2
        to_frame = np.tile(np.eye(2, 3, dtype=np.float32), (len(rows), 1, 1))
        to_frame[:, :, 2] = origin
        return Placement(to_frame, (int(size[0]), int(size[1])), self.present[rows], self.focus_px[rows])


def window_shape(component: object) -> WindowShape:
    """The window that a component wants, the usual one where it says nothing."""
    asked = getattr(component, "wrapped", component)  # what may fall back to the CPU wraps it
    return asked.window_shape if isinstance(asked, ShapesWindow) else _USUAL


def plan_windows(track: FaceTrack, shape: WindowShape = _USUAL) -> WindowPlan:
    """Windows that hold the face of every row with the margin of ``shape``, following it smoothly.

    One size for the whole track, unless the face grows or shrinks by more than half: then one for
    each `BLOCK` rows, so that a face walking up from afar does not make every window huge.
    """
    hull = _hulls(track)
    side = hull[:, 2:] - hull[:, :2]
    if shape.square:
        side = np.repeat(side.max(axis=1, keepdims=True), 2, axis=1)
    wanted = np.ceil(side * shape.margin / _GRID).astype(np.int64) * _GRID
    largest = side.max(axis=1)
    uneven = largest.max() > _UNEVEN * max(float(largest.min()), 1.0)
    if uneven:
        starts = np.arange(0, len(track), BLOCK)
        wanted = np.repeat(np.maximum.reduceat(wanted, starts, axis=0), BLOCK, axis=0)[: len(track)]
    else:
        wanted = np.tile(wanted.max(axis=0), (len(track), 1))
    size = np.maximum(wanted, _GRID)
    middle = (hull[:, :2] + hull[:, 2:]) / 2
    # One pixel less: origins are rounded to even ones.
    slack = np.maximum((size - side * _INNER) / 2 - 1, 0)
    centre = np.clip(_smooth(middle), middle - slack, middle + slack)
    grown = _smooth(largest[:, None], _SIGMA_SIZE_ROWS) if uneven else np.full((len(track), 1), np.median(largest))
    held = np.ptp(centre, axis=0).max() < _STILL_SHARE * float(np.median(largest))
    focus = np.tile(np.median(centre, axis=0), (len(track), 1)) if held else centre
    return WindowPlan(centre, size, track.present, np.concatenate([focus, grown], axis=1).astype(np.float32))


def _hulls(track: FaceTrack) -> npt.NDArray[np.float64]:
    """(T, 4) xyxy of each face: what its landmarks reach, else its box, where they are too few to lie around it."""
    if track.landmarks_px.shape[1] < _OUTLINE:
        return track.boxes_px.astype(np.float64)
    points = track.landmarks_px[:, :, :2].astype(np.float64)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def _smooth(values: npt.NDArray[np.float64], sigma_rows: float = _SIGMA_ROWS) -> npt.NDArray[np.float64]:
    """Gaussian over rows, ends repeated."""
    reach = min(int(3 * sigma_rows), max(len(values) - 1, 0))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_rows) ** 2)
    weights /= weights.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, weights, mode="valid") for column in padded.T], axis=1)


def place_faces(track: FaceTrack, rows: npt.NDArray[np.int64], placement: Placement) -> FaceBatch:
    """The faces of these rows without their pixels (h = w = 0), on the CPU, in windows at ``placement``."""
    points, activities = _seen(track, rows, placement)
    return FaceBatch(torch.zeros(len(rows), 3, 0, 0), placement, points, activities, track.index[rows])


def cut_faces(
    frames: FrameBatch,
    track: FaceTrack,
    rows: npt.NDArray[np.int64],
    windows: WindowPlan,
    device: torch.device | str = "cpu",
) -> FaceBatch:
    """Native windows of N frames, brought to a device in one transfer.

    Args:
        frames: N frames, those of ``rows``.
        track: the face.
        rows: (N,) rows of the track.
        windows: the windows of that track.
        device: where the windows are wanted.
    """
    placement = windows.placement(rows)
    seen = _seen(track, rows, placement)
    pixels, (points, activities) = upload_window(frames, placement.origin_px, placement.size_px, device, seen)
    return FaceBatch(pixels, placement, points, activities, track.index[rows])


def gather_faces(
    pieces: Iterable[tuple[npt.NDArray[np.int64], FrameBatch]],
    track: FaceTrack,
    rows: npt.NDArray[np.int64],
    windows: WindowPlan,
    device: torch.device | str = "cpu",
) -> FaceBatch:
    """Native windows of N frames that are decoded a few at a time, a transfer each time.

    Args:
        pieces: positions in ``rows`` and the frames that belong there; each position once.
        track: the face.
        rows: (N,) rows of the track, in any order, repeats included.
        windows: the windows of that track.
        device: where the windows are wanted.
    """
    placement = windows.placement(rows)
    points, activities = _seen(track, rows, placement)
    found: tuple[torch.Tensor, ...] = ()
    for places, frames in pieces:
        along = (points[places], activities[places])
        pixels, others = upload_window(frames, placement.origin_px[places], placement.size_px, device, along)
        parts = (pixels, *others)
        if len(places) == len(rows) and (np.diff(places) > 0).all():
            found = parts
            continue
        found = found or tuple(part.new_empty(len(rows), *part.shape[1:]) for part in parts)
        for whole, part in zip(found, parts, strict=True):
            whole[places] = part
    if not found:
        width, height = placement.size_px
        found = (torch.zeros(0, 3, height, width, device=device), *upload(device, points, activities))
    return FaceBatch(found[0], placement, found[1], found[2], track.index[rows])


def _seen(track: FaceTrack, rows: npt.NDArray[np.int64], placement: Placement) -> tuple[torch.Tensor, torch.Tensor]:
    """Landmarks in window pixels and blendshapes of these rows, on the CPU."""
    landmarks: FloatArray = track.landmarks_px[rows].copy()
    landmarks[:, :, :2] -= placement.origin_px[:, None].astype(np.float32)
    return torch.from_numpy(landmarks), torch.from_numpy(track.blendshapes[rows])
